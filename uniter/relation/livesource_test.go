package relation_test

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

// What a live source makes of events is in the scenarios and the property test.
// Here is what they cannot tell.

func newLive(state relation.State) relation.HookSource {
	state.RelationId = relationId
	return relation.NewLiveHookSource(&state, newWatcher())
}

func TestLiveHookSourceIsEmptyBeforeTheFirstEvent(t *testing.T) {
	source := newLive(relation.State{Members: versions{"u/0": 1}, ChangedPending: "u/0"})
	if !source.Empty() {
		t.Fatal("not empty")
	}
	checkPanics(t, "Next", func() { source.Next() })
	checkPanics(t, "Pop", source.Pop)
	update(t, source, change(versions{"u/0": 2}))
	checkHooks(t, source, changed("u/0", 2))
}

func TestLiveHookSourcePanicsWhenEmpty(t *testing.T) {
	source := newLive(relation.State{})
	update(t, source, change(versions{"u/0": 1}))
	popHooks(source, 2)
	checkPanics(t, "Next", func() { source.Next() })
	checkPanics(t, "Pop", source.Pop)
}

func TestLiveHookSourceKeepsNextUntilPop(t *testing.T) {
	source := newLive(relation.State{})
	update(t, source, change(versions{"u/0": 1}))
	for range 3 {
		if got := source.Next(); got != joined("u/0", 1) {
			t.Fatalf("got %+v", got)
		}
	}
}

func TestLiveHookSourceIsFedByTheWatcher(t *testing.T) {
	w := newWatcher()
	source := relation.NewLiveHookSource(&relation.State{}, w)
	if source.Changes() != w.Changes() {
		t.Error("another channel than the watcher's")
	}
	w.err = errors.New("no store")
	if err := source.Stop(); err != w.err {
		t.Errorf("Stop: %v", err)
	}
	if w.stopped != 1 {
		t.Errorf("the watcher was stopped %d times", w.stopped)
	}
}

func TestLiveHookSourceDoesNotShareTheState(t *testing.T) {
	state := &relation.State{
		RelationId:         relationId,
		Members:            versions{"u/0": 1, "u/1": 1},
		ApplicationMembers: versions{"mysql": 1},
		ChangedPending:     "u/1",
	}
	source := relation.NewLiveHookSource(state, newWatcher())
	state.Members["u/0"] = 2
	state.Members["u/9"] = 2
	state.ApplicationMembers["mysql"] = 2
	state.ChangedPending = ""
	update(t, source, change(versions{"u/0": 1, "u/1": 1, "mysql": 1}))
	checkHooks(t, source, changed("u/1", 1))
	if len(state.Members) != 3 || len(state.ApplicationMembers) != 1 {
		t.Errorf("the state became %+v", state)
	}
}

func TestLiveHookSourceStrayPending(t *testing.T) {
	// No agent writes such a state, but one may be given.
	for _, test := range []struct {
		about string
		first relation.RelationUnitsChange
		want  []hook.Info
	}{{
		about: "in the first event",
		first: change(versions{"u/0": 1, "u/1": 4}),
		want:  []hook.Info{changed("u/1", 4)},
	}, {
		about: "in the first event and departed",
		first: change(versions{"u/0": 1, "u/1": 4}, "u/1"),
		want:  []hook.Info{changed("u/1", 4), departed("u/1", 4)},
	}} {
		t.Run(test.about, func(t *testing.T) {
			source := newLive(relation.State{Members: versions{"u/0": 1}, ChangedPending: "u/1"})
			update(t, source, test.first)
			checkHooks(t, source, test.want...)
		})
	}
}

func TestLiveHookSourceRefusedFirstEventChangesNothing(t *testing.T) {
	for _, refused := range []relation.RelationUnitsChange{
		{},
		change(versions{"u/0": 9, "u/2": 9, "mysql": 9}),
		change(versions{"u/2": 9}, "u/0"),
		change(nil, "u/1"),
	} {
		source := newLive(relation.State{
			Members:            versions{"u/0": 1, "u/3": 1},
			ApplicationMembers: versions{"mysql": 1},
			ChangedPending:     "u/1",
		})
		for range 2 {
			err := source.Update(refused)
			want := `cannot start the hooks of relation 7: unit "u/1" has a changed hook pending, ` +
				`but is neither a member nor in the relation`
			if err == nil || err.Error() != want {
				t.Fatalf("Update(%v): %v", refused, err)
			}
			if !source.Empty() {
				t.Fatalf("Update(%v): %+v is scheduled", refused, source.Next())
			}
		}
		update(t, source, change(versions{"u/0": 1, "u/1": 2, "mysql": 1}))
		checkHooks(t, source, changed("u/1", 2), departed("u/3", 1))
	}
}

func TestLiveHookSourceOrdersAnyNames(t *testing.T) {
	// An event of many names is sorted in another way than one of a few.
	name := rapid.OneOf(
		rapid.StringMatching(`[a-c]{1,2}/[0-9]{1,3}`),
		rapid.StringMatching(`application-with-a-long-name/[0-9]{1,10}`),
		rapid.StringMatching(`u[a\x00\xff]{0,12}/0`),
		rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(name, 0, 600, rapid.ID[string]).Draw(t, "names")
		source := newLive(relation.State{})
		event := relation.RelationUnitsChange{Changed: make(map[string]relation.UnitSettings)}
		for _, name := range names {
			event.Changed[name] = relation.UnitSettings{Version: 1}
		}
		if err := source.Update(event); err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		for _, name := range names {
			for _, want := range []hook.Info{joined(name, 1), changed(name, 1)} {
				if got := source.Next(); got != want {
					t.Fatalf("got %+v, want %+v", got, want)
				}
				source.Pop()
			}
		}
		if !source.Empty() {
			t.Fatalf("%+v is left", source.Next())
		}
	})
}

func TestLiveHookSourceOrdersManyLongNames(t *testing.T) {
	event := versions{"a/0": 1}
	for i := range 2000 {
		event[fmt.Sprintf("b/%06d", i*7919%2000)] = 1
		event[fmt.Sprintf("bb/%09d", i*7919%2000)] = 1
	}
	source := newLive(relation.State{})
	update(t, source, change(event))
	for _, name := range slices.Sorted(maps.Keys(event)) {
		if got := source.Next(); got != joined(name, 1) {
			t.Fatalf("got %+v, want joined of %q", got, name)
		}
		popHooks(source, 2)
	}
}

func TestLiveHookSourceOrdersManyOfEachKind(t *testing.T) {
	const many = 1000
	members := make(versions)
	event := make(versions)
	var gone []string
	var wantGone, wantApplications, wantJoined, wantChanged []hook.Info
	for i := range many {
		stays, leaves, comes := fmt.Sprintf("s/%d", i), fmt.Sprintf("l/%d", i), fmt.Sprintf("c/%d", i)
		application := fmt.Sprintf("a%d", i)
		members[stays], members[leaves] = 1, 1
		event[stays], event[comes], event[application] = 2, 3, 4
		gone = append(gone, leaves)
		wantGone = append(wantGone, departed(leaves, 1))
		wantApplications = append(wantApplications, applicationChanged(application, 4))
		wantJoined = append(wantJoined, joined(comes, 3))
		wantChanged = append(wantChanged, changed(stays, 2))
	}
	byName := func(a, b hook.Info) int {
		if a.RemoteUnit+a.RemoteApplication < b.RemoteUnit+b.RemoteApplication {
			return -1
		}
		return 1
	}
	var want []hook.Info
	for _, hooks := range [][]hook.Info{wantGone, wantApplications, wantJoined, wantChanged} {
		slices.SortFunc(hooks, byName)
		for _, hi := range hooks {
			want = append(want, hi)
			if hi == joined(hi.RemoteUnit, 3) {
				want = append(want, changed(hi.RemoteUnit, 3))
			}
		}
	}
	source := newLive(relation.State{Members: members})
	update(t, source, change(members), change(event, gone...))
	checkHooks(t, source, want...)
}

func TestLiveHookSourceForgetsUnitsThatCameAndWent(t *testing.T) {
	const (
		many  = 100000
		slack = 512 << 10
	)
	for _, test := range []struct {
		about  string
		atOnce int
		seen   bool
	}{
		{"unseen, one by one", 1, false},
		{"unseen, in crowds", many / 4, false},
		{"members, one by one", 1, true},
		{"members, in crowds", many / 4, true},
	} {
		t.Run(test.about, func(t *testing.T) {
			source := newLive(relation.State{})
			update(t, source, change(nil))
			before := heapInUse()
			n := 0
			for range many / test.atOnce {
				event := relation.RelationUnitsChange{Changed: make(map[string]relation.UnitSettings)}
				var gone []string
				for range test.atOnce {
					name := fmt.Sprintf("application/%d", n)
					event.Changed[name] = relation.UnitSettings{Version: 1}
					gone = append(gone, name)
					n++
				}
				update(t, source, event)
				if test.seen {
					drain(source)
				}
				update(t, source, relation.RelationUnitsChange{Departed: gone})
				if test.seen {
					drain(source)
				}
			}
			if !source.Empty() {
				t.Fatalf("%+v is left", source.Next())
			}
			if after := heapInUse(); after > before+slack {
				t.Errorf("%d units left %d bytes in memory", many, after-before)
			}
			runtime.KeepAlive(source)
		})
	}
}

// heapInUse returns the size of what is still referred to.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestLiveHookSourceUpdatesAllocateNothing(t *testing.T) {
	members := make(versions)
	for i := range 1000 {
		members[fmt.Sprintf("u/%d", i)] = 0
	}
	source := newLive(relation.State{Members: members})
	version := int64(0)
	event := change(members)
	round := func() {
		for name := range event.Changed {
			event.Changed[name] = relation.UnitSettings{Version: version}
		}
		version++
		if err := source.Update(event); err != nil {
			t.Fatal(err)
		}
		drain(source)
	}
	round()
	round()
	if allocs := testing.AllocsPerRun(10, round); allocs != 0 {
		t.Errorf("%v allocations in a round of %d updates", allocs, len(members))
	}
}
