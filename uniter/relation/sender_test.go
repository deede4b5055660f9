package relation_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/juju/worker/v3"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

// receive takes hooks, which must be these, from the channel.
func receive(t *testing.T, out <-chan hook.Info, want ...hook.Info) {
	t.Helper()
	for i, want := range want {
		select {
		case got, ok := <-out:
			if !ok {
				t.Fatal("the channel was closed")
			}
			if got != want {
				t.Fatalf("hook %d: got %+v, want %+v", i, got, want)
			}
		case <-time.After(tooLong):
			t.Fatalf("hook %d: got none, want %+v", i, want)
		}
	}
}

// checkNothing looks that no hook is being sent.
func checkNothing(t *testing.T, out <-chan hook.Info) {
	t.Helper()
	synctest.Wait()
	select {
	case got, ok := <-out:
		t.Fatalf("got %+v (%v)", got, ok)
	default:
	}
}

func TestHookSenderSendsUntilTheSourceIsExhausted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, capacity := range []int{0, 1, 10} {
			hooks := []hook.Info{joined("u/0", 1), changed("u/0", 1), departed("u/0", 1)}
			source := newStaticSource(t, hooks...)
			out := make(chan hook.Info, capacity)
			sender := relation.NewHookSender(out, source)
			receive(t, out, hooks...)
			checkEnds(t, sender)
			source.checkPopped(hooks...)
			source.checkStopped()
			checkNothing(t, out) // And it is not closed.
			checkStop(t, sender, nil)
		}
	})
}

func TestHookSenderEndsAtOnceWithAnEmptyList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender := relation.NewHookSender(nil, relation.NewListSource(nil))
		checkEnds(t, sender)
		checkStop(t, sender, nil)
	})
}

func TestHookSenderStopsWhenNobodyReceives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, source := range []*fakeSource{
			newStaticSource(t, joined("u/0", 1)),
			newFakeSource(t, joined("u/0", 1)),
			newFakeSource(t),
		} {
			out := make(chan hook.Info)
			sender := relation.NewHookSender(out, source)
			synctest.Wait()
			checkStop(t, sender, nil)
			source.checkPopped()
			source.checkStopped()
			checkNothing(t, out)
		}
	})
}

func TestHookSenderSendsNothingOnceKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newFakeSource(t, joined("u/0", 1), changed("u/0", 1))
		senders := make(chan relation.HookSender, 1)
		source.onPop = func() { (<-senders).(relation.Lifecycle).Kill() }
		out := make(chan hook.Info, 2)
		sender := relation.NewHookSender(out, source)
		senders <- sender
		checkEnds(t, sender)
		source.checkPopped(joined("u/0", 1))
		receive(t, out, joined("u/0", 1))
		checkNothing(t, out)
		checkStop(t, sender, nil)
	})
}

func TestHookSenderSendsWhatUpdatesMake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newFakeSource(t)
		out := make(chan hook.Info)
		sender := relation.NewHookSender(out, source)
		source.send(change(versions{"u/0": 1}))
		receive(t, out, changed("u/0", 1))
		source.send(change(versions{"u/0": 2}))
		source.send(change(versions{"u/0": 3}))
		receive(t, out, changed("u/0", 2), changed("u/0", 3))
		checkStop(t, sender, nil)
		source.checkPopped(changed("u/0", 1), changed("u/0", 2), changed("u/0", 3))
	})
}

func TestHookSenderPassesChangesOnBeforeItSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatcher()
		out := make(chan hook.Info)
		queue := relation.NewAliveHookQueue(&relation.State{RelationId: relationId}, out, w)
		w.send(t, change(versions{"u/0": 1}))
		w.send(t, change(versions{"u/0": 2}))
		receive(t, out, joined("u/0", 2))
		w.send(t, change(versions{"u/0": 3}))
		receive(t, out, changed("u/0", 3))
		w.send(t, change(versions{"u/0": 4}))
		w.send(t, change(nil, "u/0"))
		receive(t, out, departed("u/0", 4))
		w.send(t, change(versions{"u/1": 1}))
		w.send(t, change(nil, "u/1"))
		w.send(t, change(nil))
		checkNothing(t, out)
		checkStop(t, queue, nil)
		if w.stopped != 1 {
			t.Errorf("the watcher was stopped %d times", w.stopped)
		}
	})
}

func TestDyingHookQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := make(chan hook.Info)
		queue := relation.NewDyingHookQueue(&relation.State{
			RelationId:     relationId,
			Members:        versions{"u/0": 1, "u/1": 2},
			ChangedPending: "u/1",
		}, out)
		receive(t, out, changed("u/1", 2), departed("u/0", 1), departed("u/1", 2), broken())
		checkEnds(t, queue)
		checkStop(t, queue, nil)
	})
}

func TestHookSenderPassesWaitingChangesOnFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatcher()
		w.changes = make(chan relation.RelationUnitsChange, 2)
		w.send(t, change(versions{"u/0": 1}))
		w.send(t, change(versions{"u/0": 2}))
		out := make(chan hook.Info, 2)
		queue := relation.NewAliveHookQueue(&relation.State{RelationId: relationId}, out, w)
		receive(t, out, joined("u/0", 1), changed("u/0", 2))
		checkStop(t, queue, nil)
	})
}

func TestHookSenderErrors(t *testing.T) {
	updateErr, stopErr := errors.New("bad change"), errors.New("bad end")
	closed := func(s *fakeSource) { close(s.changes) }
	refused := func(s *fakeSource) { s.updateErr = updateErr; s.send(change(versions{"u/0": 1})) }
	for _, test := range errorTests(updateErr, stopErr, closed, refused) {
		for about, hooks := range map[string][]hook.Info{"empty": nil, "with a hook": {joined("u/0", 1)}} {
			bubble(t, test.about+", "+about, func(t *testing.T) {
				source := newFakeSource(t, hooks...)
				source.stopErr = test.stopErr
				out := make(chan hook.Info)
				sender := relation.NewHookSender(out, source)
				test.happens(source)
				if !test.onlyOnStop {
					checkEnds(t, sender)
				}
				test.check(t, sender.Stop())
				source.checkStopped()
				source.checkPopped()
				checkNothing(t, out)
			})
		}
	}
}

// errorTest is a way in which the owner of a source may end, for senders and
// peekers alike.
type errorTest struct {
	about      string
	stopErr    error
	happens    func(*fakeSource)
	onlyOnStop bool
	wantText   string
	wantIs     error
}

func errorTests(updateErr, stopErr error, closed, refused func(*fakeSource)) []errorTest {
	return []errorTest{{
		about:    "changes closed",
		happens:  closed,
		wantText: "hook source stopped providing updates",
	}, {
		about:    "changes closed for a reason",
		stopErr:  stopErr,
		happens:  closed,
		wantText: "hook source stopped providing updates: bad end",
		wantIs:   stopErr,
	}, {
		about:    "update refused",
		happens:  refused,
		wantText: "bad change",
		wantIs:   updateErr,
	}, {
		about:    "update refused, and an error at the end",
		stopErr:  stopErr,
		happens:  refused,
		wantText: "bad change",
		wantIs:   updateErr,
	}, {
		about:      "error at the end",
		stopErr:    stopErr,
		happens:    func(*fakeSource) {},
		onlyOnStop: true,
		wantText:   "bad end",
		wantIs:     stopErr,
	}}
}

func (test errorTest) check(t *testing.T, err error) {
	t.Helper()
	if err == nil || err.Error() != test.wantText {
		t.Errorf("got error %v, want %q", err, test.wantText)
	}
	if test.wantIs != nil && !errors.Is(err, test.wantIs) {
		t.Errorf("%v is not %v", err, test.wantIs)
	}
}

func TestHookSenderIsNotKeptBackByChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newFakeSource(t, joined("u/0", 1))
		source.changes = make(chan relation.RelationUnitsChange, 1)
		out := make(chan hook.Info)
		sender := relation.NewHookSender(out, source)
		stop := make(chan struct{})
		var producer sync.WaitGroup
		producer.Go(func() {
			for {
				select {
				case source.changes <- change(nil):
				case <-stop:
					return
				}
			}
		})
		receive(t, out, joined("u/0", 1))
		close(stop)
		producer.Wait()
		checkStop(t, sender, nil)
	})
}

func TestHookSenderIsAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, owner := range []any{
			relation.NewHookSender(nil, newFakeSource(t)),
			relation.NewDyingHookQueue(&relation.State{}, nil),
			relation.NewAliveHookQueue(&relation.State{}, nil, newWatcher()),
		} {
			if err := worker.Stop(owner.(worker.Worker)); err != nil {
				t.Errorf("%T: %v", owner, err)
			}
			checkEnds(t, owner)
		}
	})
}
