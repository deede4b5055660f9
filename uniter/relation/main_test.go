package relation_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/juju/charm/v12/hooks"
	"go.uber.org/goleak"

	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

// TestMain fails the run if a test leaves a goroutine behind.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// relationId is the relation that the tests of this package are about.
const relationId = 7

// tooLong is when a test gives up on what should have happened at once. In a
// bubble, that is as soon as all goroutines wait for each other.
const tooLong = time.Minute

// bubble runs a subtest in a bubble of testing/synctest, where it can be told for
// certain that nothing more is going to happen.
func bubble(t *testing.T, about string, f func(t *testing.T)) {
	t.Run(about, func(t *testing.T) { synctest.Test(t, f) })
}

// stateDirPath returns a directory for the state of relations. Nothing in it is
// synced: no test here is about the loss of power, and many write a lot.
func stateDirPath(t *testing.T) string {
	dir := t.TempDir()
	t.Cleanup(durable.Interpose(dir, noSync{}))
	return dir
}

type noSync struct{}

func (noSync) Step(op durable.Op, do func() error) error {
	if _, step, _ := strings.Cut(op.Label, "/"); strings.HasPrefix(step, "fsync") {
		return nil
	}
	return do()
}

// The hooks, as short as the tests' tables need them.

func joined(unit string, version int64) hook.Info {
	return unitHook(hooks.RelationJoined, unit, version)
}

func changed(unit string, version int64) hook.Info {
	return unitHook(hooks.RelationChanged, unit, version)
}

func departed(unit string, version int64) hook.Info {
	return unitHook(hooks.RelationDeparted, unit, version)
}

func unitHook(kind hooks.Kind, unit string, version int64) hook.Info {
	return hook.Info{Kind: kind, RelationId: relationId, RemoteUnit: unit, ChangeVersion: version}
}

func applicationChanged(application string, version int64) hook.Info {
	return hook.Info{
		Kind:              hooks.RelationChanged,
		RelationId:        relationId,
		RemoteApplication: application,
		ChangeVersion:     version,
	}
}

func broken() hook.Info {
	return hook.Info{Kind: hooks.RelationBroken, RelationId: relationId}
}

// change makes an event of a table's map: an application is a name without a
// slash.
func change(versions map[string]int64, gone ...string) relation.RelationUnitsChange {
	c := relation.RelationUnitsChange{Departed: gone}
	for name, version := range versions {
		if !strings.Contains(name, "/") {
			if c.AppChanged == nil {
				c.AppChanged = make(map[string]int64)
			}
			c.AppChanged[name] = version
			continue
		}
		if c.Changed == nil {
			c.Changed = make(map[string]relation.UnitSettings)
		}
		c.Changed[name] = relation.UnitSettings{Version: version}
	}
	return c
}

// versions is what tables give to change.
type versions = map[string]int64

// watcher is a RelationUnitsWatcher that sends what a test has it send.
type watcher struct {
	changes chan relation.RelationUnitsChange
	err     error
	stopped int
}

func newWatcher() *watcher {
	return &watcher{changes: make(chan relation.RelationUnitsChange)}
}

func (w *watcher) Changes() <-chan relation.RelationUnitsChange { return w.changes }

func (w *watcher) Err() error { return w.err }

func (w *watcher) Stop() error {
	w.stopped++
	return w.err
}

// send hands an event to whoever watches.
func (w *watcher) send(t *testing.T, c relation.RelationUnitsChange) {
	t.Helper()
	select {
	case w.changes <- c:
	case <-time.After(tooLong):
		t.Fatalf("nobody took the event %v", c)
	}
}

// update has the source apply the events, which it must accept.
func update(t *testing.T, source relation.HookSource, events ...relation.RelationUnitsChange) {
	t.Helper()
	for _, event := range events {
		if err := source.Update(event); err != nil {
			t.Fatalf("Update(%v): %v", event, err)
		}
	}
}

// checkHooks runs the hooks of the source until it is empty, and compares them.
func checkHooks(t *testing.T, source relation.HookSource, want ...hook.Info) {
	t.Helper()
	for i := 0; ; i++ {
		if source.Empty() {
			if i < len(want) {
				t.Fatalf("hook %d: got none, want %+v", i, want[i])
			}
			return
		}
		got := source.Next()
		if i >= len(want) {
			t.Fatalf("hook %d: got %+v, want none", i, got)
		}
		if got != want[i] {
			t.Fatalf("hook %d: got %+v, want %+v", i, got, want[i])
		}
		source.Pop()
	}
}

// popHooks runs so many hooks of the source.
func popHooks(source relation.HookSource, n int) {
	for range n {
		source.Pop()
	}
}

// checkPanics calls f, which must panic.
func checkPanics(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s did not panic", what)
		}
	}()
	f()
}
