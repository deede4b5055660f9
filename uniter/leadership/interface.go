package leadership

import (
	"context"
	"errors"
	"time"
)

// ErrClaimDenied is what a Claimer answers when another unit holds the leadership that was claimed.
var ErrClaimDenied = errors.New("leadership claim denied")

// Claimer claims leadership and waits for it to become free.
type Claimer interface {

	// ClaimLeadership claims the leadership of the application for the unit, or extends it. After nil the unit
	// leads for at least the duration, counted from the start of the call. After ErrClaimDenied, wrapped or not,
	// the unit does not lead. After any other error nothing is known.
	ClaimLeadership(applicationId, unitId string, duration time.Duration) error

	// BlockUntilLeadershipReleased returns nil once nobody leads the application. It fails, without telling
	// anything about leadership, when whatever answers it stops.
	BlockUntilLeadershipReleased(applicationId string) (err error)
}

// ContextClaimer is a Claimer whose wait can be cancelled. A tracker that has one leaves nothing behind when it
// stops.
type ContextClaimer interface {
	Claimer

	// WaitLeadershipReleased is BlockUntilLeadershipReleased that returns soon after ctx is done, then with an
	// error that wraps the context's.
	WaitLeadershipReleased(ctx context.Context, applicationId string) error
}

// Checker hands out tokens by which leadership can be checked.
type Checker interface {

	// LeadershipCheck returns a token for the unit's leadership of the application. To have the token says
	// nothing yet; its Check does.
	LeadershipCheck(applicationName, unitName string) Token
}

// Token stands for the statement that some unit leads its application, be it true or not.
type Token interface {

	// Check returns nil if the statement is true, and an error if it is not or if that could not be found out. A
	// non-nil argument is a pointer of a type that the implementation knows, into which it copies the conditions under
	// which the statement stays true, for use in the caller's own transaction.
	Check(any) error
}

// Tracker follows one unit's leadership of its application. Its methods never block; the tickets do.
type Tracker interface {

	// ApplicationName names the application whose leadership is claimed.
	ApplicationName() string

	// ClaimDuration is how long the leadership lasts, at least, that a ticket answered with true.
	ClaimDuration() time.Duration

	// ClaimLeader asks whether the unit leads for at least the tracker's duration from now.
	ClaimLeader() Ticket

	// WaitLeader asks to be told once the unit leads.
	WaitLeader() Ticket

	// WaitMinion asks to be told once the unit's leadership can no longer be guaranteed. The answer is false, at
	// once, if the unit does not lead to begin with.
	WaitMinion() Ticket
}

// Ticket is a question put to a Tracker. Its methods may be called any number of times, from any goroutine. Two
// tickets that ask for the same thing may be equal.
type Ticket interface {

	// Wait blocks until there is an answer, and returns it. A ticket of ClaimLeader or WaitLeader that was answered
	// with true says true as long as the leadership lasts without a gap, and false, for good, from then on: the clock
	// is looked at in each call. A ticket that was answered with false, and one of WaitMinion, keeps its answer.
	Wait() bool

	// Ready returns a channel that is closed when Wait has an answer and no longer blocks.
	Ready() <-chan struct{}
}
