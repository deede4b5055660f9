package model

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// registry notes what was given out, and what was given out twice.
type registry struct {
	mu    sync.Mutex
	given map[string]bool
	twice []string
}

func (g *registry) note(names ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range names {
		if g.given[name] {
			g.twice = append(g.twice, name)
		}
		g.given[name] = true
	}
}

// crowd runs random commands and what agents do, on few enough things that they meet all the time.
type crowd struct {
	*rig
	registry *registry
	machine  string
}

func (c *crowd) step() error {
	charms := []Charm{wordpress, mysql, haproxy}
	charm := charms[rand.N(len(charms))]
	switch rand.N(9) {
	case 0, 1:
		units, err := c.Deploy(c.ctx, DeployArgs{Application: charm.Name, Charm: charm, NumUnits: rand.N(3), Machine: c.machine})
		c.registry.note(units...)
		return err
	case 2:
		units, err := c.AddUnits(c.ctx, charm.Name, 1+rand.N(2), c.machine)
		c.registry.note(units...)
		return err
	case 3:
		if rand.N(3) == 0 {
			return c.RemoveApplication(c.ctx, charm.Name)
		}
		return nil
	case 4:
		pairs := [][2]string{{"wordpress", "mysql"}, {"haproxy:front", "wordpress"}, {"haproxy:back", "wordpress"}}
		pair := pairs[rand.N(len(pairs))]
		if rand.N(3) == 0 {
			return c.RemoveRelation(c.ctx, pair[0], pair[1])
		}
		relation, err := c.AddRelation(c.ctx, pair[0], pair[1])
		if err == nil {
			c.registry.note(fmt.Sprint("relation ", relation.Id))
		}
		return err
	default:
		return c.agent()
	}
}

// agent does what one unit's agent would do next.
func (c *crowd) agent() error {
	w := c.look()
	for name, unit := range w.units { // a random one
		application, _, _ := splitUnit(name)
		for id, relation := range w.relations {
			if _, in := relationFrom(id, relation).Endpoint(application); !in {
				continue
			}
			if unit.Life == Alive && relation.Life == Alive && rand.N(3) > 0 {
				return c.EnterScope(c.ctx, id, name, nil)
			}
			if err := c.LeaveScope(c.ctx, id, name); err != nil {
				return err
			}
		}
		if unit.Life != Alive {
			return c.RemoveDeadUnit(c.ctx, name)
		}
		if rand.N(4) == 0 {
			return c.RemoveUnit(c.ctx, name)
		}
		return c.SetAgentStatus(c.ctx, name, StatusInfo{Status: StatusIdle})
	}
	return nil
}

// expected tells whether an error is one that a command may meet when others change the model.
func expected(err error) bool {
	if err == nil || IsNotFound(err) || IsAlreadyExists(err) || errors.Is(err, ErrDying) {
		return true
	}
	for _, text := range []string{"still being removed", "dying, but not yet removed", "still in the scope of", "still alive", "no relations found"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

// TestConcurrentCommands runs commands and agents of several processes at once. What must always be true is looked
// at all the time.
func TestConcurrentCommands(t *testing.T) {
	r := newRig(t)
	machine, err := r.AddMachine(r.ctx, Machine{})
	r.check(err)
	given := &registry{given: map[string]bool{}}
	const processes, steps = 6, 200
	var wg sync.WaitGroup
	for range processes {
		c := &crowd{rig: r.again(), registry: given, machine: machine}
		wg.Go(func() {
			for range steps {
				if err := c.step(); !expected(err) {
					t.Errorf("unexpected error %v", err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	looks := 0
	for running := true; running; looks++ {
		select {
		case <-done:
			running = false
		case <-time.After(2 * time.Millisecond):
		}
		if faults := r.look().faults(); len(faults) > 0 {
			<-done
			t.Fatalf("after %d looks:\n%s", looks, strings.Join(faults, "\n"))
		}
	}
	if len(given.twice) > 0 {
		t.Errorf("given out twice: %v", given.twice)
	}
	t.Logf("%d units and relations, %d looks", len(given.given), looks)
	if len(given.given) < 60 {
		t.Error("too little happened")
	}
	r.endAll()
}

// endAll removes everything and has the agents do their last work: nothing may be left.
func (r *rig) endAll() {
	r.t.Helper()
	for name := range r.look().applications {
		if err := r.RemoveApplication(r.ctx, name); err != nil && !IsNotFound(err) {
			r.t.Fatal(err)
		}
	}
	w := r.look()
	for id, members := range w.members {
		for _, unit := range members {
			r.check(r.LeaveScope(r.ctx, id, unit))
		}
	}
	for unit := range w.units {
		r.check(r.RemoveDeadUnit(r.ctx, unit))
	}
	w = r.look()
	if len(w.applications)+len(w.units)+len(w.relations)+len(w.members)+len(w.index)+len(w.placed) != 0 {
		r.t.Errorf("something is left: %+v", w)
	}
}

// TestLastTwoAtOnce has the last two of everything go at the same time, many times over.
func TestLastTwoAtOnce(t *testing.T) {
	r := newRig(t)
	other := r.again()
	both := func(f func(r *rig, unit string) error, units ...string) {
		t.Helper()
		var wg sync.WaitGroup
		for i, unit := range units {
			at := []*rig{r, other}[i]
			wg.Go(func() {
				if err := f(at, unit); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	for range 25 {
		units := r.deploy(mysql, 2)
		snapshot, err := r.Status(r.ctx)
		r.check(err)
		peer := snapshot.RelationsOf("mysql")[0].Id
		r.enter(peer, units...)
		r.check(r.RemoveApplication(r.ctx, "mysql"))
		both(func(r *rig, unit string) error { return r.LeaveScope(r.ctx, peer, unit) }, units...)
		if life := r.relationLife(peer); life != "" {
			t.Fatalf("the relation that both left is %s", life)
		}
		both(func(r *rig, unit string) error { return r.RemoveDeadUnit(r.ctx, unit) }, units...)
		if life := r.applicationLife("mysql"); life != "" {
			t.Fatalf("the application that both left is %s", life)
		}
	}
}

// TestOneAgainstOne has two commands meet that must not both go through as if the other were not there.
func TestOneAgainstOne(t *testing.T) {
	for _, test := range []struct {
		about string
		a, b  func(r *rig) error
	}{
		{
			"a unit is added to an application that is removed",
			func(r *rig) error { _, err := r.AddUnits(r.ctx, "mysql", 1, ""); return err },
			func(r *rig) error { return r.RemoveApplication(r.ctx, "mysql") },
		}, {
			"a relation is added to an application that is removed",
			func(r *rig) error { _, err := r.AddRelation(r.ctx, "haproxy:front", "wordpress"); return err },
			func(r *rig) error { return r.RemoveApplication(r.ctx, "haproxy") },
		}, {
			"a unit enters a relation that is removed",
			func(r *rig) error { return r.EnterScope(r.ctx, 1, "wordpress/0", nil) },
			func(r *rig) error { return r.RemoveRelation(r.ctx, "wordpress", "mysql") },
		}, {
			"the last unit leaves a relation that is removed",
			func(r *rig) error { return r.LeaveScope(r.ctx, 1, "mysql/0") },
			func(r *rig) error { return r.RemoveRelation(r.ctx, "wordpress", "mysql") },
		}, {
			"an agent takes up a unit that is removed",
			func(r *rig) error {
				claim, err := r.ClaimUnit(r.ctx, "wordpress/0", "0")
				if err == nil {
					claim.Kill()
					err = claim.Wait()
				}
				return err
			},
			func(r *rig) error { return r.RemoveUnit(r.ctx, "wordpress/0") },
		}, {
			"the same relation is added twice",
			func(r *rig) error { _, err := r.AddRelation(r.ctx, "haproxy:front", "wordpress"); return err },
			func(r *rig) error { _, err := r.AddRelation(r.ctx, "wordpress", "haproxy:front"); return err },
		}, {
			"the same application is deployed twice",
			func(r *rig) error {
				_, err := r.Deploy(r.ctx, DeployArgs{Application: "m", Charm: mysql, NumUnits: 1})
				return err
			},
			func(r *rig) error {
				_, err := r.Deploy(r.ctx, DeployArgs{Application: "m", Charm: mysql, NumUnits: 1})
				return err
			},
		}, {
			"two applications that are related are removed",
			func(r *rig) error { return r.RemoveApplication(r.ctx, "wordpress") },
			func(r *rig) error { return r.RemoveApplication(r.ctx, "mysql") },
		},
	} {
		t.Run(test.about, func(t *testing.T) {
			for range 8 {
				r := newRig(t)
				r.deploy(wordpress, 1)
				r.deploy(mysql, 1)
				r.deploy(haproxy, 1)
				r.relate("wordpress", "mysql")
				r.enter(1, "mysql/0")
				other := r.again()
				var wg sync.WaitGroup
				for _, run := range []func() error{func() error { return test.a(r) }, func() error { return test.b(other) }} {
					wg.Go(func() {
						if err := run(); !expected(err) {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				if faults := r.look().faults(); len(faults) > 0 {
					t.Fatal(strings.Join(faults, "\n"))
				}
			}
		})
	}
}

// interleave runs a command and, when it has read what it decides on and before it writes, something else. It does
// so at the first attempt only.
func (r *rig) interleave(command func(d *draft) error, between func()) error {
	attempts := 0
	_, err := r.transact(r.ctx, nil, func(d *draft) error {
		err := command(d)
		if attempts++; attempts == 1 {
			between()
		}
		return err
	})
	return err
}

// TestCommandMeetsAnother lets one thing happen between what a command reads and what it writes.
func TestCommandMeetsAnother(t *testing.T) {
	setUp := func(t *testing.T) *rig {
		r := newRig(t)
		r.deploy(wordpress, 1)
		r.deploy(mysql, 1)
		r.relate("wordpress", "mysql")
		return r
	}
	t.Run("a unit enters a relation that is about to go", func(t *testing.T) {
		r := setUp(t)
		r.check(r.interleave(
			func(d *draft) error { return r.removeRelation(d, "wordpress", "mysql") },
			func() { r.enter(1, "mysql/0") },
		))
		if life := r.relationLife(1); life != Dying {
			t.Errorf("the relation is %q, want dying", life)
		}
	})
	t.Run("a unit enters a relation whose application is about to go", func(t *testing.T) {
		r := setUp(t)
		r.check(r.interleave(
			func(d *draft) error { return r.removeApplication(d, "wordpress") },
			func() { r.enter(1, "mysql/0") },
		))
		if life := r.relationLife(1); life != Dying || r.applicationLife("wordpress") != Dying {
			t.Errorf("the relation is %q, want dying", life)
		}
	})
	t.Run("the last relation goes while the last unit goes", func(t *testing.T) {
		r := setUp(t)
		r.enter(1, "mysql/0")
		r.take("wordpress/0")
		r.check(r.RemoveApplication(r.ctx, "wordpress"))
		r.check(r.interleave(
			func(d *draft) error {
				record, _, err := read[unitRecord](d, r.keys.unitMeta("wordpress/0"))
				r.removeUnitKeys(d, "wordpress/0", record)
				if err == nil {
					err = r.finishApplication(d, "wordpress")
				}
				return err
			},
			func() { r.check(r.LeaveScope(r.ctx, 1, "mysql/0")) },
		))
		if life := r.applicationLife("wordpress"); life != "" {
			t.Errorf("the application is %q", life)
		}
	})
	t.Run("an agent takes up a unit that is about to go", func(t *testing.T) {
		r := setUp(t)
		r.check(r.interleave(
			func(d *draft) error { return r.removeApplication(d, "mysql") },
			func() { r.take("mysql/0") },
		))
		if life := r.life("mysql/0"); life != Dying {
			t.Errorf("the unit is %q, want dying", life)
		}
	})
	t.Run("a relation is removed while a unit leaves it", func(t *testing.T) {
		r := setUp(t)
		r.enter(1, "mysql/0")
		r.check(r.interleave(
			func(d *draft) error { return r.leaveScope(d, 1, "mysql/0") },
			func() { r.check(r.RemoveRelation(r.ctx, "wordpress", "mysql")) },
		))
		if life := r.relationLife(1); life != "" {
			t.Errorf("the relation is %q with nobody in it", life)
		}
	})
	t.Run("a unit leaves while its settings are flushed", func(t *testing.T) {
		r := setUp(t)
		r.enter(1, "mysql/0")
		err := r.interleave(
			func(d *draft) error {
				return r.flushUnitSettings(d, Flush{Unit: "mysql/0", RelationUnit: map[int]map[string]string{1: {"a": "b"}}})
			},
			func() { r.check(r.LeaveScope(r.ctx, 1, "mysql/0")) },
		)
		if !IsNotFound(err) || r.value(r.keys.member(1, "mysql/0")) != "" {
			t.Errorf("got error %v", err)
		}
	})
}
