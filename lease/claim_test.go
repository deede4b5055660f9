package lease_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/lease"
)

// Promise: a claim of a free lease claims it.
func TestClaimOfAFreeLease(t *testing.T) {
	r, spy := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	if got := r.holder("mysql"); got != "mysql/0" {
		t.Errorf("holder: got %q", got)
	}
	wantCalls(t, spy, "ClaimLease mysql mysql/0")
}

// Promise: a claim of one's own lease extends it.
func TestClaimOfOnesOwnLease(t *testing.T) {
	r, spy := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	r.clock.Advance(term / 2)
	r.claim("mysql", "mysql/0")
	wantCalls(t, spy, "ClaimLease mysql mysql/0", "ExtendLease mysql mysql/0")
	want := r.clock.Now().Add(term)
	if got := r.memory.Leases(key("mysql"))[key("mysql")].Expiry; !got.Equal(want) {
		t.Errorf("expiry: got %v, want %v", got, want)
	}
}

// Promise: a claim of another's lease is ErrClaimDenied, with no store call.
func TestClaimOfAnothersLease(t *testing.T) {
	r, spy := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	r.equal(r.wait(func() error { return r.claimer.Claim("mysql", "mysql/1", term) }), lease.ErrClaimDenied)
	wantCalls(t, spy, "ClaimLease mysql mysql/0")
}

// Promise: the holder keeps the lease until at least duration after the start
// of the call, also of one that was tried several times.
func TestClaimGuaranteesItsDurationFromTheStart(t *testing.T) {
	r, spy := newSpyRig(t)
	spy.setBefore(failFirst("ClaimLease", 3, lease.ErrTimeout))
	start := r.clock.Now()
	granted := r.spawn(func() error { return r.claimer.Claim("mysql", "mysql/0", term) })
	for _, delay := range []time.Duration{50, 100, 200} {
		r.passDelay(delay * time.Millisecond)
	}
	r.equal(r.receive(granted), nil)
	if expiry := r.memory.Leases(key("mysql"))[key("mysql")].Expiry; expiry.Before(start.Add(term)) {
		t.Errorf("expiry %v is before %v", expiry, start.Add(term))
	}
	r.clock.Advance(start.Add(term).Sub(r.clock.Now()) - 1)
	r.equal(r.wait(func() error { return r.checker.Token("mysql", "mysql/0").Check(0, nil) }), nil)
	r.equal(r.wait(func() error { return r.claimer.Claim("mysql", "mysql/1", term) }), lease.ErrClaimDenied)
}

// Promise: ErrInvalid is tried again against the new Leases().
func TestErrInvalidIsTriedAgainstNewLeases(t *testing.T) {
	for _, test := range []struct {
		name   string
		before string // who holds the lease when the claim begins
		after  string // and after the first try
		want   error
		calls  []string
	}{
		{"free, then another's", "", "mysql/1", lease.ErrClaimDenied, []string{"ClaimLease mysql mysql/0"}},
		{"free, then one's own", "", "mysql/0", nil, []string{"ClaimLease mysql mysql/0", "ExtendLease mysql mysql/0"}},
		{"free, then free", "", "", nil, []string{"ClaimLease mysql mysql/0", "ClaimLease mysql mysql/0"}},
		{"one's own, then another's", "mysql/0", "mysql/1", lease.ErrClaimDenied, []string{"ExtendLease mysql mysql/0"}},
		{"one's own, then free", "mysql/0", "", nil, []string{"ExtendLease mysql mysql/0", "ClaimLease mysql mysql/0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, spy := newSpyRig(t)
			r.setHolder("mysql", "", test.before)
			tried := false
			spy.setBefore(func(c call, _ <-chan struct{}) error {
				if tried || c.method != "ClaimLease" && c.method != "ExtendLease" {
					return errPass
				}
				tried = true
				r.setHolder("mysql", test.before, test.after)
				return fmt.Errorf("lost a race: %w", lease.ErrInvalid)
			})
			result := r.spawn(func() error { return r.claimer.Claim("mysql", "mysql/0", term) })
			r.passDelay(50 * time.Millisecond)
			r.equal(r.receive(result), test.want)
			wantCalls(t, spy, test.calls...)
		})
	}
}

// Promise: ErrInvalid and ErrTimeout are tried again with a growing delay on
// the Clock, 50 ms doubling, 5 tries in all; then the caller gets ErrTimeout,
// never ErrInvalid, and the manager goes on.
func TestTriesGrowApartAndEndWithErrTimeout(t *testing.T) {
	for _, fault := range []error{lease.ErrInvalid, lease.ErrTimeout} {
		for _, test := range []struct {
			method string
			holder string
			do     func(r *rig) error
		}{
			{"ClaimLease", "", func(r *rig) error { return r.claimer.Claim("mysql", "mysql/0", term) }},
			{"ExtendLease", "mysql/0", func(r *rig) error { return r.claimer.Claim("mysql", "mysql/0", term) }},
			{"RevokeLease", "mysql/0", func(r *rig) error { return r.revoker.Revoke("mysql", "mysql/0") }},
			{"PinLease", "", func(r *rig) error { return r.pinner.Pin("mysql", "e") }},
			{"UnpinLease", "", func(r *rig) error { return r.pinner.Unpin("mysql", "e") }},
		} {
			t.Run(fmt.Sprintf("%s, %v", test.method, fault), func(t *testing.T) {
				r, spy := newSpyRig(t)
				r.setHolder("mysql", "", test.holder)
				spy.setBefore(always(test.method, fmt.Errorf("wrapped: %w", fault)))
				start := r.clock.Now()
				result := r.spawn(func() error { return test.do(r) })
				delays := []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond}
				for _, delay := range delays {
					r.pending(result, "before the last try")
					r.passDelay(delay)
				}
				r.equal(r.receive(result), lease.ErrTimeout)
				if got := r.clock.timers(); !slices.Equal(got, delays) {
					t.Errorf("delays: got %v, want %v", got, delays)
				}
				var ats []time.Duration
				for _, c := range spy.made(test.method) {
					ats = append(ats, c.at.Sub(start)/time.Millisecond)
				}
				if want := []time.Duration{0, 50, 150, 350, 750}; !slices.Equal(ats, want) {
					t.Errorf("tries after (ms): got %v, want %v", ats, want)
				}
				if got := r.metric("retries_total"); got != 4 {
					t.Errorf("retries counted: got %v, want 4", got)
				}

				spy.setBefore(nil)
				r.claim("other", "other/0")
				r.equal(r.wait(func() error { return test.do(r) }), nil)
			})
		}
	}
}

// Promise: a try after ErrTimeout finds out if the one before was recorded.
func TestTimeoutOfAClaimThatWasRecorded(t *testing.T) {
	r, spy := newSpyRig(t)
	spy.setBefore(func(c call, _ <-chan struct{}) error {
		if c.method != "ClaimLease" {
			return errPass
		}
		r.setHolder("mysql", "", "mysql/0")
		return lease.ErrTimeout
	})
	result := r.spawn(func() error { return r.claimer.Claim("mysql", "mysql/0", term) })
	r.passDelay(50 * time.Millisecond)
	r.equal(r.receive(result), nil)
	wantCalls(t, spy, "ClaimLease mysql mysql/0", "ExtendLease mysql mysql/0")
}

// Promise: any other store error stops the manager, and is told to its caller.
func TestOtherStoreErrorsStopTheManager(t *testing.T) {
	for method, do := range map[string]func(r *rig) error{
		"ClaimLease":  func(r *rig) error { return r.claimer.Claim("free", "free/0", term) },
		"ExtendLease": func(r *rig) error { return r.claimer.Claim("mysql", "mysql/0", term) },
		"RevokeLease": func(r *rig) error { return r.revoker.Revoke("mysql", "mysql/0") },
		"PinLease":    func(r *rig) error { return r.pinner.Pin("mysql", "e") },
		"UnpinLease":  func(r *rig) error { return r.pinner.Unpin("mysql", "e") },
		"Refresh":     func(r *rig) error { return r.checker.Token("mysql", "mysql/1").Check(0, nil) },
		"ExpireLease": nil,
	} {
		t.Run(method, func(t *testing.T) {
			r, spy := newSpyRig(t)
			r.setHolder("mysql", "", "mysql/0")
			spy.setBefore(always(method, errBroken))
			waiting := r.waiting("mysql", nil)
			if do != nil {
				if err := r.wait(func() error { return do(r) }); !errors.Is(err, errBroken) {
					t.Errorf("caller: got error %v, want the store's", err)
				}
			} else {
				r.clock.Advance(term)
			}
			if err := r.wait(r.manager.Wait); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "cannot ") {
				t.Errorf("Wait: got error %v, want one that wraps the store's", err)
			}
			if err := r.receive(waiting); !errors.Is(err, lease.ErrManagerStopped) || !strings.Contains(err.Error(), errBroken.Error()) {
				t.Errorf("another caller: got error %v, want ErrManagerStopped and why", err)
			}
		})
	}
}

// Promise: a claim never waits behind a slow claim of another lease.
func TestClaimDoesNotWaitForAnotherLease(t *testing.T) {
	r, spy := newSpyRig(t)
	entered, release := make(chan struct{}), make(chan struct{})
	spy.setBefore(block("ClaimLease", "slow", entered, release))
	slow := r.spawn(func() error { return r.claimer.Claim("slow", "slow/0", term) })
	<-entered

	r.claim("mysql", "mysql/0")
	r.claim("mysql", "mysql/0")
	r.equal(r.wait(func() error { return r.checker.Token("mysql", "mysql/0").Check(0, nil) }), nil)
	r.equal(r.wait(func() error { return r.checker.Token("slow", "slow/0").Check(0, nil) }), lease.ErrNotHeld)
	r.equal(r.wait(func() error { return r.claimer.WaitUntilExpired("slow", nil) }), nil)
	r.equal(r.wait(func() error { return r.pinner.Pin("mysql", "e") }), nil)
	r.equal(r.wait(func() error { return r.revoker.Revoke("mysql", "mysql/0") }), nil)

	r.pending(slow, "slow claim")
	close(release)
	r.equal(r.receive(slow), nil)
}

// Promise: the operations of one lease run one at a time, in their order.
func TestOperationsOfOneLeaseRunInOrder(t *testing.T) {
	r, spy := newSpyRig(t)
	entered, release := make(chan struct{}), make(chan struct{})
	spy.setBefore(block("ClaimLease", "", entered, release))
	first := r.spawn(func() error { return r.claimer.Claim("mysql", "mysql/0", term) })
	<-entered
	var others []<-chan error
	for i := range 10 {
		holder := fmt.Sprintf("mysql/%d", i)
		others = append(others, r.spawn(func() error { return r.claimer.Claim("mysql", holder, term) }))
	}
	r.equal(r.wait(func() error { return r.claimer.WaitUntilExpired("mysql", nil) }), nil)
	if got := len(spy.made()); got != 1 {
		t.Errorf("%d store calls for one lease while the first of them runs", got)
	}
	close(release)
	r.equal(r.receive(first), nil)
	for i, other := range others {
		want := lease.ErrClaimDenied
		if i == 0 {
			want = nil
		}
		r.equal(r.receive(other), want)
	}
	wantCalls(t, spy, "ClaimLease mysql mysql/0", "ExtendLease mysql mysql/0")
}

// Promise: leases of other namespaces and models are other leases.
func TestLeasesOfOtherModels(t *testing.T) {
	r, _ := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	other := must(r.manager.Claimer(namespace, "another"))
	r.equal(r.wait(func() error { return other.Claim("mysql", "mysql/1", term) }), nil)
	r.equal(r.wait(func() error { return r.claimer.Claim("mysql", "mysql/1", term) }), lease.ErrClaimDenied)
	singular := must(r.manager.Claimer(lease.SingularControllerNamespace, model))
	r.equal(r.wait(func() error { return singular.Claim(controller, "machine-0", time.Second) }), nil)
	if got := r.reader.Leases(); len(got) != 1 || got["mysql"] != "mysql/0" {
		t.Errorf("Leases of the model: got %v", got)
	}
}

// failFirst fails the first n calls of a method with err.
func failFirst(method string, n int, err error) func(call, <-chan struct{}) error {
	return func(c call, _ <-chan struct{}) error {
		if c.method == method && n > 0 {
			n--
			return err
		}
		return errPass
	}
}

// setHolder changes the holder of a lease behind the manager's back.
func (r *rig) setHolder(name, from, to string) {
	if from != "" {
		if err := r.memory.RevokeLease(key(name), from, nil); err != nil {
			r.t.Errorf("setting holder of %s: %v", name, err)
		}
	}
	if to != "" {
		if err := r.memory.ClaimLease(key(name), lease.Request{Holder: to, Duration: term}, nil); err != nil {
			r.t.Errorf("setting holder of %s: %v", name, err)
		}
	}
}

// passDelay waits until the manager has begun to let d pass before it tries
// again, and lets it pass.
func (r *rig) passDelay(d time.Duration) {
	r.t.Helper()
	r.eventually(fmt.Sprintf("delay of %v", d), func() bool {
		timers := r.clock.timers()
		return len(timers) > 0 && timers[len(timers)-1] == d
	})
	r.clock.Advance(d)
}

// wantCalls fails the test unless these are the calls that the store got.
func wantCalls(t *testing.T, spy *spy, want ...string) {
	t.Helper()
	var got []string
	for _, c := range spy.made() {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", c.method, c.key.Lease, c.who)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("store calls: got %q, want %q", got, want)
	}
}
