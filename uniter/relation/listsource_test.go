package relation_test

import (
	"testing"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

func TestListSourceGivesTheListInOrder(t *testing.T) {
	list := []hook.Info{
		{Kind: hooks.Install},
		{Kind: hooks.ConfigChanged},
		{Kind: hooks.ConfigChanged},
		{Kind: hooks.Start},
	}
	checkHooks(t, relation.NewListSource(list), list...)
}

func TestListSourceKeepsNextUntilPop(t *testing.T) {
	source := relation.NewListSource([]hook.Info{{Kind: hooks.Install}, {Kind: hooks.Start}})
	for range 3 {
		if got := source.Next().Kind; got != hooks.Install {
			t.Fatalf("got %q", got)
		}
	}
}

func TestListSourceDoesNotShareTheList(t *testing.T) {
	list := []hook.Info{{Kind: hooks.Install}, {Kind: hooks.Start}}
	source := relation.NewListSource(list)
	list[1].Kind = hooks.Stop
	checkHooks(t, source, hook.Info{Kind: hooks.Install}, hook.Info{Kind: hooks.Start})
	if list[0].Kind != hooks.Install || list[1].Kind != hooks.Stop {
		t.Errorf("the source wrote to the list: %v", list)
	}
}

func TestListSourcePanicsWhenEmpty(t *testing.T) {
	for _, list := range [][]hook.Info{nil, {}, {{Kind: hooks.Install}}} {
		source := relation.NewListSource(list)
		popHooks(source, len(list))
		if !source.Empty() {
			t.Fatal("not empty")
		}
		checkPanics(t, "Next", func() { source.Next() })
		checkPanics(t, "Pop", source.Pop)
	}
}

func TestListSourceCannotBeUpdated(t *testing.T) {
	source := relation.NewListSource([]hook.Info{{Kind: hooks.Install}})
	if source.Changes() != nil {
		t.Error("has a channel of changes")
	}
	if err := source.Update(change(versions{"u/0": 1})); err == nil {
		t.Error("Update succeeded")
	}
	if err := source.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
	checkHooks(t, source, hook.Info{Kind: hooks.Install})
}

// static is a HookSource of a program that uses this package.
type static struct {
	relation.NoUpdates
}

func (*static) Empty() bool     { return true }
func (*static) Next() hook.Info { panic("empty") }
func (*static) Pop()            { panic("empty") }

func TestNoUpdatesIsTheStaticPartOfAHookSource(t *testing.T) {
	var source relation.HookSource = &static{}
	if source.Changes() != nil {
		t.Error("has a channel of changes")
	}
	err := source.Update(relation.RelationUnitsChange{})
	if err == nil || err.Error() != "HookSource does not accept updates" {
		t.Errorf("Update: %v", err)
	}
	if err := source.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
}
