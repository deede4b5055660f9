package relation_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

// A storm is a watcher that sends as fast as it can, to a consumer that runs
// hooks as fast as it can. In the end the consumer knows the world, and no
// hook was out of order on the way.

const stormEvents = 3000

// storm sends random events, the last of which leaves the world as returned.
func storm(w *watcher, seed uint64) (world versions) {
	random := rand.New(rand.NewPCG(seed, 0))
	world = make(versions)
	for i := range stormEvents {
		event := make(versions)
		var gone []string
		for range random.IntN(4) {
			unit := fmt.Sprintf("u/%d", random.IntN(12))
			event[unit] = int64(i)
			world[unit] = int64(i)
		}
		if unit := fmt.Sprintf("u/%d", random.IntN(12)); random.IntN(2) == 0 {
			gone = append(gone, unit)
			delete(world, unit)
		}
		w.changes <- change(event, gone...)
	}
	return world
}

// memory is a relation's state that is nowhere but here.
type memory struct {
	relation.State
}

func newMemory() *memory {
	return &memory{relation.State{RelationId: relationId, Members: make(versions)}}
}

// run checks that the hook may run, and takes its effect.
func (m *memory) run(t *testing.T, hi hook.Info) {
	t.Helper()
	if err := m.Validate(hi); err != nil {
		t.Error(err)
	}
	if hi.Kind == hooks.RelationChanged && m.ChangedPending == "" && m.Members[hi.RemoteUnit] == hi.ChangeVersion {
		t.Errorf("%+v was delivered before", hi)
	}
	m.ChangedPending = ""
	switch hi.Kind {
	case hooks.RelationDeparted:
		delete(m.Members, hi.RemoteUnit)
		return
	case hooks.RelationJoined:
		m.ChangedPending = hi.RemoteUnit
	}
	m.Members[hi.RemoteUnit] = hi.ChangeVersion
}

func TestPeekerInAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, state := newWatcher(), newMemory()
		peeker := relation.NewPeeker(relation.NewLiveHookSource(&relation.State{RelationId: relationId}, w))
		worlds := make(chan versions, 1)
		go func() { worlds <- storm(w, 1) }()
		var world versions
		reject := false
		for world == nil || !maps.Equal(state.Members, world) || state.ChangedPending != "" {
			select {
			case peek := <-peeker.Peeks():
				if reject = !reject; reject {
					peek.Reject()
					continue
				}
				state.run(t, peek.HookInfo())
				peek.Consume()
			case world = <-worlds:
			case <-time.After(tooLong):
				t.Fatalf("no more peeks: members are %v, want %v", state.Members, world)
			}
		}
		w.send(t, change(nil))
		checkNoPeek(t, peeker)
		checkStop(t, peeker, nil)
	})
}

func TestHookSenderInAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, state := newWatcher(), newMemory()
		out := make(chan hook.Info)
		queue := relation.NewAliveHookQueue(&relation.State{RelationId: relationId}, out, w)
		worlds := make(chan versions, 1)
		go func() { worlds <- storm(w, 2) }()
		var world versions
		for world == nil || !maps.Equal(state.Members, world) || state.ChangedPending != "" {
			select {
			case hi := <-out:
				state.run(t, hi)
			case world = <-worlds:
			case <-time.After(tooLong):
				t.Fatalf("no more hooks: members are %v, want %v", state.Members, world)
			}
		}
		w.send(t, change(nil))
		checkNothing(t, out)
		checkStop(t, queue, nil)
	})
}
