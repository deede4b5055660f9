package lease

import (
	"errors"
	"fmt"
	"time"
)

// operation is something to be done to one lease in the store.
type operation struct {
	kind     kind
	key      Key
	who      string // the holder; of a pin, the entity
	duration time.Duration
	started  time.Time

	// answer has room for one error, so that nobody waits for the caller.
	answer chan error

	// extend says that the holder has the lease already. The loop sets it, and
	// after a first try the goroutine that performs the operation does.
	extend bool

	// err is what came of it, broken that it is of the kind that the manager
	// cannot go on after.
	err    error
	broken bool
}

type kind int

const (
	claim kind = iota
	revoke
	pin
	unpin
)

func (k kind) String() string {
	return [...]string{"claim", "revoke", "pin", "unpin"}[k]
}

// The tries of an operation that the store did not take, for now. Five of them
// take 750 ms, a small part of the shortest lease.
const (
	maxTries   = 5
	firstDelay = 50 * time.Millisecond
)

// answers are the outcomes that are for the caller alone to know.
var answers = []error{nil, ErrClaimDenied, ErrNotHeld, errors.ErrUnsupported}

// perform does the operation, trying again where that may help. It runs in a
// goroutine of its own.
func (m *ManagerWorker) perform(op *operation) {
	delay := firstDelay
	for try := 1; ; try++ {
		op.err = m.attempt(op, try)
		if !IsInvalid(op.err) && !IsTimeout(op.err) {
			break
		}
		if try == maxTries {
			op.err = ErrTimeout
			return
		}
		m.metrics.retries.Inc()
		if !m.sleep(delay) {
			op.err = m.stopped()
			return
		}
		delay *= 2
	}
	for _, answer := range answers {
		if errors.Is(op.err, answer) {
			return
		}
	}
	if m.isDying() {
		// ErrAborted, or whatever else a store says to its stop channel.
		op.err = m.stopped()
		return
	}
	op.err, op.broken = fmt.Errorf("cannot %v lease %q: %w", op.kind, op.key.Lease, op.err), true
}

// attempt calls the store once.
func (m *ManagerWorker) attempt(op *operation, try int) error {
	store, stop := m.config.Store, m.dying()
	switch op.kind {
	case claim:
		return m.attemptClaim(op, try)
	case revoke:
		return m.attemptRevoke(op)
	case pin:
		return store.PinLease(op.key, op.who, stop)
	case unpin:
		return store.UnpinLease(op.key, op.who, stop)
	}
	panic(fmt.Sprintf("lease manager: %v is not performed", op.kind))
}

// attemptClaim claims or extends. The loop has looked at the lease before the
// first try; a later one looks again, because what the store said of the one
// before means that the lease may have changed.
func (m *ManagerWorker) attemptClaim(op *operation, try int) error {
	if try > 1 {
		info, held := m.lookup(op.key)
		if held && info.Holder != op.who {
			return ErrClaimDenied
		}
		op.extend = held
	}
	request := Request{Holder: op.who, Duration: op.duration}
	if op.extend {
		return m.config.Store.ExtendLease(op.key, request, m.dying())
	}
	return m.config.Store.ClaimLease(op.key, request, m.dying())
}

// attemptRevoke gives the lease up. What the store shows may be old, so it is
// refreshed before anybody is told that the lease is not his.
func (m *ManagerWorker) attemptRevoke(op *operation) error {
	if info, held := m.lookup(op.key); !held || info.Holder != op.who {
		if err := m.config.Store.Refresh(); err != nil {
			return err
		}
		if info, held := m.lookup(op.key); !held || info.Holder != op.who {
			return ErrNotHeld
		}
	}
	return m.config.Store.(RevokingStore).RevokeLease(op.key, op.who, m.dying())
}

// sleep lets d pass, and returns false if the manager began to stop meanwhile.
func (m *ManagerWorker) sleep(d time.Duration) bool {
	timer := m.config.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
		return true
	case <-m.dying():
		return false
	}
}

// isDying tells whether the manager is to stop.
func (m *ManagerWorker) isDying() bool {
	select {
	case <-m.dying():
		return true
	default:
		return false
	}
}
