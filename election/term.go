package election

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// term is the time for which a candidate leads.
type term struct {
	*candidate

	// revision is when the key was seen to be there.
	revision int64

	// ttl is what the server grants the session's etcd lease.
	ttl time.Duration

	// deadline is until when the lease is known to live, less a margin: *time.Time with both clocks.
	deadline atomic.Pointer[time.Time]
}

// begin renews the session's etcd lease, so that there is a deadline to go by.
func (c *candidate) begin(ctx context.Context) (*term, error) {
	t := &term{candidate: c}
	err := insist(ctx, func(ctx context.Context) error { return t.renew(ctx) })
	if isGone(err) {
		return nil, fmt.Errorf("%w: session has expired", ErrLost)
	}
	return t, err
}

// renew lets the lease count anew. The time goes from before the request.
func (t *term) renew(ctx context.Context) error {
	before := time.Now()
	response, err := t.client.KeepAliveOnce(ctx, t.session.Lease())
	if err != nil {
		return err
	}
	t.ttl = time.Duration(response.TTL) * time.Second
	deadline := before.Add(t.ttl - t.ttl/10)
	t.deadline.Store(&deadline)
	return nil
}

func isGone(err error) bool { return errors.Is(err, rpctypes.ErrLeaseNotFound) }

// over tells whether the deadline has passed, by either clock: the monotonic one may stand still while the machine sleeps.
func (t *term) over() bool {
	now, deadline := time.Now(), *t.deadline.Load()
	return !now.Before(deadline) || !now.Round(0).Before(deadline.Round(0))
}

// serve runs the op, with a context that ends when the leadership does.
func (t *term) serve(ctx context.Context, op Op) error {
	ctx, end := context.WithCancelCause(ctx)
	lose := func(why string) { end(fmt.Errorf("%w: %s", ErrLost, why)) }
	var guards sync.WaitGroup
	// Also if the op panics: the guards end before the key is removed, which they would take for a loss.
	defer guards.Wait()
	defer end(nil)
	ttl := t.ttl
	guards.Go(func() { t.watchClock(ctx, ttl, lose) })
	guards.Go(func() { t.keepRenewing(ctx, ttl, lose) })
	guards.Go(func() { t.watchKey(ctx, lose) })
	err := op(ctx)
	if why := context.Cause(ctx); errors.Is(why, ErrLost) {
		if err != nil {
			return fmt.Errorf("%w: %w", why, err)
		}
		return why
	}
	return err
}

// watchClock ends the term when the deadline has passed.
func (t *term) watchClock(ctx context.Context, ttl time.Duration, lose func(why string)) {
	// Timers stand still while a machine sleeps, so a long one would not do.
	tick := time.NewTicker(min(ttl/50, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if t.over() {
				lose("session was not renewed in time")
				return
			}
		}
	}
}

// keepRenewing moves the deadline, and looks whether the key is there, in case that the watch of it is stuck.
func (t *term) keepRenewing(ctx context.Context, ttl time.Duration, lose func(why string)) {
	tryTime := max(ttl/6, 200*time.Millisecond)
	for pause(ctx, ttl/3) {
		err := insistFor(ctx, tryTime, t.renew)
		if isGone(err) {
			lose("session has expired")
			return
		}
		if err == nil && t.isKeyGone(ctx) {
			lose("key is gone")
			return
		}
	}
}

// watchKey ends the term when the key is removed.
func (t *term) watchKey(ctx context.Context, lose func(why string)) {
	for revision := t.revision; ; {
		await(ctx, t.client, revision, []string{t.key()})
		if ctx.Err() != nil {
			return
		}
		now, err := t.look(ctx)
		switch {
		case err != nil:
			pause(ctx, lookAgain) // the deadline tells
		case !now.standing:
			lose("key is gone")
			return
		default:
			revision = now.revision
		}
	}
}

func (t *term) isKeyGone(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), tryTime)
	defer cancel()
	response, err := t.client.Get(ctx, t.key(), clientv3.WithKeysOnly())
	return err == nil && (len(response.Kvs) == 0 || response.Kvs[0].CreateRevision != t.rev)
}
