package lease

import (
	"context"
	"errors"
	"time"

	"github.com/juju/clock"
)

// loop is what a manager knows. All of it belongs to the loop goroutine, and so
// do all its methods.
type loop struct {
	m     *ManagerWorker
	store Store
	clock clock.Clock

	// autoexpire is what the store says of itself.
	autoexpire bool

	// vacancies is nil if the store does not tell of them.
	vacancies <-chan []Key

	// lanes has the leases that an operation is running for, and for each the
	// operations that wait for their turn.
	lanes map[Key][]*operation

	// deadlines says when to look at which lease again.
	deadlines deadlines

	// expiring counts the expiries that are running.
	expiring int

	// waiters has those who wait for a lease to be free. No list is empty.
	waiters map[Key][]*waiter

	// refreshing are the answers due when the present refresh ends,
	// refreshNext those that asked too late for it.
	refreshing, refreshNext []chan<- error

	// alarm wakes the loop at the time armed, which is zero if no alarm is set.
	alarm clock.Alarm
	armed time.Time

	// nextSweep is when to look through all leases for those that others
	// claimed; zero if the store expires its leases itself.
	nextSweep time.Time

	// sweeping says that a sweep is going on, sweepAgain that it began too early
	// to see all that it should.
	sweeping, sweepAgain bool
}

func newLoop(m *ManagerWorker, ctx context.Context) *loop {
	l := &loop{
		m:          m,
		store:      m.config.Store,
		clock:      m.config.Clock,
		autoexpire: m.config.Store.Autoexpire(),
		lanes:      make(map[Key][]*operation),
		deadlines:  newDeadlines(),
		waiters:    make(map[Key][]*waiter),
	}
	if notifying, ok := m.config.Store.(NotifyingStore); ok {
		l.vacancies = notifying.Vacancies(ctx)
	}
	return l
}

// run serves until the manager is dying or cannot go on.
func (l *loop) run() error {
	if !l.autoexpire {
		l.sweep()
	}
	for {
		l.arm()
		select {
		case <-l.m.dying():
			return l.m.catacomb.ErrDying()
		case e := <-l.m.inbox:
			// What is due by now comes first: who claims a lease whose time is
			// over must not be told that it is held.
			l.runDue()
			if err := e.on(l); err != nil {
				return l.end(err)
			}
		case keys, ok := <-l.vacancies:
			if !ok {
				return l.end(errors.New("lease store does not tell of vacancies any more"))
			}
			l.vacated(keys)
		case <-l.ringing():
			l.armed = time.Time{}
			l.runDue()
		}
	}
}

// end returns what the loop ends with when it cannot go on. What goes wrong
// while the manager is stopping is no failure of it.
func (l *loop) end(err error) error {
	if l.m.isDying() {
		return l.m.catacomb.ErrDying()
	}
	return err
}

// arm sets the alarm to the next thing to do. It leaves an alarm that will ring
// too early: renewals put deadlines off all the time, and to be woken once for
// nothing is cheaper than to set the alarm anew for each.
func (l *loop) arm() {
	next := l.nextDue()
	if next.IsZero() || !l.armed.IsZero() && !next.Before(l.armed) {
		return
	}
	if l.alarm == nil {
		l.alarm = l.clock.NewAlarm(next)
	} else {
		if !l.alarm.Stop() {
			select {
			case <-l.alarm.Chan():
			default:
			}
		}
		l.alarm.Reset(next)
	}
	l.armed = next
}

// nextDue returns when the loop must wake, or zero if it need not.
func (l *loop) nextDue() time.Time {
	next := l.nextSweep
	if l.expiring >= maxExpiring {
		// What is due waits for an expiry to end, not for the clock.
		return next
	}
	if first := l.deadlines.first(); first != nil && (next.IsZero() || first.at.Before(next)) {
		next = first.at
	}
	return next
}

// ringing returns the channel of the alarm, or nil if there is none.
func (l *loop) ringing() <-chan time.Time {
	if l.alarm == nil {
		return nil
	}
	return l.alarm.Chan()
}
