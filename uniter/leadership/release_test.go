package leadership_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/uniter/leadership"
)

// growing are the delays from the first to the longest, at which they stay.
func growing() []time.Duration {
	var delays []time.Duration
	for d := leadership.FirstDelay; d < leadership.MaxDelay; d *= 2 {
		delays = append(delays, d)
	}
	return append(delays, leadership.MaxDelay, leadership.MaxDelay)
}

// A wait for release that fails at once is retried with a growing delay.
func TestFailingWaitIsRetriedWithAGrowingDelay(t *testing.T) {
	f, release := newMinion(t)
	for _, delay := range growing() {
		release.answer(errors.New("no connection"))
		if delay < leadership.MaxDelay {
			release = f.nextAfter(delay, "BlockUntilLeadershipReleased")
			continue
		}
		// A wait that may be broken for good does not keep the unit from leading.
		f.nextAfter(delay, "ClaimLeadership").answer(leadership.ErrClaimDenied)
		release = f.nextWait()
	}
	f.want(f.tracker.ClaimLeader(), false)
	release.answer(nil)
	f.nextClaim()
}

// A wait that failed after it had worked for long is retried with the first delay again.
func TestFailingWaitThatWorkedForLong(t *testing.T) {
	f, release := newMinion(t)
	for range 4 {
		release.answer(errors.New("no connection"))
		release = f.nextAfter(leadership.FirstDelay, "BlockUntilLeadershipReleased")
		f.clock.Advance(time.Hour)
	}
}

// A wait that failed and is answered later starts the delays anew.
func TestFailingWaitThatRecovers(t *testing.T) {
	f, release := newMinion(t)
	release.answer(errors.New("no connection"))
	release = f.nextAfter(leadership.FirstDelay, "BlockUntilLeadershipReleased")
	release.answer(nil)
	f.nextClaim().answer(leadership.ErrClaimDenied)
	release = f.nextWait()
	release.answer(errors.New("no connection"))
	f.nextAfter(leadership.FirstDelay, "BlockUntilLeadershipReleased")
}

// A release that is answered at once while the claim stays denied is met with a growing delay.
func TestVainReleaseIsMetWithAGrowingDelay(t *testing.T) {
	f, release := newMinion(t)
	release.answer(nil)
	f.nextClaim().answer(leadership.ErrClaimDenied) // the first is claimed at once
	for _, delay := range growing() {
		f.nextWait().answer(nil)
		f.nextAfter(delay, "ClaimLeadership").answer(leadership.ErrClaimDenied)
	}
	if names := f.claimer.names(); slices.Contains(names, "WaitLeadershipReleased") {
		t.Errorf("called %q of a plain Claimer", names)
	}
}

// A release that was waited for longer than the delay is claimed at once, and the delays start anew.
func TestReleaseAfterAWhileIsClaimedAtOnce(t *testing.T) {
	f, release := newMinion(t)
	release.answer(nil)
	f.nextClaim().answer(leadership.ErrClaimDenied)
	for range 4 {
		release = f.nextWait()
		f.clock.Advance(leadership.FirstDelay)
		release.answer(nil)
		f.nextClaim().answer(leadership.ErrClaimDenied)
	}
}

// A release that came sooner than the delay waits for the rest of it only.
func TestEarlyReleaseWaitsForTheRest(t *testing.T) {
	f, release := newMinion(t)
	release.answer(nil)
	f.nextClaim().answer(leadership.ErrClaimDenied)
	release = f.nextWait()
	f.clock.Advance(leadership.FirstDelay / 5)
	release.answer(nil)
	f.nextAfter(leadership.FirstDelay*4/5, "ClaimLeadership")
}

// Leadership that was gained starts the delays anew.
func TestGrantStartsTheDelaysAnew(t *testing.T) {
	f, release := newMinion(t)
	release.answer(nil)
	f.nextClaim().answer(leadership.ErrClaimDenied)
	f.nextWait().answer(nil)
	f.nextAfter(leadership.FirstDelay, "ClaimLeadership").answer(nil)
	f.want(f.tracker.WaitLeader(), true)
	f.advance(duration)
	f.nextClaim().answer(leadership.ErrClaimDenied)
	f.nextWait().answer(nil)
	f.nextClaim()
}
