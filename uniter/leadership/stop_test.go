package leadership_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/juju/clock/testclock"
	"go.uber.org/goleak"

	"github.com/unit-agent/unit-agent/uniter/leadership"
)

// Every ticket gets an answer, also at shutdown: false. This holds in each phase, also while a claim hangs.
func TestStopAnswersEveryTicketWithFalse(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *fixture{
		"first claim hangs": func(t *testing.T) *fixture {
			f := newFixture(t)
			f.nextClaim()
			return f
		},
		"leader": newLeader,
		"renewal hangs": func(t *testing.T) *fixture {
			f := newLeader(t)
			f.advance(duration)
			f.nextClaim()
			return f
		},
		"minion": func(t *testing.T) *fixture {
			f, _ := newMinion(t)
			return f
		},
		"minion claims": func(t *testing.T) *fixture {
			f, release := newMinion(t)
			release.answer(nil)
			f.nextClaim()
			return f
		},
		"minion rests": func(t *testing.T) *fixture {
			f, release := newMinion(t)
			release.answer(nil)
			f.nextClaim().answer(leadership.ErrClaimDenied)
			f.nextWait().answer(nil)
			f.advance(0)
			return f
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			ask := func() []leadership.Ticket {
				return []leadership.Ticket{f.tracker.ClaimLeader(), f.tracker.WaitLeader(), f.tracker.WaitMinion()}
			}
			before := ask()
			f.tracker.Kill()
			if err := f.wantStopped(); err != nil {
				t.Errorf("killed tracker stopped with error %v", err)
			}
			if err := f.clock.WaitAdvance(0, time.Second, 0); err != nil {
				t.Errorf("left a timer behind: %v", err)
			}
			// What was true before is false too: the lease may be revoked from now on.
			for _, ticket := range append(before, ask()...) {
				f.want(ticket, false)
			}
		})
	}
}

// A WaitMinion that has said that leadership is lost says so also after the stop.
func TestStopKeepsWhatWaitMinionSaid(t *testing.T) {
	f := newLeader(t)
	minion := f.tracker.WaitMinion()
	f.advance(duration)
	f.nextClaim().answer(leadership.ErrClaimDenied)
	f.want(minion, true)
	f.tracker.Kill()
	f.wantStopped()
	f.want(minion, true)
}

// The tracker itself gives nothing up when it stops.
func TestStopGivesNothingUp(t *testing.T) {
	f := newLeader(t)
	calls := len(f.claimer.Calls())
	f.tracker.Kill()
	f.wantStopped()
	if got := f.claimer.names(); len(got) != calls {
		t.Errorf("called %q when stopped", got[calls:])
	}
}

// With a ContextClaimer nothing is left behind when the tracker stops: its wait is cancelled, and has returned.
func TestContextClaimerWaitIsCancelled(t *testing.T) {
	leak := goleak.IgnoreCurrent()
	claimer := newHeldClaimer()
	f := &fixture{t: t, clock: testclock.NewClock(time.Unix(1, 0)), claimer: claimer}
	f.tracker = leadership.NewTracker(unit, heldContextClaimer{claimer}, f.clock, duration)
	f.nextClaim().answer(leadership.ErrClaimDenied)
	if wait := f.nextWait(); wait.name != "WaitLeadershipReleased" {
		t.Errorf("waited by %s", wait.name)
	}
	f.tracker.Kill()
	if err := f.wantStopped(); err != nil {
		t.Errorf("killed tracker stopped with error %v", err)
	}
	goleak.VerifyNone(t, leak)
}

// With a ContextClaimer Wait also waits for a claim under way, so that none can land when the lease has been revoked.
// Tickets are answered before.
func TestContextClaimerClaimIsWaitedFor(t *testing.T) {
	leak := goleak.IgnoreCurrent()
	claimer := newHeldClaimer()
	f := &fixture{t: t, clock: testclock.NewClock(time.Unix(1, 0)), claimer: claimer}
	f.tracker = leadership.NewTracker(unit, heldContextClaimer{claimer}, f.clock, duration)
	claim := f.nextClaim()
	ticket := f.tracker.ClaimLeader()
	f.tracker.Kill()
	f.want(ticket, false)

	var answered atomic.Bool
	early := make(chan bool, 1)
	go func() {
		_ = f.tracker.Wait()
		early <- !answered.Load()
	}()
	for range 100 { // the tracker's chance to stop too early
		f.want(f.tracker.WaitLeader(), false)
		time.Sleep(100 * time.Microsecond)
	}
	answered.Store(true)
	claim.answer(nil)
	if <-early {
		t.Error("tracker stopped while its claim was under way")
	}
	goleak.VerifyNone(t, leak)
}

// A claim that fails because everything around the tracker stops as well is no failure of a tracker that was killed.
func TestClaimThatFailsAfterKillIsNoFailure(t *testing.T) {
	for range 50 {
		claimer := newHeldClaimer()
		f := &fixture{t: t, clock: testclock.NewClock(time.Unix(1, 0)), claimer: claimer}
		f.tracker = leadership.NewTracker(unit, heldContextClaimer{claimer}, f.clock, duration)
		claim := f.nextClaim()
		f.tracker.Kill()
		claim.answer(errors.New("lease manager stopped"))
		if err := f.wantStopped(); err != nil {
			t.Fatalf("killed tracker stopped with error %v", err)
		}
	}
}

// With a plain Claimer one goroutine may stay until its call returns, and Wait does not wait for it.
func TestPlainClaimerIsNotWaitedFor(t *testing.T) {
	for _, hanging := range []string{"ClaimLeadership", "BlockUntilLeadershipReleased"} {
		t.Run(hanging, func(t *testing.T) {
			leak := goleak.IgnoreCurrent()
			claimer := newHeldClaimer()
			f := &fixture{t: t, clock: testclock.NewClock(time.Unix(1, 0)), claimer: claimer}
			f.tracker = leadership.NewTracker(unit, claimer, f.clock, duration)
			claim := f.nextClaim()
			if hanging == "BlockUntilLeadershipReleased" {
				claim.answer(leadership.ErrClaimDenied)
				f.nextWait()
			}
			f.tracker.Kill()
			if err := f.wantStopped(); err != nil {
				t.Errorf("killed tracker stopped with error %v", err)
			}
			close(claimer.closed) // the call returns, and with it goes the goroutine
			goleak.VerifyNone(t, leak)
		})
	}
}
