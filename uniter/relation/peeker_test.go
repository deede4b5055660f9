package relation_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/juju/worker/v3"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

// take receives a peek, which must show that hook.
func take(t *testing.T, peeker relation.Peeker, want hook.Info) relation.Peek {
	t.Helper()
	select {
	case peek, ok := <-peeker.Peeks():
		if !ok {
			t.Fatalf("the peeker has ended, want %+v", want)
		}
		if got := peek.HookInfo(); got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		return peek
	case <-time.After(tooLong):
		t.Fatalf("got no peek, want %+v", want)
	}
	return nil
}

// checkNoPeek looks that no peek is being offered.
func checkNoPeek(t *testing.T, peeker relation.Peeker) {
	t.Helper()
	synctest.Wait()
	select {
	case peek, ok := <-peeker.Peeks():
		t.Fatalf("got a peek: %v (%v)", peek, ok)
	default:
	}
}

// checkClosed waits until the peeker tells its receivers that it has ended.
func checkClosed(t *testing.T, peeker relation.Peeker) {
	t.Helper()
	select {
	case peek, ok := <-peeker.Peeks():
		if ok {
			t.Fatalf("got a peek: %+v", peek.HookInfo())
		}
	case <-time.After(tooLong):
		t.Fatal("the channel is not closed")
	}
}

var threeHooks = []hook.Info{joined("u/0", 1), changed("u/0", 1), departed("u/0", 1)}

func TestPeekerShowsHooksUntilTheSourceIsExhausted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newStaticSource(t, threeHooks...)
		peeker := relation.NewPeeker(source)
		for _, want := range threeHooks {
			take(t, peeker, want).Reject()
			take(t, peeker, want).Reject()
			take(t, peeker, want).Consume()
		}
		checkClosed(t, peeker)
		checkEnds(t, peeker)
		source.checkPopped(threeHooks...)
		source.checkStopped()
		checkStop(t, peeker, nil)
	})
}

func TestPeekerEndsAtOnceWithAnEmptyList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peeker := relation.NewPeeker(relation.NewListSource(nil))
		checkClosed(t, peeker)
		checkStop(t, peeker, nil)
	})
}

func TestPeekerShowsOnePeekAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newFakeSource(t, threeHooks...)
		source.changes = make(chan relation.RelationUnitsChange, 1)
		peeker := relation.NewPeeker(source)
		peek := take(t, peeker, threeHooks[0])
		source.send(change(versions{"u/1": 1}))
		checkNoPeek(t, peeker)
		if len(source.changes) != 1 {
			t.Error("the source is updated while a peek is out")
		}
		peek.Consume()
		take(t, peeker, threeHooks[1]).Reject()
		checkStop(t, peeker, nil)
		source.checkPopped(threeHooks[0])
	})
}

func TestPeekerShowsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatcher()
		peeker := relation.NewPeeker(relation.NewLiveHookSource(&relation.State{RelationId: relationId}, w))
		for range 100 {
			// A change that was taken shows in the next peek.
			w.send(t, change(versions{"u/0": 1}))
			w.send(t, change(versions{"u/0": 2}))
			take(t, peeker, joined("u/0", 2)).Reject()
			w.send(t, change(versions{"u/0": 3}))
			take(t, peeker, joined("u/0", 3)).Consume()
			take(t, peeker, changed("u/0", 3)).Consume()
			w.send(t, change(nil, "u/0"))
			take(t, peeker, departed("u/0", 3)).Consume()
			w.send(t, change(versions{"u/1": 1}))
			w.send(t, change(nil, "u/1"))
			checkNoPeek(t, peeker)
		}
		checkStop(t, peeker, nil)
		if w.stopped != 1 {
			t.Errorf("the watcher was stopped %d times", w.stopped)
		}
	})
}

func TestPeekerPassesWaitingChangesOnFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatcher()
		w.changes = make(chan relation.RelationUnitsChange, 1)
		peeker := relation.NewPeeker(relation.NewLiveHookSource(&relation.State{RelationId: relationId}, w))
		w.send(t, change(versions{"u/0": 1}))
		first := take(t, peeker, joined("u/0", 1))
		second := make(chan hook.Info)
		go func() { second <- (<-peeker.Peeks()).HookInfo() }()
		w.send(t, change(versions{"u/0": 2}))
		synctest.Wait()
		first.Reject()
		if got := <-second; got != joined("u/0", 2) {
			t.Errorf("got %+v", got)
		}
		checkStop(t, peeker, nil)
	})
}

func TestPeekTakesOneAnswer(t *testing.T) {
	consume, reject := relation.Peek.Consume, relation.Peek.Reject
	for _, test := range []struct {
		about   string
		answers []func(relation.Peek)
		pops    int
	}{
		{"consume twice", []func(relation.Peek){consume, consume}, 1},
		{"reject after consume", []func(relation.Peek){consume, reject}, 1},
		{"consume after reject", []func(relation.Peek){reject, consume}, 0},
		{"reject twice", []func(relation.Peek){reject, reject}, 0},
		{"many", []func(relation.Peek){reject, consume, consume, reject, consume}, 0},
	} {
		bubble(t, test.about, func(t *testing.T) {
			source := newFakeSource(t, threeHooks...)
			peeker := relation.NewPeeker(source)
			peek := take(t, peeker, threeHooks[0])
			answerAll := func() {
				for _, answer := range test.answers {
					answer(peek)
					if got := peek.HookInfo(); got != (hook.Info{}) {
						t.Errorf("HookInfo after the answer is %+v", got)
					}
				}
			}
			answerAll()
			synctest.Wait()
			answerAll()
			next := take(t, peeker, threeHooks[test.pops])
			answerAll()
			checkNoPeek(t, peeker)
			next.Reject()
			take(t, peeker, threeHooks[test.pops])
			answerAll()
			checkStop(t, peeker, nil)
			source.checkPopped(threeHooks[:test.pops]...)
		})
	}
}

func TestPeekDoesNothingAfterStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newFakeSource(t, threeHooks...)
		peeker := relation.NewPeeker(source)
		answered := take(t, peeker, threeHooks[0])
		answered.Consume()
		open := take(t, peeker, threeHooks[1])
		checkStop(t, peeker, nil)
		source.checkPopped(threeHooks[0])
		if got := open.HookInfo(); got != threeHooks[1] {
			t.Errorf("got %+v", got)
		}
		// The source finds fault with whoever uses it now.
		for range 3 {
			for _, peek := range []relation.Peek{answered, open} {
				peek.HookInfo()
				peek.Consume()
				peek.HookInfo()
				peek.Reject()
			}
		}
		source.checkPopped(threeHooks[0])
		checkClosed(t, peeker)
	})
}

func TestPeekerTakesAnAnswerBeforeItStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 100 {
			source := newFakeSource(t, threeHooks...)
			peeker := relation.NewPeeker(source)
			take(t, peeker, threeHooks[0]).Consume()
			checkStop(t, peeker, nil)
			source.checkPopped(threeHooks[0])
		}
	})
}

func TestPeekerShowsNothingOnceKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newFakeSource(t, threeHooks...)
		peeker := relation.NewPeeker(source)
		source.onPop = peeker.(relation.Lifecycle).Kill
		first := take(t, peeker, threeHooks[0])
		more := make(chan bool)
		go func() {
			_, ok := <-peeker.Peeks()
			more <- ok
		}()
		synctest.Wait()
		first.Consume()
		if <-more {
			t.Error("got a peek")
		}
		checkStop(t, peeker, nil)
		source.checkPopped(threeHooks[0])
	})
}

func TestPeekerStopsWhenNobodyAnswers(t *testing.T) {
	for about, taken := range map[string]bool{"not received": false, "not answered": true} {
		bubble(t, about, func(t *testing.T) {
			source := newStaticSource(t, threeHooks...)
			peeker := relation.NewPeeker(source)
			if taken {
				take(t, peeker, threeHooks[0])
			}
			synctest.Wait()
			for range 3 {
				peeker.(relation.Lifecycle).Kill()
			}
			checkStop(t, peeker, nil)
			checkClosed(t, peeker)
			source.checkPopped()
			source.checkStopped()
		})
	}
}

func TestPeekerStopsWhenThereIsNothingToShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newFakeSource(t)
		peeker := relation.NewPeeker(source)
		checkNoPeek(t, peeker)
		checkStop(t, peeker, nil)
		checkClosed(t, peeker)
		source.checkStopped()
	})
}

func TestPeekerErrors(t *testing.T) {
	updateErr, stopErr := errors.New("bad change"), errors.New("bad end")
	closed := func(s *fakeSource) { close(s.changes) }
	refused := func(s *fakeSource) { s.updateErr = updateErr; s.send(change(versions{"u/0": 1})) }
	for _, test := range errorTests(updateErr, stopErr, closed, refused) {
		for about, hooks := range map[string][]hook.Info{"empty": nil, "with a hook": threeHooks} {
			bubble(t, test.about+", "+about, func(t *testing.T) {
				source := newFakeSource(t, hooks...)
				source.stopErr = test.stopErr
				peeker := relation.NewPeeker(source)
				test.happens(source)
				if !test.onlyOnStop {
					checkEnds(t, peeker)
				}
				test.check(t, peeker.Stop())
				checkClosed(t, peeker)
				source.checkStopped()
				source.checkPopped()
			})
		}
	}
}

func TestPeekerLearnsOfAnErrorAfterTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newFakeSource(t, threeHooks...)
		peeker := relation.NewPeeker(source)
		peek := take(t, peeker, threeHooks[0])
		close(source.changes)
		peek.Consume()
		checkEnds(t, peeker)
		if err := peeker.Stop(); err == nil || err.Error() != "hook source stopped providing updates" {
			t.Errorf("Stop returned %v", err)
		}
		source.checkPopped(threeHooks[0])
	})
}

func TestPeekerIsAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peeker := relation.NewPeeker(newFakeSource(t))
		if err := worker.Stop(peeker.(worker.Worker)); err != nil {
			t.Error(err)
		}
		checkEnds(t, peeker)
	})
}

func TestPeekIsSafeFromManyAnswersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 200
		source := newStaticSource(t)
		for i := range n {
			source.hooks = append(source.hooks, changed("u/0", int64(i)))
		}
		want := slices.Clone(source.hooks)
		peeker := relation.NewPeeker(source)
		var old relation.Peek
		for i := range n {
			peek := take(t, peeker, want[i])
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					peek.Consume()
					if old != nil {
						old.HookInfo()
						old.Reject()
					}
				})
			}
			all.Wait()
			old = peek
		}
		checkClosed(t, peeker)
		checkStop(t, peeker, nil)
		source.checkPopped(want...)
	})
}
