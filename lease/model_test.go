package lease_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unit-agent/unit-agent/lease"
)

// TestManagerAgainstAModel does random things to a manager and compares every
// answer with what a few lines of a model say.
func TestManagerAgainstAModel(t *testing.T) {
	rigs := map[string]func(*testing.T, ...func(*lease.ManagerConfig)) (*rig, *spy){
		"store that notifies": newSpyRig, "store that does not": newPlainRig,
	}
	for name, start := range rigs {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				r, _ := start(t, func(config *lease.ManagerConfig) { config.Secretary = anySecretary })
				m := &machine{rig: r, rt: rt, leases: make(map[string]*modelLease)}
				for _, name := range []string{"a", "b", "c"} {
					m.leases[name] = &modelLease{pins: make(map[string]bool)}
				}
				actions := map[string]func(*rapid.T){
					"claim": m.claims, "check": m.checks, "pin": m.pins, "unpin": m.unpins,
					"wait": m.waits, "cancel": m.cancels, "pass": m.passes, "": m.invariant,
				}
				if name == "store that notifies" {
					actions["revoke"] = m.revokes
				}
				rt.Repeat(actions)
				m.settle()
				r.manager.Kill()
				for _, l := range m.leases {
					for _, w := range l.waiters {
						if err := r.receive(w.result); err == nil {
							rt.Error("a waiter was woken although nobody gave the lease up")
						}
					}
				}
				r.equal(r.wait(r.manager.Wait), nil)
			})
		})
	}
}

// modelLease is what ought to be true of a lease.
type modelLease struct {
	holder  string // "" if nobody holds it
	expiry  time.Time
	pins    map[string]bool
	waiters []modelWaiter
}

type modelWaiter struct {
	result <-chan error
	cancel chan struct{}
}

// machine does things to a manager and to the model.
type machine struct {
	*rig
	rt     *rapid.T
	leases map[string]*modelLease
}

func (m *machine) draw(rt *rapid.T) (string, *modelLease) {
	name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "lease")
	return name, m.leases[name]
}

func (m *machine) drawHolder(rt *rapid.T) string {
	return rapid.SampledFrom([]string{"h/0", "h/1", "h/2"}).Draw(rt, "holder")
}

func (m *machine) drawEntity(rt *rapid.T) string {
	return rapid.SampledFrom([]string{"e", "f"}).Draw(rt, "entity")
}

// over tells whether the lease ought to be expired.
func (m *machine) over(l *modelLease) bool {
	return l.holder != "" && len(l.pins) == 0 && !m.clock.Now().Before(l.expiry)
}

// vacate makes a lease free in the model, and expects the waiters to be woken.
func (m *machine) vacate(l *modelLease) {
	l.holder = ""
	for _, w := range l.waiters {
		m.equal(m.receive(w.result), nil)
	}
	l.waiters = nil
}

// settle waits for the manager to expire what is over.
func (m *machine) settle() {
	for name, l := range m.leases {
		if m.over(l) {
			m.eventually("expiry of "+name, func() bool { return m.holder(name) == "" })
			m.vacate(l)
		}
	}
}

func (m *machine) claims(rt *rapid.T) {
	name, l := m.draw(rt)
	holder := m.drawHolder(rt)
	duration := time.Duration(rapid.IntRange(1, 90).Draw(rt, "seconds")) * time.Second
	if l.holder == holder {
		m.settle() // or it would be extended or claimed anew, and both are right
	}
	err := m.wait(func() error { return m.claimer.Claim(name, holder, duration) })
	if m.over(l) {
		m.vacate(l)
	}
	if l.holder != "" && l.holder != holder {
		m.equal(err, lease.ErrClaimDenied)
		return
	}
	m.equal(err, nil)
	if end := m.clock.Now().Add(duration); l.holder == "" || end.After(l.expiry) {
		l.expiry = end
	}
	l.holder = holder
}

func (m *machine) checks(rt *rapid.T) {
	name, l := m.draw(rt)
	holder := m.drawHolder(rt)
	var want error
	if l.holder != holder || m.over(l) {
		want = lease.ErrNotHeld
	}
	m.equal(m.check(name, holder), want)
}

func (m *machine) revokes(rt *rapid.T) {
	m.settle()
	name, l := m.draw(rt)
	holder := m.drawHolder(rt)
	err := m.wait(func() error { return m.revoker.Revoke(name, holder) })
	if l.holder != holder {
		m.equal(err, lease.ErrNotHeld)
		return
	}
	m.equal(err, nil)
	m.vacate(l)
}

func (m *machine) pins(rt *rapid.T) {
	m.settle()
	name, l := m.draw(rt)
	entity := m.drawEntity(rt)
	m.pin(name, entity)
	l.pins[entity] = true
}

func (m *machine) unpins(rt *rapid.T) {
	name, l := m.draw(rt)
	entity := m.drawEntity(rt)
	m.unpin(name, entity)
	delete(l.pins, entity)
}

func (m *machine) waits(rt *rapid.T) {
	m.settle()
	name, l := m.draw(rt)
	if l.holder == "" {
		m.equal(m.wait(func() error { return m.claimer.WaitUntilExpired(name, nil) }), nil)
		return
	}
	cancel := make(chan struct{})
	l.waiters = append(l.waiters, modelWaiter{m.waiting(name, cancel), cancel})
}

func (m *machine) cancels(rt *rapid.T) {
	m.settle()
	_, l := m.draw(rt)
	if len(l.waiters) == 0 {
		rt.Skip("nobody waits")
	}
	i := rapid.IntRange(0, len(l.waiters)-1).Draw(rt, "waiter")
	before := m.metric("waiters")
	close(l.waiters[i].cancel)
	m.equal(m.receive(l.waiters[i].result), lease.ErrWaitCancelled)
	l.waiters = slices.Delete(l.waiters, i, i+1)
	m.eventually("waiter forgotten", func() bool { return m.metric("waiters") == before-1 })
}

func (m *machine) passes(rt *rapid.T) {
	m.clock.Advance(time.Duration(rapid.IntRange(1, 60).Draw(rt, "seconds")) * time.Second)
	if rapid.Bool().Draw(rt, "settle") {
		m.settle()
	}
}

// invariant compares the store with the model, where nothing is under way.
func (m *machine) invariant(rt *rapid.T) {
	for name, l := range m.leases {
		if m.over(l) {
			continue
		}
		info, held := m.memory.Leases(key(name))[key(name)]
		if held != (l.holder != "") || info.Holder != l.holder || held && !info.Expiry.Equal(l.expiry) {
			rt.Fatalf("%s: got %+v, want holder %q until %v", name, info, l.holder, l.expiry)
		}
		pins := slices.Sorted(maps.Keys(l.pins))
		if got := m.pinner.Pinned()[name]; fmt.Sprint(got) != fmt.Sprint(pins) {
			rt.Fatalf("%s: got pins %v, want %v", name, got, pins)
		}
		for _, w := range l.waiters {
			m.pending(w.result, "waiter for "+name)
		}
	}
}
