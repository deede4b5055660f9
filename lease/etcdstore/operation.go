package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/unit-agent/unit-agent/lease"
)

// errStopped is the answer of a store that has stopped.
var errStopped = errors.New("lease store is stopped")

// operation is one call that changes a lease or its pins.
type operation struct {
	*Store
	ctx context.Context
	key lease.Key

	// lease and pins are the keys in etcd.
	lease, pins string

	// start is the time from before anything was sent.
	start time.Time

	// doubt says that the outcome of a transaction is not known, and tried what it was made conditional on.
	doubt bool
	tried sight
}

// run performs an operation and says what its error means.
func (s *Store) run(verb string, key lease.Key, invalid error, stop <-chan struct{}, perform func(*operation) error) error {
	o := &operation{Store: s, key: key, start: s.config.Clock.Now()}
	err := o.locate(invalid)
	if err == nil {
		err = o.within(stop, perform)
	}
	switch {
	case err == nil:
		return nil
	case lease.IsInvalid(err):
		return lease.ErrInvalid
	}
	return fmt.Errorf("cannot %s lease %q: %w", verb, key.Lease, err)
}

// locate finds the keys, or an error if what was asked for is nonsense.
func (o *operation) locate(invalid error) error {
	if err := o.key.Validate(); err != nil {
		return err
	}
	if invalid != nil {
		return invalid
	}
	path := o.config.Layout.Path(o.key)
	if path == "" {
		return fmt.Errorf("no place for a lease of namespace %q and model %q", o.key.Namespace, o.key.ModelUUID)
	}
	o.lease, o.pins = o.config.Prefix+path, o.config.Prefix+path+pinsSuffix
	return nil
}

// within performs the operation until it is stopped, takes too long, or the store stops.
func (o *operation) within(stop <-chan struct{}, perform func(*operation) error) error {
	select {
	case <-stop:
		return lease.ErrAborted
	default:
	}
	if !o.inUse.enter() {
		return errStopped
	}
	defer o.inUse.leave()
	ctx, cancel := context.WithCancelCause(o.alive)
	defer cancel(nil)
	ctx, expire := context.WithTimeoutCause(ctx, o.config.OperationTimeout, lease.ErrTimeout)
	defer expire()
	if stop != nil {
		go func() {
			select {
			case <-stop:
				cancel(lease.ErrAborted)
			case <-ctx.Done():
			}
		}()
	}
	o.ctx = ctx
	err := perform(o)
	switch {
	case err == nil || lease.IsInvalid(err):
		return err
	case ctx.Err() == nil:
		if isTransient(err) {
			return fmt.Errorf("%w: %w", lease.ErrTimeout, err)
		}
		return err
	case !o.tomb.Alive():
		return errStopped
	}
	return fmt.Errorf("%w: %w", context.Cause(ctx), err)
}

// awake returns an error if the machine slept since the operation began: then nobody knows how much of the time that was granted is left, or
// whether the lease is.
func (o *operation) awake() error {
	if d := slept(o.start, o.config.Clock.Now()); d > wakeful {
		o.doubt = true
		return fmt.Errorf("%w: machine slept for %v meanwhile", lease.ErrTimeout, d)
	}
	return nil
}

// inUse counts the operations that run.
type inUse struct {
	mu     sync.Mutex
	closed bool
	count  sync.WaitGroup
}

// enter counts one more, unless the store is stopping.
func (u *inUse) enter() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.closed {
		u.count.Add(1)
	}
	return !u.closed
}

func (u *inUse) leave() { u.count.Done() }

// close lets no more in and waits for those that are.
func (u *inUse) close() {
	u.mu.Lock()
	u.closed = true
	u.mu.Unlock()
	u.count.Wait()
}
