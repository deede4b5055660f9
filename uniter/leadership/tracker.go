package leadership

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/juju/clock"
	"github.com/juju/names/v4"
	"gopkg.in/tomb.v2"
)

var _ Tracker = (*TrackerWorker)(nil)

// TrackerWorker is a Tracker with a loop of its own, which claims and renews until it is killed or a claim fails.
type TrackerWorker struct {
	tomb        tomb.Tomb
	claimer     Claimer
	watch       watch
	unit        string
	application string
	duration    time.Duration

	// standing is replaced by the loop only, always before the verdicts of the one before are decided: whoever
	// holds an open verdict of an old standing sees it decided by what happened after he asked.
	standing atomic.Pointer[standing]
	woken    chan struct{} // holds one wake-up call for the loop
}

// NewTracker returns a worker that claims leadership of the unit's application for the unit. Each claim is for twice
// the duration, so that a ticket can guarantee the duration while the next claim is under way. A claim that is denied
// is made again when the leadership is released.
//
// A claim that fails otherwise stops the worker: Wait then returns an error that starts with "leadership failure:"
// and wraps the cause. So do a tag that names no unit and a duration that is not positive. Killing the worker makes
// Wait return nil. The worker gives nothing up when it stops: the lease runs on to its end unless someone revokes it.
//
// The claimer's methods are called from goroutines of their own, never two at a time, so one that hangs holds up no
// ticket. With a ContextClaimer, Wait returns after the last such call has: nothing is left behind, and no claim can
// land after it. With a plain Claimer one goroutine may stay until its call returns, and Wait does not wait for it.
func NewTracker(tag names.UnitTag, claimer Claimer, clock clock.Clock, duration time.Duration) *TrackerWorker {
	return newTracker(tag, claimer, newWatch(clock), duration)
}

func newTracker(tag names.UnitTag, claimer Claimer, watch watch, duration time.Duration) *TrackerWorker {
	t := &TrackerWorker{
		claimer:  claimer,
		watch:    watch,
		unit:     tag.Id(),
		duration: duration,
		woken:    make(chan struct{}, 1),
	}
	t.standing.Store(undetermined())
	application, err := names.UnitApplication(t.unit)
	t.application = application
	if err == nil {
		err = t.validate()
	}
	t.tomb.Go(func() error {
		defer t.resign()
		if err == nil {
			err = newLoop(t).run()
		}
		if err != nil {
			return fmt.Errorf("leadership failure: %w", err)
		}
		return nil
	})
	return t
}

func (t *TrackerWorker) validate() error {
	if t.claimer == nil {
		return errors.New("nil Claimer not valid")
	}
	if t.watch.clock == nil {
		return errors.New("nil Clock not valid")
	}
	if t.duration <= 0 {
		return fmt.Errorf("duration %s not valid: must be positive", t.duration)
	}
	return nil
}

// Kill is part of the worker.Worker interface.
func (t *TrackerWorker) Kill() { t.tomb.Kill(nil) }

// Wait is part of the worker.Worker interface. See NewTracker for the errors.
func (t *TrackerWorker) Wait() error { return t.tomb.Wait() }

// Dead is closed when Wait would return at once.
func (t *TrackerWorker) Dead() <-chan struct{} { return t.tomb.Dead() }

// ApplicationName is part of the Tracker interface.
func (t *TrackerWorker) ApplicationName() string { return t.application }

// ClaimDuration is part of the Tracker interface.
func (t *TrackerWorker) ClaimDuration() time.Duration { return t.duration }

// ClaimLeader is part of the Tracker interface.
func (t *TrackerWorker) ClaimLeader() Ticket {
	s, leads := t.ask()
	if leads {
		return s.term.won
	}
	return s.claim
}

// WaitLeader is part of the Tracker interface.
func (t *TrackerWorker) WaitLeader() Ticket {
	s, leads := t.ask()
	if leads {
		return s.term.won
	}
	return s.leader
}

// WaitMinion is part of the Tracker interface.
func (t *TrackerWorker) WaitMinion() Ticket {
	s := t.standing.Load()
	if s.term != nil && !s.term.holds(t.watch.glance()) {
		return refused
	}
	return s.minion
}

// ask tells whether the unit leads for a whole duration more, and what to answer otherwise. It looks at the clock
// before the standing: so a verdict of that standing which is open was decided, when it will be, after the question.
func (t *TrackerWorker) ask() (s *standing, leads bool) {
	if s := t.standing.Load(); s.term == nil {
		return s, false
	}
	now := t.watch.glance()
	s = t.standing.Load()
	if s.term == nil {
		return s, false
	}
	if s.term.full(now) {
		return s, true
	}
	t.wake()
	return s, false
}

// wake has the loop look at the clocks: after a suspend an asker may know before the loop does that a claim is due.
func (t *TrackerWorker) wake() {
	select {
	case t.woken <- struct{}{}:
	default:
	}
}
