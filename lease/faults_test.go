package lease_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/memstore"
)

// Promise: a store that never expires a lease, whatever it answers, is not
// asked in a hot loop: the delay grows up to MaxSleep. Meanwhile other leases
// are expired, claimed and checked as ever.
func TestStoreThatNeverExpiresALease(t *testing.T) {
	for name, answer := range map[string]error{
		"ErrInvalid for ever":          lease.ErrInvalid,
		"ErrTimeout at every expiry":   lease.ErrTimeout,
		"says that it is done, is not": errLie,
	} {
		t.Run(name, func(t *testing.T) {
			spy, warnings := new(spy), new(warnings)
			r := newRig(t, func(memory *memstore.Store) lease.Store {
				spy.Store = stuck{memory, answer}
				return spy
			}, spy.watch, func(config *lease.ManagerConfig) { config.Logger = slog.New(warnings) })
			r.claim("stuck", "stuck/0")
			r.clock.Advance(term)
			var last time.Time
			delay := 50 * time.Millisecond
			for try := 1; try <= 20; try++ {
				r.eventually("another try, and its end", func() bool { return warnings.n.Load() == int64(try) })
				at := r.clock.Now()
				if try > 1 && !at.Equal(last.Add(delay)) {
					t.Fatalf("try %d after %v, want %v", try, at.Sub(last), delay)
				}
				if try > 1 {
					delay = min(2*delay, maxSleep)
				}
				last = at
				next := last.Add(delay)
				for !r.clock.Now().Equal(next) {
					// Sweeps come in between.
					r.eventually("alarm", func() bool {
						at, ok := r.clock.nextAlarm()
						return ok && !at.After(next) && at.After(r.clock.Now())
					})
					at, _ := r.clock.nextAlarm()
					r.clock.Advance(at.Sub(r.clock.Now()))
				}
				if try == 5 {
					r.claim("mysql", "mysql/0")
					r.equal(r.wait(func() error { return r.checker.Token("mysql", "mysql/0").Check(0, nil) }), nil)
					r.equal(r.wait(func() error { return r.claimer.Claim("stuck", "stuck/1", term) }), lease.ErrClaimDenied)
				}
			}
			r.eventually("other lease expired", func() bool { return r.holder("mysql") == "" })
			if got := r.holder("stuck"); got != "stuck/0" {
				t.Errorf("holder of the stuck lease: got %q", got)
			}
		})
	}
}

// warnings counts what is logged: one line each time that a lease is found to be
// held past its expiry.
type warnings struct{ n atomic.Int64 }

func (w *warnings) Enabled(context.Context, slog.Level) bool { return true }
func (w *warnings) WithAttrs([]slog.Attr) slog.Handler       { return w }
func (w *warnings) WithGroup(string) slog.Handler            { return w }

func (w *warnings) Handle(context.Context, slog.Record) error {
	w.n.Add(1)
	return nil
}

// errLie stands for a store that answers nil and does nothing.
var errLie = fmt.Errorf("lie")

// stuck is a store that does not expire the lease "stuck".
type stuck struct {
	*memstore.Store
	answer error
}

func (s stuck) ExpireLease(k lease.Key) error {
	if k.Lease != "stuck" {
		return s.Store.ExpireLease(k)
	}
	if s.answer == errLie {
		return nil
	}
	return s.answer
}

// Promise: expiries that hang do not hold up other leases.
func TestExpiryThatHangs(t *testing.T) {
	r, spy := newSpyRig(t)
	release := make(chan struct{})
	hung := make(chan struct{}, 100)
	spy.setBefore(func(c call, _ <-chan struct{}) error {
		if c.method == "ExpireLease" && c.key.Lease != "mysql" {
			hung <- struct{}{}
			<-release
		}
		return errPass
	})
	for i := range 100 {
		r.claim(fmt.Sprintf("stuck%dx", i), "stuck/0")
	}
	r.claim("mysql", "mysql/0")
	waiting := r.waiting("mysql", nil)
	r.clock.Advance(term)
	for range 100 {
		<-hung
	}
	r.equal(r.receive(waiting), nil)
	r.claim("mysql", "mysql/1")

	claimed := r.spawn(func() error { return r.claimer.Claim("stuck7x", "stuck/1", term) })
	r.claim("mysql", "mysql/1")
	r.pending(claimed, "claim of a lease whose expiry hangs")
	close(release)
	r.equal(r.receive(claimed), nil)
}

// Promise: very many leases that end at once all end, and with a bounded number
// of expiries at a time.
func TestManyLeasesEndAtOnce(t *testing.T) {
	const n = 5000
	var most, now atomic.Int64
	r, spy := newSpyRig(t)
	for i := range n {
		k := key(fmt.Sprintf("app%dx", i))
		if err := r.memory.ClaimLease(k, lease.Request{Holder: "app/0", Duration: term}, nil); err != nil {
			t.Fatal(err)
		}
	}
	spy.setBefore(func(c call, _ <-chan struct{}) error {
		if c.method == "ExpireLease" {
			running := now.Add(1)
			defer now.Add(-1)
			for old := most.Load(); running > old && !most.CompareAndSwap(old, running); {
				old = most.Load()
			}
			runtime.Gosched()
		}
		return errPass
	})
	r.clock.Advance(maxSleep)
	r.eventually("all leases expired", func() bool { return len(r.memory.Leases()) == 0 })
	if got := most.Load(); got > 1000 {
		t.Errorf("%d expiries at a time, want at most 1000", got)
	}
	r.eventually("all expiries counted", func() bool { return r.metric("expiries_total") == n })
}
