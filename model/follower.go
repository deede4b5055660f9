package model

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// change says what became of one key.
type change struct {
	// rest is the key without the follower's prefix.
	rest string
	// revision is the key's ModRevision.
	revision int64
	// value is nil if the key was removed.
	value []byte
}

// follower keeps somebody informed of what stands under a prefix: first of everything, then of every difference. It
// lists and watches from there; when the watch is lost, or what it missed was compacted away, it lists again and
// goes by the difference to what it has reported.
type follower struct {
	m      *Model
	prefix string
	// wanted says which keys matter; all if nil.
	wanted func(rest string) bool
	// apply is told of the changes in their order, from the goroutine of run; the first time of everything that is
	// there, and if that is nothing. Its error ends run.
	apply func(changes []change) error

	// known holds the ModRevision of each key as it was reported; nil before the first listing.
	known map[string]int64
}

// applyError marks an error that is not about the store.
type applyError struct{ error }

func (e applyError) Unwrap() error { return e.error }

// run follows until the context ends, which is no error, or following makes no sense any more.
func (f *follower) run(ctx context.Context) error {
	return f.m.persist(ctx, func() (bool, error) {
		revision, err := f.list(ctx)
		if err != nil {
			return false, err
		}
		return f.m.watch(ctx, f.prefix, revision+1, f.events)
	})
}

// list lists everything and reports the difference to what is known.
func (f *follower) list(ctx context.Context) (revision int64, err error) {
	found, revision, err := f.m.list(ctx, f.prefix, 0)
	if err != nil {
		return 0, err
	}
	var changes []change
	present := make(map[string]int64, len(found))
	for _, kv := range found {
		rest := strings.TrimPrefix(string(kv.Key), f.prefix)
		if f.wanted != nil && !f.wanted(rest) {
			continue
		}
		present[rest] = kv.ModRevision
		// Not only larger ones: a store that was restored may count from lower numbers.
		if f.known[rest] != kv.ModRevision {
			changes = append(changes, change{rest, kv.ModRevision, kv.Value})
		}
	}
	for rest := range f.known {
		if _, ok := present[rest]; !ok {
			changes = append(changes, change{rest: rest, revision: revision})
		}
	}
	first := f.known == nil
	f.known = present
	if first || len(changes) > 0 {
		if err := f.apply(changes); err != nil {
			return 0, applyError{err}
		}
	}
	return revision, nil
}

func (f *follower) events(events []*clientv3.Event) error {
	changes := make([]change, 0, len(events))
	for _, event := range events {
		rest := strings.TrimPrefix(string(event.Kv.Key), f.prefix)
		if f.wanted != nil && !f.wanted(rest) {
			continue
		}
		if event.Type == clientv3.EventTypeDelete {
			if _, ok := f.known[rest]; ok {
				delete(f.known, rest)
				changes = append(changes, change{rest: rest, revision: event.Kv.ModRevision})
			}
			continue
		}
		if f.known[rest] != event.Kv.ModRevision {
			f.known[rest] = event.Kv.ModRevision
			changes = append(changes, change{rest, event.Kv.ModRevision, event.Kv.Value})
		}
	}
	if len(changes) == 0 {
		return nil
	}
	return f.apply(changes)
}

// watch passes on the events under a prefix from a revision on, until the watch is lost. received tells whether
// there were any.
func (m *Model) watch(ctx context.Context, prefix string, revision int64, apply func([]*clientv3.Event) error) (received bool, err error) {
	// The context of this one watch ends with it, so that the client forgets the watch. A member that has lost its
	// leader must say so, not be silent.
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	for response := range m.client.Watch(ctx, prefix, clientv3.WithPrefix(), clientv3.WithRev(revision)) {
		if err := response.Err(); err != nil {
			// What was compacted away is there to be listed.
			return received || errors.Is(err, rpctypes.ErrCompacted), err
		}
		if len(response.Events) == 0 {
			continue
		}
		received = true
		if err := apply(response.Events); err != nil {
			return received, applyError{err}
		}
	}
	return received, errors.New("the watch was lost")
}

// errDone ends persist without an error.
var errDone = errors.New("done")

// persist repeats a step that is meant to last, after a pause that grows while the step gets nowhere. It ends with the
// context or errDone, without an error, or with an error that will not go away.
func (m *Model) persist(ctx context.Context, step func() (progress bool, err error)) error {
	const shortest, longest = 50 * time.Millisecond, 5 * time.Second
	wait := time.Duration(0)
	for {
		progress, err := step()
		var refused applyError
		switch {
		case ctx.Err() != nil || errors.Is(err, errDone):
			return nil
		case errors.As(err, &refused):
			return refused.error
		case permanent(err):
			return err
		case m.client.Ctx().Err() != nil:
			return fmt.Errorf("the connection to the store was closed: %w", err)
		}
		m.logger.Debug("lost sight of the model, looking again", "error", err)
		if progress {
			wait = 0
			continue
		}
		if wait > 0 {
			select {
			case <-m.clock.After(wait + rand.N(wait)):
			case <-ctx.Done():
				return nil
			}
		}
		wait = min(max(2*wait, shortest), longest)
	}
}

// permanent tells whether an error of the store is one that trying again does not mend.
func permanent(err error) bool {
	for _, final := range []error{rpctypes.ErrPermissionDenied, rpctypes.ErrAuthFailed, rpctypes.ErrUserEmpty, rpctypes.ErrAuthNotEnabled} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}
