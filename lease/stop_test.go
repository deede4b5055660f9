package lease_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/memstore"
)

const firstDelay = 50 * time.Millisecond

// Promise: stopping answers every caller with an error, whatever it waits for,
// and leaves no goroutine.
func TestStopAnswersEveryCaller(t *testing.T) {
	before := goleak.IgnoreCurrent()
	r, spy := newSpyRig(t)
	r.claim("held", "held/0")
	entered, refreshing := make(chan struct{}), make(chan struct{})
	release := make(chan struct{})
	hangs := block("ClaimLease", "hangs", entered, nil)
	refreshes := block("Refresh", "", refreshing, release)
	spy.setBefore(func(c call, stop <-chan struct{}) error {
		if c.method == "ClaimLease" && c.key.Lease == "retried" {
			return lease.ErrTimeout
		}
		if err := refreshes(c, stop); err != nil {
			return err
		}
		return hangs(c, stop)
	})

	calls := map[string]<-chan error{
		"claim that hangs in the store": r.spawn(func() error { return r.claimer.Claim("hangs", "hangs/0", term) }),
		"check that waits for a refresh": r.spawn(func() error {
			return r.checker.Token("held", "held/1").Check(0, nil)
		}),
		"claim that waits to be tried again": r.spawn(func() error { return r.claimer.Claim("retried", "retried/0", term) }),
		"wait for a vacancy":                 r.waiting("held", nil),
		"wait for a vacancy, with a cancel":  r.waiting("held", make(chan struct{})),
	}
	<-entered
	<-refreshing
	r.eventually("claim put off", func() bool { return len(r.clock.timers()) == 1 })
	for name, f := range map[string]func() error{
		"claim behind one that hangs":  func() error { return r.claimer.Claim("hangs", "hangs/1", term) },
		"revoke behind one that hangs": func() error { return r.revoker.Revoke("hangs", "hangs/1") },
		"pin behind one that hangs":    func() error { return r.pinner.Pin("hangs", "e") },
		"check behind one that waits":  func() error { return r.checker.Token("held", "held/2").Check(0, nil) },
	} {
		calls[name] = r.spawn(f)
	}

	r.manager.Kill()
	for name, result := range calls {
		if err := r.receive(result); !errors.Is(err, lease.ErrManagerStopped) {
			t.Errorf("%s: got error %v, want ErrManagerStopped", name, err)
		}
	}
	close(release) // Refresh has no stop channel
	r.equal(r.wait(r.manager.Wait), nil)
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}

// Promise: a store call that does not heed its stop channel holds up nobody but
// Wait.
func TestStopWithAStoreThatDoesNotHeedIt(t *testing.T) {
	r, spy := newSpyRig(t)
	entered, release := make(chan struct{}), make(chan struct{})
	var back atomic.Bool
	spy.setBefore(func(c call, _ <-chan struct{}) error {
		close(entered)
		<-release
		back.Store(true)
		return errPass
	})
	claimed := r.spawn(func() error { return r.claimer.Claim("mysql", "mysql/0", term) })
	<-entered
	r.manager.Kill()
	if err := r.receive(claimed); !errors.Is(err, lease.ErrManagerStopped) {
		t.Errorf("claim: got error %v", err)
	}
	time.AfterFunc(20*time.Millisecond, func() { close(release) })
	r.equal(r.wait(r.manager.Wait), nil)
	if !back.Load() {
		t.Error("Wait returned while a store call was under way")
	}
}

// Promise: a store that tells of vacancies need not go on once the manager has
// stopped.
func TestStopEndsTheContextOfVacancies(t *testing.T) {
	var ctx context.Context
	r := newRig(t, func(memory *memstore.Store) lease.Store {
		return lateStore{Store: memory, vacancies: make(chan []lease.Key), ctx: &ctx}
	})
	r.round()
	if ctx.Err() != nil {
		t.Error("context ended early")
	}
	r.manager.Kill()
	r.equal(r.wait(r.manager.Wait), nil)
	if ctx.Err() == nil {
		t.Error("context did not end")
	}
}

// Promise: a manager that has stopped answers with an error.
func TestStoppedManagerAnswers(t *testing.T) {
	r, spy := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	r.manager.Kill()
	r.equal(r.wait(r.manager.Wait), nil)
	calls := len(spy.made())
	for name, f := range map[string]func() error{
		"claim":         func() error { return r.claimer.Claim("mysql", "mysql/0", term) },
		"wait":          func() error { return r.claimer.WaitUntilExpired("mysql", nil) },
		"check":         func() error { return r.checker.Token("mysql", "mysql/0").Check(0, nil) },
		"another check": func() error { return r.checker.Token("mysql", "mysql/1").Check(0, nil) },
		"pin":           func() error { return r.pinner.Pin("mysql", "e") },
		"unpin":         func() error { return r.pinner.Unpin("mysql", "e") },
		"revoke":        func() error { return r.revoker.Revoke("mysql", "mysql/0") },
	} {
		if err := r.wait(f); !errors.Is(err, lease.ErrManagerStopped) {
			t.Errorf("%s: got error %v, want ErrManagerStopped", name, err)
		}
	}
	if got := len(spy.made()); got != calls {
		t.Errorf("%d store calls by a manager that has stopped", got-calls)
	}
}

// Promise: an error that a store answers to its stop channel, whatever it is,
// does not make the stop a failure, although the loop hears of it first.
func TestStopIsNoFailure(t *testing.T) {
	for range 20 {
		r, spy := newSpyRig(t)
		entered := make(chan struct{})
		var back atomic.Bool
		spy.setBefore(func(c call, stop <-chan struct{}) error {
			close(entered)
			<-stop
			back.Store(true)
			return errBroken
		})
		claimed := r.spawn(func() error { return r.claimer.Claim("mysql", "mysql/0", term) })
		<-entered
		held, release := spy.holdLoop("other")
		waited := r.spawn(func() error { return r.claimer.WaitUntilExpired("other", nil) })
		<-held
		r.manager.Kill()
		r.eventually("store call back", back.Load)
		if err := r.receive(claimed); !errors.Is(err, lease.ErrManagerStopped) {
			t.Errorf("claim: got error %v", err)
		}
		runtime.Gosched()
		close(release)
		r.receive(waited)
		r.equal(r.wait(r.manager.Wait), nil)
	}
}

// Promise: a manager can be stopped at any moment of many operations.
func TestStopUnderLoad(t *testing.T) {
	for range 20 {
		r, _ := newSpyRig(t)
		var results []<-chan error
		for i := range 20 {
			name := string(rune('a' + i%5))
			results = append(results, r.spawn(func() error {
				for {
					err := r.claimer.Claim(name, name+"/0", term)
					if err == nil {
						err = r.revoker.Revoke(name, name+"/0")
					}
					if err == nil || err == lease.ErrNotHeld {
						err = r.claimer.WaitUntilExpired(name, nil)
					}
					if err != nil {
						return err
					}
				}
			}))
		}
		r.eventually("some claims", func() bool { return r.metric("claims_total") > 20 })
		r.manager.Kill()
		for _, result := range results {
			if err := r.receive(result); !errors.Is(err, lease.ErrManagerStopped) {
				t.Errorf("got error %v, want ErrManagerStopped", err)
			}
		}
		r.equal(r.wait(r.manager.Wait), nil)
	}
}
