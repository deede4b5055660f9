package leadership_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/juju/clock"
	"github.com/juju/clock/testclock"
	"github.com/juju/names/v4"
	jujutesting "github.com/juju/testing"
	"github.com/juju/worker/v3"

	"github.com/unit-agent/unit-agent/uniter/leadership"
)

var _ worker.Worker = (*leadership.TrackerWorker)(nil)

func TestTrackerSaysWhatItTracks(t *testing.T) {
	f := newFixture(t)
	if got := f.tracker.ApplicationName(); got != "wordpress" {
		t.Errorf("application %q, want wordpress", got)
	}
	if got := f.tracker.ClaimDuration(); got != duration {
		t.Errorf("duration %s, want %s", got, duration)
	}
}

// Claims for twice the duration.
func TestClaimsForTwiceTheDuration(t *testing.T) {
	f := newLeader(t)
	f.advance(duration)
	f.nextClaim().answer(nil)
	want := jujutesting.StubCall{FuncName: "ClaimLeadership", Args: []any{"wordpress", "wordpress/3", 2 * duration}}
	if got := f.claimer.Calls(); !reflect.DeepEqual(got, []jujutesting.StubCall{want, want}) {
		t.Errorf("got calls %v, want %v twice", got, want)
	}
}

// Renews when the duration has passed, neither earlier nor later.
func TestRenewsWhenTheDurationHasPassed(t *testing.T) {
	f := newLeader(t)
	for range 3 {
		f.nextAfter(duration, "ClaimLeadership").answer(nil)
		f.want(f.tracker.ClaimLeader(), true)
	}
}

// A denied claim waits for release and claims again.
func TestDeniedClaimWaitsForReleaseAndClaimsAgain(t *testing.T) {
	f, release := newMinion(t)
	f.want(f.tracker.ClaimLeader(), false)
	leader := f.tracker.WaitLeader()
	f.wantOpen(leader)

	release.answer(nil)
	f.nextClaim().answer(nil)
	f.want(leader, true)
	f.want(f.tracker.ClaimLeader(), true)
	f.want(f.tracker.WaitLeader(), true)
}

// A denial is one also if it comes wrapped.
func TestWrappedDenialIsADenial(t *testing.T) {
	f := newFixture(t)
	f.nextClaim().answer(fmt.Errorf("store says: %w", leadership.ErrClaimDenied))
	f.nextWait()
	f.want(f.tracker.ClaimLeader(), false)
}

// ClaimLeader: true if leadership is guaranteed for at least the tracker's duration from the time of asking.
func TestClaimLeaderGuaranteesAWholeDuration(t *testing.T) {
	f := newLeader(t)
	f.advance(duration - 1)
	f.want(f.tracker.ClaimLeader(), true) // a nanosecond more than a duration is left
	f.advance(1)
	f.wantOpen(f.tracker.ClaimLeader()) // no more than that is left, so the renewal decides
}

// WaitLeader: true comes with the same guarantee as that of ClaimLeader.
func TestWaitLeaderGuaranteesAWholeDuration(t *testing.T) {
	f := newLeader(t)
	f.advance(duration)
	renewal := f.nextClaim()
	leader := f.tracker.WaitLeader()
	f.wantOpen(leader)
	renewal.answer(nil)
	f.want(leader, true)
}

// WaitLeader outlasts any number of denials.
func TestWaitLeaderOutlastsDenials(t *testing.T) {
	f := newLeader(t)
	f.advance(duration)
	renewal := f.nextClaim()
	leader := f.tracker.WaitLeader()
	renewal.answer(leadership.ErrClaimDenied)
	release := f.nextWait()
	f.wantOpen(leader)
	release.answer(nil)
	f.nextClaim().answer(nil)
	f.want(leader, true)
}

// A ticket asked for during the very first claim waits for its result.
func TestTicketsOfTheFirstClaimWaitForItsResult(t *testing.T) {
	for _, test := range []struct {
		result      error
		claimLeader bool
	}{
		{result: nil, claimLeader: true},
		{result: leadership.ErrClaimDenied, claimLeader: false},
	} {
		t.Run(fmt.Sprint(test.result), func(t *testing.T) {
			f := newFixture(t)
			first := f.nextClaim()
			claim, leader, minion := f.tracker.ClaimLeader(), f.tracker.WaitLeader(), f.tracker.WaitMinion()
			for _, ticket := range []leadership.Ticket{claim, leader, minion} {
				f.wantOpen(ticket)
			}
			first.answer(test.result)
			f.want(claim, test.claimLeader)
			if test.claimLeader {
				f.want(leader, true)
				f.wantOpen(minion) // the unit leads, so it waits on
				return
			}
			f.wantOpen(leader)
			f.want(minion, false)
		})
	}
}

// WaitMinion that waited for a first claim which was granted resolves when the leadership so gained is lost.
func TestWaitMinionOfTheFirstClaim(t *testing.T) {
	f := newFixture(t)
	minion := f.tracker.WaitMinion()
	f.nextClaim().answer(nil)
	f.want(f.tracker.ClaimLeader(), true)
	f.advance(duration)
	f.nextClaim().answer(leadership.ErrClaimDenied)
	f.want(minion, true)
}

// WaitMinion asked of a unit that is not leader resolves at once with false.
func TestWaitMinionOfAMinionIsFalseAtOnce(t *testing.T) {
	f, release := newMinion(t)
	f.want(f.tracker.WaitMinion(), false)
	release.answer(nil)
	f.nextClaim() // also while it claims again
	minion := f.tracker.WaitMinion()
	f.want(minion, false)
}

// WaitMinion resolves with true when leadership is lost later.
func TestWaitMinionResolvesWhenLeadershipIsDenied(t *testing.T) {
	f := newLeader(t)
	minion := f.tracker.WaitMinion()
	f.wantOpen(minion)
	f.advance(duration)
	f.nextClaim().answer(leadership.ErrClaimDenied)
	f.want(minion, true)
	f.nextWait().answer(nil)
	f.nextClaim().answer(nil)
	f.want(f.tracker.WaitLeader(), true)
	f.want(minion, true) // what was lost was lost
	f.wantOpen(f.tracker.WaitMinion())
}

// WaitMinion resolves when future leadership can no longer be guaranteed: here since the renewal hangs.
func TestWaitMinionResolvesWhenTheGuaranteeRunsOut(t *testing.T) {
	f := newLeader(t)
	f.advance(duration)
	f.nextClaim() // hangs
	minion, claim, leader := f.tracker.WaitMinion(), f.tracker.ClaimLeader(), f.tracker.WaitLeader()
	f.advance(duration - 1)
	f.advance(0)
	f.wantOpen(minion)
	f.wantOpen(claim)
	f.advance(1)
	f.want(minion, true)
	f.want(claim, false)
	f.wantOpen(leader)
	f.want(f.tracker.ClaimLeader(), false)
	f.want(f.tracker.WaitMinion(), false)
}

// A denial ends leadership at once, though the guarantee given before would have run on.
func TestDeniedRenewalEndsLeadershipAtOnce(t *testing.T) {
	f := newLeader(t)
	held := f.tracker.ClaimLeader()
	f.advance(duration)
	renewal := f.nextClaim()
	waiting := f.tracker.ClaimLeader()
	renewal.answer(leadership.ErrClaimDenied)
	f.want(waiting, false)
	f.want(held, false)
	f.want(f.tracker.ClaimLeader(), false)
}

// A healthy renewal never makes a true ticket false for a moment.
func TestHealthyRenewalNeverMakesATrueTicketFalse(t *testing.T) {
	f := newLeader(t)
	first := f.tracker.ClaimLeader()
	due := duration
	for range 5 {
		f.advance(due)
		renewal := f.nextClaim()
		f.want(first, true)
		f.advance(duration / 2) // it takes long, but not too long
		f.want(first, true)
		waiting := f.tracker.ClaimLeader()
		f.wantOpen(waiting)
		renewal.answer(nil)
		f.want(waiting, true)
		f.want(first, true)
		due = duration / 2
	}
}

// Nor does it for any of many that go on asking. Time is synctest's.
func TestHealthyRenewalNeverMakesATrueTicketFalseForAnyone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claimer := &slowClaimer{most: duration * 9 / 10}
		tracker := leadership.NewTracker(unit, claimer, clock.WallClock, duration)
		var askers sync.WaitGroup
		for i := range 8 {
			askers.Go(func() {
				old := tracker.ClaimLeader()
				for end := time.Now().Add(50 * duration); time.Now().Before(end); {
					fresh := tracker.ClaimLeader()
					if !fresh.Wait() || !old.Wait() {
						t.Errorf("asker %d got false after %d claims", i, claimer.claims.Load())
						return
					}
					time.Sleep(rand.N(50 * time.Millisecond))
				}
			})
		}
		askers.Wait()
		tracker.Kill()
		if err := tracker.Wait(); err != nil {
			t.Error(err)
		}
		if claims := claimer.claims.Load(); claims < 25 {
			t.Errorf("only %d claims", claims)
		}
	})
}

// slowClaimer grants every claim, after up to most. It is a ContextClaimer so that nothing of it is left behind.
type slowClaimer struct {
	most   time.Duration
	claims atomic.Int64
}

func (c *slowClaimer) ClaimLeadership(string, string, time.Duration) error {
	time.Sleep(rand.N(c.most))
	c.claims.Add(1)
	return nil
}

func (c *slowClaimer) BlockUntilLeadershipReleased(string) error {
	return errors.New("nothing was denied")
}

func (c *slowClaimer) WaitLeadershipReleased(context.Context, string) error {
	return errors.New("nothing was denied")
}

// A ticket that turned false when leadership was lost stays so, also when leadership is regained.
func TestTicketOfALostTermStaysFalse(t *testing.T) {
	f := newLeader(t)
	claim, leader := f.tracker.ClaimLeader(), f.tracker.WaitLeader()
	f.advance(duration)
	f.nextClaim().answer(leadership.ErrClaimDenied)
	f.nextWait().answer(nil)
	f.nextClaim().answer(nil)
	f.want(f.tracker.WaitLeader(), true)
	f.want(claim, false)
	f.want(leader, false)
}

// An error other than denied stops the tracker with "leadership failure: ...", which wraps its cause.
func TestOtherErrorStopsTheTracker(t *testing.T) {
	cause := errors.New("store burnt down")
	for name, start := range map[string]func(*testing.T) (*fixture, *call){
		"first claim": func(t *testing.T) (*fixture, *call) {
			f := newFixture(t)
			return f, f.nextClaim()
		},
		"renewal": func(t *testing.T) (*fixture, *call) {
			f := newLeader(t)
			f.advance(duration)
			return f, f.nextClaim()
		},
		"after release": func(t *testing.T) (*fixture, *call) {
			f, release := newMinion(t)
			release.answer(nil)
			return f, f.nextClaim()
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, claim := start(t)
			open := []leadership.Ticket{f.tracker.ClaimLeader(), f.tracker.WaitLeader(), f.tracker.WaitMinion()}
			claim.answer(cause)
			err := f.wantStopped()
			if !errors.Is(err, cause) {
				t.Errorf("error %v does not wrap its cause", err)
			}
			if err == nil || !strings.HasPrefix(err.Error(), "leadership failure: ") {
				t.Errorf("error %v, want leadership failure: ...", err)
			}
			for _, ticket := range open {
				f.want(ticket, false)
			}
		})
	}
}

// What NewTracker cannot track stops it with an error. It never panics.
func TestInvalidTrackerStops(t *testing.T) {
	claimer, fake := newHeldClaimer(), testclock.NewClock(time.Unix(1, 0))
	for _, test := range []struct {
		tag      names.UnitTag
		claimer  leadership.Claimer
		clock    clock.Clock
		duration time.Duration
		want     string
	}{
		{names.UnitTag{}, claimer, fake, duration, `leadership failure: "" is not a valid unit name`},
		{unit, nil, fake, duration, "leadership failure: nil Claimer not valid"},
		{unit, claimer, nil, duration, "leadership failure: nil Clock not valid"},
		{unit, claimer, fake, 0, "leadership failure: duration 0s not valid: must be positive"},
	} {
		tracker := leadership.NewTracker(test.tag, test.claimer, test.clock, test.duration)
		for _, ticket := range []leadership.Ticket{tracker.ClaimLeader(), tracker.WaitLeader(), tracker.WaitMinion()} {
			if ticket.Wait() {
				t.Errorf("%s: ticket says true", test.want)
			}
		}
		if err := tracker.Wait(); err == nil || err.Error() != test.want {
			t.Errorf("got error %v, want %q", err, test.want)
		}
	}
	if calls := claimer.Calls(); len(calls) != 0 {
		t.Errorf("called %v", calls)
	}
}
