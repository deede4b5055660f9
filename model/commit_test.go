package model

import (
	"errors"
	"maps"
	"reflect"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// related makes wordpress/0 and mysql/0 and a relation that both are in, whose id it returns.
func (r *rig) related() int {
	r.t.Helper()
	r.deploy(wordpress, 1)
	r.deploy(mysql, 2)
	id := r.relate("wordpress", "mysql").Id
	r.enter(id, "wordpress/0", "mysql/0")
	return id
}

func TestCommit(t *testing.T) {
	r := newRig(t)
	id := r.related()
	r.enter(0, "mysql/0")
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	flush := Flush{
		Unit:           "mysql/0",
		RelationUnit:   map[int]map[string]string{id: {"a": "1", "ingress-address": "", "never": ""}, 0: {"b": "2"}},
		RelationApp:    map[int]map[string]string{id: {"c": "3"}},
		OpenPorts:      []PortRange{{Protocol: "tcp", From: 3306, To: 3306}},
		WorkloadStatus: &StatusInfo{Status: StatusActive, Since: since},
		AgentStatus:    &StatusInfo{Status: StatusIdle, Since: since},
	}
	before := r.dump()
	r.check(r.Commit(r.ctx, flush))
	transactions, written := map[int64]bool{}, 0
	for key, revision := range r.dump() {
		if before[key] != revision {
			transactions[revision] = true
			written++
		}
	}
	if len(transactions) != 1 || written != 6 {
		t.Errorf("the flush wrote %d keys in %d transactions, want 6 in 1", written, len(transactions))
	}
	view := r.View("mysql/0")
	for _, want := range []struct {
		id       int
		settings map[string]string
	}{{id, map[string]string{"a": "1"}}, {0, map[string]string{"b": "2", "ingress-address": "mysql/0"}}} {
		got, err := view.UnitSettings(r.ctx, want.id, "mysql/0")
		r.check(err)
		if !maps.Equal(got, want.settings) {
			t.Errorf("relation %d: got settings %v, want %v", want.id, got, want.settings)
		}
	}
	shared, err := view.ApplicationSettings(r.ctx, id, "mysql")
	r.check(err)
	if !maps.Equal(shared, map[string]string{"c": "3"}) {
		t.Errorf("got application settings %v", shared)
	}
	unit, err := view.Unit(r.ctx, "mysql/0")
	r.check(err)
	if !reflect.DeepEqual(unit.Ports, flush.OpenPorts) || unit.Workload.Status != StatusActive || unit.Agent.Status != StatusIdle {
		t.Errorf("got unit %+v", unit)
	}

	r.unchanged(func() { r.check(r.Commit(r.ctx, flush)) })
	r.unchanged(func() { r.check(r.Commit(r.ctx, Flush{Unit: "mysql/0"})) })
}

// TestCommitCreatesOnFirstWrite: settings of an application that says nothing have no version.
func TestCommitCreatesOnFirstWrite(t *testing.T) {
	r := newRig(t)
	id := r.related()
	r.unchanged(func() {
		r.check(r.Commit(r.ctx, Flush{Unit: "mysql/0", RelationApp: map[int]map[string]string{id: {"a": ""}}}))
	})
	if r.value(r.keys.applicationBag(id, "mysql")) != "" {
		t.Error("there are settings that nobody wrote")
	}
	r.check(r.Commit(r.ctx, Flush{Unit: "mysql/0", RelationApp: map[int]map[string]string{id: {"a": "1"}}}))
	r.check(r.Commit(r.ctx, Flush{Unit: "mysql/0", RelationApp: map[int]map[string]string{id: {"a": ""}}}))
	if got, want := r.value(r.keys.applicationBag(id, "mysql")), `{"settings":{},"writer":"mysql/0"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCommitRefuses(t *testing.T) {
	r := newRig(t)
	id := r.related()
	holds := clientv3.Compare(clientv3.CreateRevision(r.keys.meta()), ">", 0)
	fails := clientv3.Compare(clientv3.CreateRevision(r.keys.meta()), "=", 0)
	good := map[int]map[string]string{id: {"a": "1"}}
	for _, test := range []struct {
		about string
		flush Flush
		want  string
		check func(error) bool
	}{
		{
			"the claim is lost", Flush{Unit: "mysql/0", RelationUnit: good, Fence: []clientv3.Cmp{holds, fails}},
			"cannot commit the changes of unit mysql/0: the right to write was lost",
			func(err error) bool { return errors.Is(err, ErrFenced) },
		}, {
			"no such unit", Flush{Unit: "mysql/7", WorkloadStatus: &StatusInfo{Status: StatusActive}},
			`cannot commit the changes of unit mysql/7: unit "mysql/7" not found`, IsNotFound,
		}, {
			"bad unit", Flush{Unit: "mysql"}, `invalid unit name "mysql"`, nil,
		}, {
			"not in the scope", Flush{Unit: "mysql/1", RelationUnit: good},
			`cannot commit the changes of unit mysql/1: the settings of unit "mysql/1" in relation 1 not found`, IsNotFound,
		}, {
			"no such relation", Flush{Unit: "mysql/0", RelationUnit: good, RelationApp: map[int]map[string]string{9: {"a": "b"}}},
			`cannot commit the changes of unit mysql/0: relation 9 not found`, IsNotFound,
		},
	} {
		t.Run(test.about, func(t *testing.T) {
			r.unchanged(func() {
				err := r.Commit(r.ctx, test.flush)
				wantError(t, err, test.want)
				if test.check != nil && !test.check(err) {
					t.Errorf("the error %v is not of its kind", err)
				}
			})
		})
	}
}

// TestCommitFencedByClaim holds the flush of an agent that lost its claim against the claim's own fence.
func TestCommitFencedByClaim(t *testing.T) {
	r := newRig(t)
	id := r.related()
	claim, err := r.ClaimUnit(r.ctx, "mysql/0", "0")
	r.check(err)
	r.stop(claim)
	fence := claim.Fence()
	flush := Flush{Unit: "mysql/0", RelationUnit: map[int]map[string]string{id: {"a": "1"}}, Fence: fence}
	r.check(r.Commit(r.ctx, flush))

	successor, err := r.again().ClaimUnit(r.ctx, "mysql/0", "0")
	r.check(err)
	r.stop(successor)
	flush.RelationUnit[id]["a"] = "2"
	r.unchanged(func() {
		if err := r.Commit(r.ctx, flush); !errors.Is(err, ErrFenced) {
			t.Errorf("got error %v, want ErrFenced", err)
		}
	})
	flush.Fence = successor.Fence()
	r.check(r.Commit(r.ctx, flush))
}

// TestCommitMeetsChanges has everything that a flush reads change under it.
func TestCommitMeetsLeave(t *testing.T) {
	r := newRig(t)
	id := r.related()
	done := make(chan error, 1)
	go func() {
		for range 50 {
			if err := r.EnterScope(r.ctx, id, "mysql/0", nil); err != nil {
				done <- err
				return
			}
			if err := r.LeaveScope(r.ctx, id, "mysql/0"); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for i := 0; ; i++ {
		value := string(rune('a' + i%26))
		err := r.Commit(r.ctx, Flush{Unit: "mysql/0", RelationUnit: map[int]map[string]string{id: {"a": value}}})
		if err != nil && !IsNotFound(err) {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			r.check(err)
			// A flush never brings back the settings of a unit that left.
			if got := r.value(r.keys.member(id, "mysql/0")); got != "" {
				t.Errorf("a unit that left has settings %s", got)
			}
			return
		default:
		}
	}
}

func TestApplicationSettingsKnowTheirWriters(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 2)
	const peer = 0
	key := r.keys.applicationBag(peer, "mysql")
	commit := func(unit, value string) int64 {
		t.Helper()
		r.check(r.Commit(r.ctx, Flush{Unit: unit, RelationApp: map[int]map[string]string{peer: {"k": value}}}))
		response, err := r.client.Get(r.ctx, key)
		r.check(err)
		return response.Kvs[0].ModRevision
	}
	bag := func() bagRecord {
		t.Helper()
		record, err := decode[bagRecord](key, []byte(r.value(key)))
		r.check(err)
		return record
	}
	commit("mysql/0", "1")
	second := commit("mysql/0", "2")
	if got := bag(); got.Writer != "mysql/0" || got.Foreign != 0 {
		t.Errorf("got %+v, want nobody else's writes", got)
	}
	third := commit("mysql/1", "3")
	if got := bag(); got.Writer != "mysql/1" || got.Foreign != second {
		t.Errorf("got %+v, want the other's version %d", got, second)
	}
	commit("mysql/1", "4")
	if got := bag(); got.Foreign != second {
		t.Errorf("got %+v, want the other's version %d", got, second)
	}
	fifth := commit("mysql/0", "5")
	if got := bag(); got.Writer != "mysql/0" || got.Foreign <= third || got.Foreign >= fifth {
		t.Errorf("got %+v, want the other's last version, between %d and %d", got, third, fifth)
	}
}
