package model

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"testing"

	"gopkg.in/tomb.v2"

	"github.com/unit-agent/unit-agent/store/etcdtest"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

func (r *rig) watchRelation(id int, unit string) *RelationUnitsWatcher {
	r.t.Helper()
	w, err := r.WatchRelationUnits(id, unit)
	r.check(err)
	r.stop(w)
	return w
}

// version returns the version of a key.
func (r *rig) version(key string) int64 {
	r.t.Helper()
	response, err := r.client.Get(r.ctx, key)
	r.check(err)
	if len(response.Kvs) == 0 {
		r.t.Fatalf("key %s is not there", key)
	}
	return response.Kvs[0].ModRevision
}

// seen is what somebody knows who took up all changes of a watcher.
type seen struct {
	units        map[string]int64
	applications map[string]int64
	delivered    map[string]bool
	changes      int
}

func newSeen() *seen {
	return &seen{units: map[string]int64{}, applications: map[string]int64{}, delivered: map[string]bool{}}
}

// take takes up a change, and fails the test if it tells of a version twice.
func (s *seen) take(t *testing.T, change relation.RelationUnitsChange) {
	t.Helper()
	for unit, settings := range change.Changed {
		s.once(t, unit, settings.Version)
		s.units[unit] = settings.Version
	}
	for application, version := range change.AppChanged {
		s.once(t, application, version)
		s.applications[application] = version
	}
	for _, unit := range change.Departed {
		if _, both := change.Changed[unit]; both {
			t.Errorf("%s is changed and departed in one change", unit)
		}
		delete(s.units, unit)
	}
	s.changes++
}

func (s *seen) once(t *testing.T, name string, version int64) {
	t.Helper()
	key := fmt.Sprint(name, " ", version)
	if s.delivered[key] {
		t.Errorf("version %d of %s was delivered twice", version, name)
	}
	s.delivered[key] = true
}

// flush commits settings of a unit, and of its application if it is to.
func (r *rig) flush(id int, unit, value string, application bool) {
	r.t.Helper()
	flush := Flush{Unit: unit, RelationUnit: map[int]map[string]string{id: {"k": value}}}
	if application {
		flush = Flush{Unit: unit, RelationApp: map[int]map[string]string{id: {"k": value}}}
	}
	r.check(r.Commit(r.ctx, flush))
}

func TestRelationUnitsWatcher(t *testing.T) {
	r := newRig(t)
	id := r.related()
	r.flush(id, "mysql/0", "1", true)
	r.flush(id, "wordpress/0", "1", true)
	member := func(unit string) int64 { t.Helper(); return r.version(r.keys.member(id, unit)) }
	w := r.watchRelation(id, "wordpress/0")
	expect := func(want relation.RelationUnitsChange) {
		t.Helper()
		if got := receive(t, w.Changes()); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	first := relation.RelationUnitsChange{
		Changed:    map[string]relation.UnitSettings{"mysql/0": {Version: member("mysql/0")}},
		AppChanged: map[string]int64{"mysql": r.version(r.keys.applicationBag(id, "mysql"))},
	}
	expect(first)
	present, inScope, err := r.RelationUnits(r.ctx, id, "wordpress/0")
	r.check(err)
	if !reflect.DeepEqual(present, first) || !inScope {
		t.Errorf("RelationUnits says %+v, in scope: %t", present, inScope)
	}

	// What one's own side does is nothing to see.
	r.flush(id, "wordpress/0", "2", false)
	r.flush(id, "wordpress/0", "2", true)

	r.enter(id, "mysql/1")
	expect(relation.RelationUnitsChange{Changed: map[string]relation.UnitSettings{"mysql/1": {Version: member("mysql/1")}}})
	r.flush(id, "mysql/1", "2", false)
	expect(relation.RelationUnitsChange{Changed: map[string]relation.UnitSettings{"mysql/1": {Version: member("mysql/1")}}})
	r.flush(id, "mysql/1", "2", true)
	expect(relation.RelationUnitsChange{AppChanged: map[string]int64{"mysql": r.version(r.keys.applicationBag(id, "mysql"))}})
	r.check(r.LeaveScope(r.ctx, id, "mysql/0"))
	expect(relation.RelationUnitsChange{Departed: []string{"mysql/0"}})

	r.check(r.RemoveRelation(r.ctx, "mysql", "wordpress"))
	r.check(r.LeaveScope(r.ctx, id, "wordpress/0"))
	r.check(r.LeaveScope(r.ctx, id, "mysql/1"))
	expect(relation.RelationUnitsChange{Departed: []string{"mysql/1"}})
	if err := w.Err(); err != tomb.ErrStillAlive {
		t.Errorf("the watcher ended with %v when the relation was removed", err)
	}
	r.check(w.Stop())
	if _, ok := <-w.Changes(); ok || w.Err() != nil {
		t.Errorf("after Stop the channel is open, or Err is %v", w.Err())
	}
}

func TestRelationUnitsWatcherOfEmptyRelation(t *testing.T) {
	r := newRig(t)
	r.deploy(wordpress, 1)
	r.deploy(mysql, 1)
	id := r.relate("wordpress", "mysql").Id
	w := r.watchRelation(id, "wordpress/0")
	first := receive(t, w.Changes())
	if len(first.Changed)+len(first.AppChanged)+len(first.Departed) != 0 {
		t.Errorf("got %+v, want nothing", first)
	}
	present, inScope, err := r.RelationUnits(r.ctx, id, "wordpress/0")
	r.check(err)
	if !reflect.DeepEqual(present, first) || inScope {
		t.Errorf("RelationUnits says %+v, in scope: %t", present, inScope)
	}
}

func TestRelationUnitsWatcherOfNothing(t *testing.T) {
	r := newRig(t)
	id := r.related()
	r.deploy(memcached, 1)
	w, err := r.WatchRelationUnits(77, "mysql/0")
	r.check(err)
	if err := wait(t, w); !IsNotFound(err) || w.Err() != err {
		t.Errorf("got error %v, then %v", err, w.Err())
	}
	w, err = r.WatchRelationUnits(id, "memcached/0")
	r.check(err)
	wantError(t, wait(t, w), `application "memcached" is not in relation 1 "wordpress:db mysql:server"`)
	_, err = r.WatchRelationUnits(id, "mysql")
	wantError(t, err, `invalid unit name "mysql"`)
	_, _, err = r.RelationUnits(r.ctx, 77, "mysql/0")
	wantError(t, err, "relation 77 not found")
	_, _, err = r.RelationUnits(r.ctx, id, "mysql/7")
	wantError(t, err, `unit "mysql/7" not found`)
	_, _, err = r.RelationUnits(r.ctx, id, "memcached/0")
	wantError(t, err, `application "memcached" is not in relation 1 "wordpress:db mysql:server"`)
	if len(r.Model.relations) != 0 {
		t.Error("a share is left behind")
	}
}

// TestPeersSeeEachOther checks that nobody sees itself, nor what it wrote to the settings that all share.
func TestPeersSeeEachOther(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 3)
	const peer = 0
	r.enter(peer, "mysql/0", "mysql/1", "mysql/2")
	watchers := map[string]*RelationUnitsWatcher{}
	for _, unit := range []string{"mysql/0", "mysql/1"} {
		watchers[unit] = r.watchRelation(peer, unit)
		first := receive(t, watchers[unit].Changes())
		if _, self := first.Changed[unit]; self || len(first.Changed) != 2 || len(first.AppChanged) != 0 {
			t.Errorf("%s sees %+v", unit, first)
		}
	}
	if len(r.Model.relations) != 1 {
		t.Errorf("there are %d shares, want 1", len(r.Model.relations))
	}
	bag := func() int64 { t.Helper(); return r.version(r.keys.applicationBag(peer, "mysql")) }
	expect := func(unit string, want map[string]int64) {
		t.Helper()
		if got := receive(t, watchers[unit].Changes()); !maps.Equal(got.AppChanged, want) || len(got.Changed)+len(got.Departed) != 0 {
			t.Errorf("%s sees %+v, want %v", unit, got, want)
		}
	}
	r.flush(peer, "mysql/0", "1", true)
	expect("mysql/1", map[string]int64{"mysql": bag()})
	r.flush(peer, "mysql/0", "2", true)
	expect("mysql/1", map[string]int64{"mysql": bag()})
	// The leader changes. Its predecessor, which has seen nothing of its own, sees this.
	r.flush(peer, "mysql/1", "3", true)
	third := bag()
	expect("mysql/0", map[string]int64{"mysql": third})
	r.flush(peer, "mysql/1", "4", true)
	expect("mysql/0", map[string]int64{"mysql": bag()})
	fourth := bag()
	r.flush(peer, "mysql/0", "5", true)
	expect("mysql/1", map[string]int64{"mysql": bag()})

	// Who begins to watch now sees what others wrote last: an agent that starts again is not told of its own
	// writes, and is told of what it may have missed.
	for unit, want := range map[string]int64{"mysql/0": fourth, "mysql/1": bag(), "mysql/2": bag()} {
		if got := receive(t, r.watchRelation(peer, unit).Changes()); got.AppChanged["mysql"] != want {
			t.Errorf("%s sees %+v, want version %d", unit, got, want)
		}
		present, _, err := r.RelationUnits(r.ctx, peer, unit)
		r.check(err)
		if present.AppChanged["mysql"] != want {
			t.Errorf("%s is to see %+v, want version %d", unit, present, want)
		}
	}
	// Nothing more was told than what was expected: the next thing to see is this.
	r.check(r.LeaveScope(r.ctx, peer, "mysql/2"))
	for unit, w := range watchers {
		if got := receive(t, w.Changes()); !reflect.DeepEqual(got, relation.RelationUnitsChange{Departed: []string{"mysql/2"}}) {
			t.Errorf("%s sees %+v", unit, got)
		}
	}
}

// TestContainerScope lets units see only those that share their principal, whoever came first.
func TestContainerScope(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 2)
	r.deploy(logger, 0)
	id := r.relate("logger:info", "mysql").Id
	for i := range 2 {
		r.addSubordinate(fmt.Sprintf("logger/%d", i), fmt.Sprintf("mysql/%d", i))
	}
	early := r.watchRelation(id, "mysql/0")
	if got := receive(t, early.Changes()); len(got.Changed) != 0 {
		t.Errorf("got %+v", got)
	}
	r.enter(id, "logger/1", "mysql/0", "mysql/1", "logger/0")
	if got := receive(t, early.Changes()); len(got.Changed) != 1 || got.Changed["logger/0"].Version == 0 {
		t.Errorf("mysql/0 sees %+v", got)
	}
	for unit, other := range map[string]string{"logger/0": "mysql/0", "logger/1": "mysql/1", "mysql/1": "logger/1"} {
		got := receive(t, r.watchRelation(id, unit).Changes())
		if _, ok := got.Changed[other]; !ok || len(got.Changed) != 1 {
			t.Errorf("%s sees %+v, want %s", unit, got, other)
		}
		present, inScope, err := r.RelationUnits(r.ctx, id, unit)
		r.check(err)
		if !reflect.DeepEqual(present.Changed, got.Changed) || !inScope {
			t.Errorf("%s is to see %+v, want %+v", unit, present, got)
		}
	}
	r.check(r.LeaveScope(r.ctx, id, "logger/1"))
	r.check(r.LeaveScope(r.ctx, id, "logger/0"))
	if got := receive(t, early.Changes()); !reflect.DeepEqual(got.Departed, []string{"logger/0"}) {
		t.Errorf("mysql/0 sees %+v", got)
	}
	w, err := r.WatchRelationUnits(id, "logger/9")
	r.check(err)
	wantError(t, wait(t, w), `unit "logger/9" not found`)
}

// TestRelationUnitsWatcherFoldsChanges receives nothing while much happens.
func TestRelationUnitsWatcherFoldsChanges(t *testing.T) {
	r := newRig(t)
	id := r.related()
	w := r.watchRelation(id, "wordpress/0")
	known := newSeen()
	known.take(t, receive(t, w.Changes()))
	r.enter(id, "mysql/1")
	for i := range 20 {
		r.flush(id, "mysql/0", fmt.Sprint(i), false)
		r.flush(id, "mysql/0", fmt.Sprint(i), true)
	}
	r.check(r.LeaveScope(r.ctx, id, "mysql/1"))
	r.enter(id, "mysql/1")
	r.flush(id, "mysql/1", "last", false)
	want := map[string]int64{"mysql/0": r.version(r.keys.member(id, "mysql/0")), "mysql/1": r.version(r.keys.member(id, "mysql/1"))}
	for !maps.Equal(known.units, want) {
		known.take(t, receive(t, w.Changes()))
	}
	if known.changes > 4 {
		t.Errorf("43 writes came as %d changes", known.changes)
	}
	if known.applications["mysql"] != r.version(r.keys.applicationBag(id, "mysql")) {
		t.Errorf("got applications %v", known.applications)
	}
}

func TestDelta(t *testing.T) {
	units := func(pairs ...any) map[string]relation.UnitSettings {
		m := map[string]relation.UnitSettings{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = relation.UnitSettings{Version: int64(pairs[i+1].(int))}
		}
		return m
	}
	var d delta
	if !d.empty() {
		t.Error("a new delta is not empty")
	}
	d.enter("a/0", 1)
	d.depart("a/0")
	d.depart("a/1")
	if got := d.change(); !reflect.DeepEqual(got.Departed, []string{"a/0", "a/1"}) || len(got.Changed) != 0 {
		t.Errorf("got %+v", got)
	}
	d.enter("a/1", 2)
	var later delta
	later.enter("a/2", 3)
	later.depart("a/9")
	later.write("a", 4)
	d.merge(later)
	want := relation.RelationUnitsChange{Changed: units("a/1", 2, "a/2", 3), AppChanged: map[string]int64{"a": 4}, Departed: []string{"a/0", "a/9"}}
	if got := d.change(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}

	whole := delta{whole: true}
	if whole.empty() {
		t.Error("the whole of nothing is empty")
	}
	whole.enter("a/0", 1)
	whole.merge(d)
	want = relation.RelationUnitsChange{Changed: units("a/1", 2, "a/2", 3), AppChanged: map[string]int64{"a": 4}}
	if got := whole.change(); !reflect.DeepEqual(got, want) || !whole.whole {
		t.Errorf("got %+v, want %+v", got, want)
	}
	d.merge(whole)
	if got := d.change(); !reflect.DeepEqual(got, want) || !d.whole {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestRelationUnitsWatcherUnderTrouble holds what a watcher has told, through cut lines, compactions and restarts,
// against what is there.
func TestRelationUnitsWatcherUnderTrouble(t *testing.T) {
	server := etcdtest.NewServer(t)
	r := openRig(t, Config{Client: server.Client(), Logger: silent})
	line := newLine(t, server)
	far := openRig(t, Config{Client: line.client, Logger: silent})
	r.deploy(wordpress, 1)
	units := r.deploy(mysql, 5)
	id := r.relate("wordpress", "mysql").Id
	w := far.watchRelation(id, "wordpress/0")
	known := newSeen()
	churn := func(n int) {
		t.Helper()
		for range n {
			unit := units[rand.N(len(units))]
			switch rand.N(4) {
			case 0:
				r.check(r.LeaveScope(r.ctx, id, unit))
			case 1:
				r.flush(id, unit, fmt.Sprint(rand.Int()), true)
			default:
				r.enter(id, unit)
				r.flush(id, unit, fmt.Sprint(rand.Int()), false)
			}
		}
	}
	caughtUp := func() bool {
		present, _, err := r.RelationUnits(r.ctx, id, "wordpress/0")
		r.check(err)
		there := newSeen()
		there.take(t, present)
		return maps.Equal(there.units, known.units) && maps.Equal(there.applications, known.applications)
	}
	for i := range 6 {
		churn(5)
		line.cut()
		churn(10)
		if i%2 == 0 {
			server.Compact()
		}
		if i == 3 {
			server.Restart()
		}
		line.mend()
		churn(5)
		for first := true; first && known.changes == 0 || !caughtUp(); first = false {
			known.take(t, receive(t, w.Changes()))
		}
	}
}
