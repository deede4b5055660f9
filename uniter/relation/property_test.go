package relation_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/juju/charm/v12/hooks"
	"pgregory.net/rapid"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

// TestAnyHistoryKeepsTheGuarantees lets units and settings come, change and go
// at random, runs hooks, restarts the agent, crashes it between the run and the
// write of a hook and between the write and the pop, and leaves the relation. Each
// hook that comes out is held against State.Validate and against the oracle.
func TestAnyHistoryKeepsTheGuarantees(t *testing.T) {
	dir := stateDirPath(t)
	rapid.Check(t, func(t *rapid.T) {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		a := &agent{dir: dir, world: newWorld()}
		a.restart(t)
		t.Repeat(map[string]func(*rapid.T){
			"":                  a.checkEmpty,
			"event":             a.event,
			"run":               a.runSome,
			"restart":           a.restart,
			"crash before pop":  func(t *rapid.T) { a.crash(t, true) },
			"crash after run":   func(t *rapid.T) { a.crash(t, false) },
			"leave and be back": a.leave,
		})
		a.startIfNot(t)
		for !a.source.Empty() {
			a.run(t)
		}
		a.checkSettled(t)
	})
}

// agent runs the hooks of one relation.
type agent struct {
	dir     string
	world   world
	state   *relation.StateDir
	source  relation.HookSource
	started bool
	oracle  *oracle
}

func (a *agent) restart(t *rapid.T) {
	state, err := relation.ReadStateDir(a.dir, relationId)
	if err != nil {
		t.Fatal(err)
	}
	a.state = state
	a.source = relation.NewLiveHookSource(state.State(), newWatcher())
	a.started = false
	a.oracle = newOracle(state.State())
}

// event lets something happen in the world and tells the source.
func (a *agent) event(t *rapid.T) {
	event := a.world.turn(t)
	if !a.started {
		event = a.world.whole(t)
	}
	a.update(t, event)
}

func (a *agent) startIfNot(t *rapid.T) {
	if !a.started {
		a.update(t, a.world.whole(t))
	}
}

func (a *agent) update(t *rapid.T, event relation.RelationUnitsChange) {
	if err := a.source.Update(event); err != nil {
		t.Fatalf("Update(%v): %v", event, err)
	}
	a.oracle.update(event, !a.started)
	a.started = true
}

func (a *agent) runSome(t *rapid.T) {
	for range rapid.IntRange(1, 6).Draw(t, "hooks") {
		if a.source.Empty() {
			return
		}
		a.run(t)
	}
}

// run runs a hook as the agent does when nothing goes wrong.
func (a *agent) run(t *rapid.T) {
	hi := a.next(t)
	a.write(t, hi)
	a.source.Pop()
	a.oracle.pop()
}

// crash runs a hook, and begins again from disk.
func (a *agent) crash(t *rapid.T, written bool) {
	if a.source.Empty() {
		t.Skip("no hook to crash in")
	}
	hi := a.next(t)
	if written {
		a.write(t, hi)
	}
	a.restart(t)
}

// next returns the hook that is next, having checked that it may run.
func (a *agent) next(t *rapid.T) hook.Info {
	hi := a.source.Next()
	if err := hi.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := a.state.State().Validate(hi); err != nil {
		t.Fatal(err)
	}
	if want := a.oracle.next(); hi != want {
		t.Fatalf("got %+v, want %+v", hi, want)
	}
	return hi
}

func (a *agent) write(t *rapid.T, hi hook.Info) {
	if err := a.state.Write(hi); err != nil {
		t.Fatal(err)
	}
}

// leave drains a dying source, with crashes, and joins the relation again.
func (a *agent) leave(t *rapid.T) {
	source := relation.NewDyingHookSource(a.state.State())
	members := a.state.State().Members
	pending := a.state.State().ChangedPending
	var gone []string
	for !source.Empty() {
		hi := source.Next()
		if err := a.state.State().Validate(hi); err != nil {
			t.Fatal(err)
		}
		if pending != "" && hi != changed(pending, members[pending]) {
			t.Fatalf("got %+v, but %q is owed a changed", hi, pending)
		}
		pending = ""
		written := rapid.IntRange(0, 5).Draw(t, "written") > 0
		if written {
			a.write(t, hi)
			if hi.Kind == hooks.RelationDeparted {
				gone = append(gone, hi.RemoteUnit)
			}
		}
		if written && rapid.IntRange(0, 5).Draw(t, "popped") > 0 {
			source.Pop()
			continue
		}
		if hi.Kind == hooks.RelationBroken && written {
			break
		}
		a.restart(t)
		source = relation.NewDyingHookSource(a.state.State())
		pending = a.state.State().ChangedPending
	}
	if want := slices.Sorted(maps.Keys(members)); !slices.Equal(gone, want) {
		t.Fatalf("departed were %v, want %v", gone, want)
	}
	if _, err := os.Stat(a.dir + "/7"); !os.IsNotExist(err) {
		t.Fatalf("the relation was not broken: %v", err)
	}
	a.restart(t)
}

// checkEmpty holds after every step.
func (a *agent) checkEmpty(t *rapid.T) {
	if got, want := a.source.Empty(), a.oracle.empty(); got != want {
		t.Fatalf("Empty is %v, want %v", got, want)
	}
}

// checkSettled holds when all hooks have run: the unit knows the world.
func (a *agent) checkSettled(t *rapid.T) {
	a.restart(t)
	state := a.state.State()
	if !maps.Equal(state.Members, a.world.units) {
		t.Errorf("members are %v, want %v", state.Members, a.world.units)
	}
	if !maps.Equal(state.ApplicationMembers, a.world.applications) {
		t.Errorf("applications are %v, want %v", state.ApplicationMembers, a.world.applications)
	}
	if state.ChangedPending != "" {
		t.Errorf("%q is pending", state.ChangedPending)
	}
}

// world is what is true on the other side of the relation.
type world struct {
	units, applications versions
}

func newWorld() world {
	return world{units: make(versions), applications: make(versions)}
}

var (
	// The names are few and so are the versions, so that all of them meet.
	someUnit        = rapid.SampledFrom([]string{"a/0", "a/1", "a/2", "a/10", "b/0"})
	someApplication = rapid.SampledFrom([]string{"a", "b"})
	someVersion     = rapid.Int64Range(0, 3)
)

// turn changes the world, and returns the difference, as loosely as a watcher
// may tell it: some of what did not change, some that nobody heard of.
func (w world) turn(t *rapid.T) relation.RelationUnitsChange {
	event := make(versions)
	var gone []string
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		unit, version := someUnit.Draw(t, "unit"), someVersion.Draw(t, "version")
		event[unit] = version
		w.units[unit] = version
	}
	for range rapid.IntRange(0, 2).Draw(t, "departures") {
		unit := someUnit.Draw(t, "departed")
		gone = append(gone, unit)
		delete(w.units, unit)
	}
	if rapid.Bool().Draw(t, "of an application") {
		// Settings that were written once are never unwritten.
		name := someApplication.Draw(t, "application")
		version := 1 + someVersion.Draw(t, "version")
		event[name] = version
		w.applications[name] = version
	}
	return change(event, gone...)
}

// whole returns all that there is, as the first event has it.
func (w world) whole(t *rapid.T) relation.RelationUnitsChange {
	event := maps.Clone(w.units)
	maps.Copy(event, w.applications)
	var gone []string
	for range rapid.IntRange(0, 1).Draw(t, "departures") {
		if unit := someUnit.Draw(t, "departed"); !hasKey(w.units, unit) {
			gone = append(gone, unit)
		}
	}
	return change(event, gone...)
}

func hasKey(m versions, key string) bool {
	_, ok := m[key]
	return ok
}

// oracle says which hook must be next. It keeps plain maps and one list, and works
// out everything anew after each step.
type oracle struct {
	// delivered and heard are by name, of units and applications alike.
	// A unit is in delivered from its joined to its departed, and in heard
	// while it is in the relation.
	delivered, heard versions
	// last has what was heard last of a name, also once it is gone.
	last    versions
	owed    string
	waiting []string
	started bool
}

func newOracle(state *relation.State) *oracle {
	o := &oracle{
		delivered: maps.Clone(state.Members),
		heard:     make(versions),
		last:      maps.Clone(state.Members),
		owed:      state.ChangedPending,
	}
	for name, version := range state.ApplicationMembers {
		o.delivered[name], o.heard[name], o.last[name] = version, version, version
	}
	return o
}

func (o *oracle) update(event relation.RelationUnitsChange, first bool) {
	o.started = true
	for name, settings := range event.Changed {
		o.heard[name], o.last[name] = settings.Version, settings.Version
	}
	for name, version := range event.AppChanged {
		o.heard[name], o.last[name] = version, version
	}
	for _, name := range event.Departed {
		delete(o.heard, name)
	}
	o.rearrange()
}

// kind returns what a name is due beside an owed changed, or "".
func (o *oracle) kind(name string) hooks.Kind {
	delivered, joined := o.delivered[name]
	heard, present := o.heard[name]
	switch isUnit := strings.Contains(name, "/"); {
	case isUnit && !joined && present:
		return hooks.RelationJoined
	case isUnit && joined && !present:
		return hooks.RelationDeparted
	case heard != delivered && name != o.owed:
		return hooks.RelationChanged
	}
	return ""
}

// rearrange drops from the list what is not due any more, and appends what has
// become due.
func (o *oracle) rearrange() {
	o.waiting = slices.DeleteFunc(o.waiting, func(name string) bool { return o.kind(name) == "" })
	rank := func(name string) string {
		switch kind := o.kind(name); {
		case kind == hooks.RelationDeparted:
			return "1" + name
		case !strings.Contains(name, "/"):
			return "2" + name
		case kind == hooks.RelationJoined:
			return "3" + name
		}
		return "4" + name
	}
	var fresh []string
	for name := range o.last {
		if o.kind(name) != "" && !slices.Contains(o.waiting, name) {
			fresh = append(fresh, name)
		}
	}
	slices.SortFunc(fresh, func(a, b string) int { return strings.Compare(rank(a), rank(b)) })
	o.waiting = append(o.waiting, fresh...)
}

func (o *oracle) empty() bool {
	return !o.started || o.owed == "" && len(o.waiting) == 0
}

func (o *oracle) next() hook.Info {
	if o.owed != "" {
		return changed(o.owed, o.last[o.owed])
	}
	name := o.waiting[0]
	if !strings.Contains(name, "/") {
		return applicationChanged(name, o.last[name])
	}
	return unitHook(o.kind(name), name, o.last[name])
}

func (o *oracle) pop() {
	name := o.owed
	if name != "" {
		o.owed = ""
		o.delivered[name] = o.last[name]
		return
	}
	name = o.waiting[0]
	switch kind := o.kind(name); kind {
	case hooks.RelationDeparted:
		delete(o.delivered, name)
	case hooks.RelationJoined:
		o.delivered[name] = o.last[name]
		o.owed = name
	default:
		o.delivered[name] = o.last[name]
	}
	o.rearrange()
}
