package leadership

import (
	"context"
	"time"
)

// interruptibleClaimer is a Claimer whose claim may be cut short when its tracker stops.
type interruptibleClaimer interface {
	ClaimLeadershipContext(ctx context.Context, applicationId, unitId string, duration time.Duration) error
}

// caller returns how the claimer's methods are called: in a goroutine, with a context that is done when the tracker
// stops. Where the claimer lets go then, the goroutine belongs to the tracker, which does not end before it.
func (t *TrackerWorker) caller() func(func(context.Context)) {
	ctx := t.tomb.Context(context.Background())
	if _, ok := t.claimer.(ContextClaimer); !ok {
		return func(f func(context.Context)) { go f(ctx) }
	}
	return func(f func(context.Context)) {
		t.tomb.Go(func() error {
			f(ctx)
			return nil
		})
	}
}

// sendClaim uses nothing that the loop writes to, as sendWait.
func (t *TrackerWorker) sendClaim(ctx context.Context) error {
	if c, ok := t.claimer.(interruptibleClaimer); ok {
		return c.ClaimLeadershipContext(ctx, t.application, t.unit, 2*t.duration)
	}
	return t.claimer.ClaimLeadership(t.application, t.unit, 2*t.duration)
}

func (t *TrackerWorker) sendWait(ctx context.Context) error {
	if c, ok := t.claimer.(ContextClaimer); ok {
		return c.WaitLeadershipReleased(ctx, t.application)
	}
	return t.claimer.BlockUntilLeadershipReleased(t.application)
}
