package relation_test

import (
	"maps"
	"testing"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

func TestDyingHookSource(t *testing.T) {
	for _, test := range []struct {
		about string
		state relation.State
		want  []hook.Info
	}{{
		about: "without members only broken is left",
		want:  []hook.Info{broken()},
	}, {
		about: "members depart in name order, with the version that they had",
		state: relation.State{Members: versions{"u/2": 5, "u/10": 3, "a/1": 4}},
		want:  []hook.Info{departed("a/1", 4), departed("u/10", 3), departed("u/2", 5), broken()},
	}, {
		about: "the changed that a joined is owed comes first",
		state: relation.State{Members: versions{"u/0": 1, "u/1": 2}, ChangedPending: "u/1"},
		want:  []hook.Info{changed("u/1", 2), departed("u/0", 1), departed("u/1", 2), broken()},
	}, {
		about: "a pending unit that is no member departs too",
		state: relation.State{Members: versions{"u/0": 1, "u/2": 2}, ChangedPending: "u/1"},
		want: []hook.Info{
			changed("u/1", 0), departed("u/0", 1), departed("u/1", 0), departed("u/2", 2), broken(),
		},
	}, {
		about: "application settings need no farewell",
		state: relation.State{ApplicationMembers: versions{"mysql": 3}},
		want:  []hook.Info{broken()},
	}} {
		t.Run(test.about, func(t *testing.T) {
			test.state.RelationId = relationId
			before := maps.Clone(test.state.Members)
			source := relation.NewDyingHookSource(&test.state)
			checkHooks(t, source, test.want...)
			if !maps.Equal(test.state.Members, before) {
				t.Errorf("the state became %v", test.state.Members)
			}
		})
	}
}

func TestDyingHookSourceDoesNotKeepTheState(t *testing.T) {
	state := relation.State{RelationId: relationId, Members: versions{"u/0": 1}}
	source := relation.NewDyingHookSource(&state)
	state.Members["u/1"] = 1
	delete(state.Members, "u/0")
	checkHooks(t, source, departed("u/0", 1), broken())
}

func TestDyingHookSourceCannotBeUpdated(t *testing.T) {
	source := relation.NewDyingHookSource(&relation.State{RelationId: relationId})
	if source.Changes() != nil {
		t.Error("has a channel of changes")
	}
	if err := source.Update(change(versions{"u/0": 1})); err == nil {
		t.Error("Update succeeded")
	}
	if err := source.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
	checkHooks(t, source, broken())
	checkPanics(t, "Next", func() { source.Next() })
	checkPanics(t, "Pop", source.Pop)
}
