package model

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"gopkg.in/tomb.v2"
)

// hold is a worker that keeps a key in the store for as long as it runs, bound to the session. When the session is
// lost (the machine slept, the store was away for long) it takes the key anew.
type hold struct {
	tomb tomb.Tomb
	m    *Model
	// noun is what is held, for people: "the claim on unit \"mysql/0\"".
	noun string
	key  string
	// take writes the key, bound to the lease, and returns the revision. mine is the revision at which this hold
	// wrote the key last, 0 the first time. An error that is a refusal ends the worker, any other is tried again.
	take func(ctx context.Context, lease clientv3.LeaseID, mine int64) (int64, error)

	mu       sync.Mutex
	revision int64
}

// start takes the key and starts the worker.
func (h *hold) start(ctx context.Context) error {
	current, err := h.retake(ctx)
	if err != nil {
		return err
	}
	h.tomb.Go(func() error { return h.loop(current) })
	return nil
}

// retake takes the key within the live session, which the caller has to leave.
func (h *hold) retake(ctx context.Context) (*session, error) {
	current, err := h.m.useSession(ctx)
	if err != nil {
		return nil, err
	}
	revision, err := h.take(ctx, current.lease, h.held())
	if err != nil {
		h.m.leaveSession(current)
		return nil, err
	}
	h.mu.Lock()
	h.revision = revision
	h.mu.Unlock()
	return current, nil
}

func (h *hold) loop(current *session) error {
	for {
		select {
		case <-h.tomb.Dying():
			h.release()
			h.m.leaveSession(current)
			return tomb.ErrDying
		case <-current.lost:
		}
		h.m.leaveSession(current)
		h.m.logger.Warn("the session with the store was lost: taking anew what was held", "what", h.noun)
		next, err := h.recover()
		if err != nil {
			return err
		}
		current = next
	}
}

// recover takes the key anew, for as long as it is not refused.
func (h *hold) recover() (*session, error) {
	const longest = 2 * time.Second
	ctx := h.tomb.Context(context.Background())
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, longest) {
		current, err := h.retake(ctx)
		var claimed *ClaimedError
		switch {
		case err == nil:
			return current, nil
		case ctx.Err() != nil:
			return nil, tomb.ErrDying
		case errors.As(err, &claimed) || IsNotFound(err) || permanent(err):
			return nil, fmt.Errorf("cannot take %s anew after the session with the store was lost: %w", h.noun, err)
		}
		h.m.logger.Debug("cannot take anew yet what was held", "what", h.noun, "error", err)
		select {
		case <-h.m.clock.After(wait + rand.N(wait)):
		case <-h.tomb.Dying():
			return nil, tomb.ErrDying
		}
	}
}

// release removes the key if it is still the one that this hold wrote.
func (h *hold) release() {
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	_, err := h.m.client.Txn(ctx).If(h.fence()...).Then(clientv3.OpDelete(h.key)).Commit()
	if err != nil {
		h.m.logger.Debug("cannot release what was held, it ends with the session", "what", h.noun, "error", err)
	}
}

func (h *hold) held() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.revision
}

func (h *hold) fence() []clientv3.Cmp {
	return []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(h.key), "=", h.held())}
}
