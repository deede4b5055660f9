package leadership_test

import (
	"testing"

	"github.com/unit-agent/unit-agent/uniter/leadership"
)

// The guarantee counts from before the claim was sent.
func TestGuaranteeCountsFromBeforeTheClaim(t *testing.T) {
	f := newFixture(t)
	claim := f.nextClaim()
	f.advance(duration / 2)
	claim.answer(nil)
	f.want(f.tracker.ClaimLeader(), true)
	// Counted from the answer, it would be renewed after a whole duration.
	f.nextAfter(duration/2, "ClaimLeadership")
	f.wantOpen(f.tracker.ClaimLeader())
	f.advance(duration)
	f.want(f.tracker.ClaimLeader(), false)
}

// A claim that took longer than its lease grants nothing; the tracker claims anew.
func TestClaimThatTookLongerThanItsLeaseGrantsNothing(t *testing.T) {
	f := newFixture(t)
	claim := f.nextClaim()
	asked, minion, leader := f.tracker.ClaimLeader(), f.tracker.WaitMinion(), f.tracker.WaitLeader()
	f.clock.Advance(leased)
	claim.answer(nil)
	f.want(asked, false)
	f.want(minion, false)
	fresh := f.nextClaim()
	f.want(f.tracker.ClaimLeader(), false)
	f.wantOpen(leader)
	fresh.answer(nil)
	f.want(leader, true)
	f.want(f.tracker.ClaimLeader(), true)
}

// A first claim that hangs is waited for until its lease would be over, not for ever.
func TestFirstClaimThatHangsIsAnsweredFalse(t *testing.T) {
	f := newFixture(t)
	f.nextClaim() // hangs
	claim, leader, minion := f.tracker.ClaimLeader(), f.tracker.WaitLeader(), f.tracker.WaitMinion()
	f.advance(leased - 1)
	f.advance(0)
	f.wantOpen(claim)
	f.advance(1)
	f.want(claim, false)
	f.want(minion, false)
	f.wantOpen(leader)
}

// A renewal that took longer than its lease grants nothing either.
func TestRenewalThatTookLongerThanItsLeaseGrantsNothing(t *testing.T) {
	f := newLeader(t)
	f.advance(duration)
	renewal := f.nextClaim()
	minion := f.tracker.WaitMinion()
	f.clock.Advance(leased)
	f.want(f.tracker.ClaimLeader(), false)
	f.want(minion, true)
	renewal.answer(nil)
	fresh := f.nextClaim()
	f.want(f.tracker.ClaimLeader(), false)
	fresh.answer(nil)
	f.want(f.tracker.WaitLeader(), true)
}

// A renewal granted after the guarantee ran out, but within its own leased, begins a new term.
func TestRenewalAfterAGapBeginsANewTerm(t *testing.T) {
	f := newLeader(t)
	old, minion := f.tracker.ClaimLeader(), f.tracker.WaitMinion()
	f.advance(duration)
	renewal := f.nextClaim()
	f.clock.Advance(duration) // the guarantee is over, seen by nobody yet
	renewal.answer(nil)       // with a duration left, which is not enough: it is renewed at once
	f.nextClaim().answer(nil)
	f.want(f.tracker.WaitLeader(), true)
	f.want(minion, true)
	f.want(old, false)
	f.wantOpen(f.tracker.WaitMinion())
}

// A claim granted so late that less than a duration is left makes the unit leader, but tickets wait for the renewal,
// which is sent at once.
func TestLateClaimIsRenewedBeforeTicketsAreAnswered(t *testing.T) {
	f := newFixture(t)
	claim := f.nextClaim()
	asked, leader, minion := f.tracker.ClaimLeader(), f.tracker.WaitLeader(), f.tracker.WaitMinion()
	f.advance(duration + duration/2)
	claim.answer(nil)
	renewal := f.nextClaim()
	later := f.tracker.ClaimLeader()
	for _, ticket := range []leadership.Ticket{asked, later, leader, minion} {
		f.wantOpen(ticket)
	}
	renewal.answer(nil)
	for _, ticket := range []leadership.Ticket{asked, later, leader} {
		f.want(ticket, true)
	}
	f.wantOpen(minion)
}

// After a late claim the guarantee is what is left of it.
func TestLateClaimGuaranteesNoMoreThanIsLeft(t *testing.T) {
	f := newFixture(t)
	claim := f.nextClaim()
	asked, minion := f.tracker.ClaimLeader(), f.tracker.WaitMinion()
	f.advance(duration + duration/2)
	claim.answer(nil)
	f.nextClaim() // hangs
	f.advance(duration / 2)
	f.want(asked, false)
	f.want(minion, true)
}

// A ticket that was answered with true is judged again, by the clock, each time it is asked.
func TestTrueTicketIsJudgedAtTheMomentOfAnswering(t *testing.T) {
	f := newLeader(t)
	claim, leader := f.tracker.ClaimLeader(), f.tracker.WaitLeader()
	f.advance(duration)
	f.nextClaim() // hangs
	f.clock.Advance(duration - 1)
	f.want(claim, true)
	f.want(leader, true)
	f.clock.Advance(1)
	f.want(claim, false)
	f.want(leader, false)
}
