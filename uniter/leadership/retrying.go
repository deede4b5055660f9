package leadership

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/juju/clock"
)

// maxRetryDelay keeps the time short between a store's coming back and its being noticed.
const maxRetryDelay = time.Second

// NewRetryingClaimer returns a claimer that rides over a store which is briefly away: a claim with an unknown outcome
// is made again, with a growing delay, while a guarantee that the claimer gave the same unit before still holds. When
// that is over the claim fails with an error that wraps the last one. So a first claim, and one of a unit that does
// not lead, fails at once. A call that hangs in the store is not cut short.
//
// The result is a ContextClaimer if, and only if, the claimer given is one.
func NewRetryingClaimer(claimer Claimer, clock clock.Clock) Claimer {
	r := &retryingClaimer{Claimer: claimer, watch: newWatch(clock), given: make(map[claimant]guarantee)}
	if c, ok := claimer.(ContextClaimer); ok {
		return retryingContextClaimer{r, c}
	}
	return r
}

type claimant struct {
	application, unit string
}

// guarantee is what a granted claim gave.
type guarantee struct {
	sent     instant
	duration time.Duration
}

func (g guarantee) left(now instant) time.Duration { return g.duration - elapsed(g.sent, now) }

type retryingClaimer struct {
	Claimer // its wait is handed on
	watch   watch

	mu    sync.Mutex
	given map[claimant]guarantee // the last claim that was granted and not denied since
}

type retryingContextClaimer struct {
	*retryingClaimer
	waiter ContextClaimer
}

// WaitLeadershipReleased is part of the ContextClaimer interface.
func (r retryingContextClaimer) WaitLeadershipReleased(ctx context.Context, applicationId string) error {
	return r.waiter.WaitLeadershipReleased(ctx, applicationId)
}

// ClaimLeadership is part of the Claimer interface.
func (r *retryingClaimer) ClaimLeadership(applicationId, unitId string, duration time.Duration) error {
	return r.ClaimLeadershipContext(context.Background(), applicationId, unitId, duration)
}

// ClaimLeadershipContext is ClaimLeadership that tries no more when ctx is done.
func (r *retryingClaimer) ClaimLeadershipContext(
	ctx context.Context, applicationId, unitId string, duration time.Duration,
) error {
	who := claimant{application: applicationId, unit: unitId}
	delay := backoff{most: maxRetryDelay}
	for {
		sent := r.watch.look()
		err := r.Claimer.ClaimLeadership(applicationId, unitId, duration)
		if err == nil {
			r.give(who, guarantee{sent: sent, duration: duration})
			return nil
		}
		if errors.Is(err, ErrClaimDenied) {
			r.take(who)
			return err
		}
		left := r.left(who)
		if left <= 0 {
			return err
		}
		pause := min(delay.grow(), left)
		slog.Warn("leadership claim not answered", "unit", unitId, "retry-in", pause, "guaranteed-for", left, "error", err)
		if !r.sleep(ctx, pause) {
			return fmt.Errorf("%w: %w", err, ctx.Err())
		}
		if r.left(who) <= 0 {
			return fmt.Errorf("guarantee ended with no answer to the claim of %q: %w", unitId, err)
		}
	}
}

// sleep returns false if ctx is done.
func (r *retryingClaimer) sleep(ctx context.Context, d time.Duration) bool {
	timer := r.watch.clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

func (r *retryingClaimer) give(who claimant, g guarantee) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.given[who] = g
}

func (r *retryingClaimer) take(who claimant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.given, who)
}

// left is how much longer the guarantee holds that was given, 0 or less if there is none.
func (r *retryingClaimer) left(who claimant) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	g, ok := r.given[who]
	if !ok {
		return 0
	}
	return g.left(r.watch.look())
}
