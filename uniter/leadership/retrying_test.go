package leadership_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/juju/clock/testclock"
	jujutesting "github.com/juju/testing"

	"github.com/unit-agent/unit-agent/uniter/leadership"
)

var errAway = errors.New("store is away")

// stubClaimer answers with the stub's errors, at once.
type stubClaimer struct {
	jujutesting.Stub
}

func (s *stubClaimer) ClaimLeadership(application, unit string, duration time.Duration) error {
	s.AddCall("ClaimLeadership", application, unit, duration)
	return s.NextErr()
}

func (s *stubClaimer) BlockUntilLeadershipReleased(application string) error {
	s.AddCall("BlockUntilLeadershipReleased", application)
	return s.NextErr()
}

type stubContextClaimer struct {
	*stubClaimer
}

func (s stubContextClaimer) WaitLeadershipReleased(ctx context.Context, application string) error {
	s.AddCall("WaitLeadershipReleased", ctx, application)
	return s.NextErr()
}

// retrying is a retrying claimer over a heldClaimer, called by the test itself.
type retrying struct {
	*fixture
	claimer leadership.Claimer
}

func newRetrying(t *testing.T) *retrying {
	f := &fixture{t: t, clock: testclock.NewClock(time.Unix(1_700_000_000, 0)), claimer: newHeldClaimer()}
	t.Cleanup(func() { close(f.claimer.closed) })
	return &retrying{f, leadership.NewRetryingClaimer(f.claimer, f.clock)}
}

// claim returns a channel that gets the outcome.
func (r *retrying) claim(unit string) <-chan error {
	outcome := make(chan error, 1)
	go func() { outcome <- r.claimer.ClaimLeadership("wordpress", unit, leased) }()
	return outcome
}

func (r *retrying) granted(unit string) {
	r.t.Helper()
	outcome := r.claim(unit)
	r.nextClaim().answer(nil)
	r.wantOutcome(outcome, nil)
}

func (r *retrying) wantOutcome(outcome <-chan error, want error) {
	r.t.Helper()
	select {
	case err := <-outcome:
		if !errors.Is(err, want) {
			r.t.Fatalf("got outcome %v, want %v", err, want)
		}
	case <-time.After(watchdog):
		r.t.Fatal("claim does not return")
	}
}

// Rides over a store that is briefly away, with a growing delay between the claims.
func TestRetryingClaimerRidesOver(t *testing.T) {
	r := newRetrying(t)
	r.granted("wordpress/3")
	outcome := r.claim("wordpress/3")
	claim := r.nextClaim()
	for d := leadership.FirstDelay; d < 2*leadership.MaxRetryDelay; d *= 2 {
		claim.answer(errAway)
		claim = r.nextAfter(min(d, leadership.MaxRetryDelay), "ClaimLeadership")
	}
	claim.answer(nil)
	r.wantOutcome(outcome, nil)

	want := jujutesting.StubCall{FuncName: "ClaimLeadership", Args: []any{"wordpress", "wordpress/3", leased}}
	for _, call := range r.fixture.claimer.Calls() {
		if !reflect.DeepEqual(call, want) {
			t.Errorf("got call %v, want %v", call, want)
		}
	}
}

// It does so for as long as the guarantee given still holds, and not a moment longer.
func TestRetryingClaimerGivesUpWhenTheGuaranteeEnds(t *testing.T) {
	r := newRetrying(t)
	r.granted("wordpress/3")
	r.clock.Advance(leased - leadership.FirstDelay/2)
	outcome := r.claim("wordpress/3")
	r.nextClaim().answer(errAway)
	r.advance(leadership.FirstDelay/2 - 1)
	select {
	case err := <-outcome:
		t.Fatalf("gave up a nanosecond too early, with %v", err)
	default:
	}
	r.advance(1)
	r.wantOutcome(outcome, errAway) // without another call, or this would hang
}

// The guarantee counts from before the claim that was granted.
func TestRetryingClaimerCountsFromBeforeTheClaim(t *testing.T) {
	r := newRetrying(t)
	outcome := r.claim("wordpress/3")
	claim := r.nextClaim()
	r.clock.Advance(leased)
	claim.answer(nil)
	r.wantOutcome(outcome, nil)
	outcome = r.claim("wordpress/3")
	r.nextClaim().answer(errAway)
	r.wantOutcome(outcome, errAway)
}

// Without a guarantee there is nothing to ride on: a first claim fails at once, one after a denial, and one of
// another unit.
func TestRetryingClaimerWithoutAGuarantee(t *testing.T) {
	r := newRetrying(t)
	fails := func(unit string, with error) {
		t.Helper()
		outcome := r.claim(unit)
		r.nextClaim().answer(with)
		r.wantOutcome(outcome, with)
	}
	fails("wordpress/3", errAway)
	r.granted("wordpress/3")
	fails("wordpress/4", errAway)
	fails("wordpress/3", leadership.ErrClaimDenied)
	fails("wordpress/3", errAway)
}

// A denial while it rides over ends that.
func TestRetryingClaimerDeniedMeanwhile(t *testing.T) {
	r := newRetrying(t)
	r.granted("wordpress/3")
	outcome := r.claim("wordpress/3")
	r.nextClaim().answer(errAway)
	r.nextAfter(leadership.FirstDelay, "ClaimLeadership").answer(leadership.ErrClaimDenied)
	r.wantOutcome(outcome, leadership.ErrClaimDenied)
}

// The result is a ContextClaimer if the claimer given is one, and waits are handed on.
func TestRetryingClaimerWaits(t *testing.T) {
	clock := testclock.NewClock(time.Unix(1, 0))
	stub := &stubClaimer{}
	plain := leadership.NewRetryingClaimer(stub, clock)
	if _, ok := plain.(leadership.ContextClaimer); ok {
		t.Error("a plain Claimer became a ContextClaimer")
	}
	both, ok := leadership.NewRetryingClaimer(stubContextClaimer{stub}, clock).(leadership.ContextClaimer)
	if !ok {
		t.Fatal("a ContextClaimer became a plain Claimer")
	}
	stub.SetErrors(errAway, errAway)
	if err := plain.BlockUntilLeadershipReleased("mysql"); !errors.Is(err, errAway) {
		t.Errorf("got error %v, want %v", err, errAway)
	}
	if err := both.WaitLeadershipReleased(t.Context(), "mysql"); !errors.Is(err, errAway) {
		t.Errorf("got error %v, want %v", err, errAway)
	}
	want := []jujutesting.StubCall{
		{FuncName: "BlockUntilLeadershipReleased", Args: []any{"mysql"}},
		{FuncName: "WaitLeadershipReleased", Args: []any{t.Context(), "mysql"}},
	}
	if got := stub.Calls(); !reflect.DeepEqual(got, want) {
		t.Errorf("got calls %v, want %v", got, want)
	}
}

// newRetryingLeader returns a leader over a retrying claimer, the duration after its first claim, with the renewal
// held.
func newRetryingLeader(t *testing.T) (*fixture, *call) {
	f := &fixture{t: t, clock: testclock.NewClock(time.Unix(1_700_000_000, 0)), claimer: newHeldClaimer()}
	f.use(leadership.NewTracker(unit, leadership.NewRetryingClaimer(f.claimer, f.clock), f.clock, duration))
	f.nextClaim().answer(nil)
	f.want(f.tracker.ClaimLeader(), true)
	f.advance(duration)
	return f, f.nextClaim()
}

// A tracker over it keeps its leadership while the store is away, as long as its guarantee lasts.
func TestTrackerRidesOver(t *testing.T) {
	f, renewal := newRetryingLeader(t)
	held, asked, minion := f.tracker.WaitLeader(), f.tracker.ClaimLeader(), f.tracker.WaitMinion()
	renewal.answer(errAway)
	// Both the tracker, for the end of its guarantee, and the claimer, for its delay, sleep by the clock.
	if err := f.clock.WaitAdvance(leadership.FirstDelay, watchdog, 2); err != nil {
		t.Fatal(err)
	}
	retried := f.nextClaim()
	f.wantOpen(asked)
	retried.answer(nil)
	f.want(asked, true)
	f.want(held, true)
	f.wantOpen(minion)
}

// When the guarantee is over and the store still away, the tracker stops with the store's error.
func TestTrackerStopsWhenRidingOverFails(t *testing.T) {
	f, renewal := newRetryingLeader(t)
	minion := f.tracker.WaitMinion()
	f.clock.Advance(duration)
	f.want(minion, true)
	renewal.answer(errAway)
	if err := f.wantStopped(); !errors.Is(err, errAway) {
		t.Errorf("stopped with %v, want %v", err, errAway)
	}
}

// A tracker that is killed does not wait for the delays of a retrying claimer.
func TestKillEndsRiding(t *testing.T) {
	clock := testclock.NewClock(time.Unix(1_700_000_000, 0))
	stub := &stubClaimer{}
	stub.SetErrors(nil, errAway)
	claimer := leadership.NewRetryingClaimer(stubContextClaimer{stub}, clock)
	f := &fixture{t: t, clock: clock}
	f.tracker = leadership.NewTracker(unit, claimer, clock, duration)
	f.want(f.tracker.ClaimLeader(), true)
	f.advance(duration)
	if err := clock.WaitAdvance(0, watchdog, 2); err != nil { // the claimer sleeps
		t.Fatal(err)
	}
	f.tracker.Kill()
	if err := f.wantStopped(); err != nil {
		t.Errorf("killed tracker stopped with error %v", err)
	}
	if calls := stub.Calls(); len(calls) != 2 {
		t.Errorf("got calls %v, want two claims", calls)
	}
}
