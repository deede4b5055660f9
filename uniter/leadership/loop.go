package leadership

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// phase is what the loop is at. In claiming and waiting a call is under way; there is never more than one.
type phase string

const (
	claiming phase = "claiming" // a claim is under way
	leading  phase = "leading"  // until the claim is due for renewal
	waiting  phase = "waiting"  // a wait for release is under way
	resting  phase = "resting"  // until a delay is over
)

// maxDelay bounds the delays between attempts that fail at once.
const maxDelay = 5 * time.Second

// loop is the state of the tracker's one goroutine. Nothing else touches it.
type loop struct {
	*TrackerWorker
	call      func(func(context.Context))
	claimed   chan error // the answer to the claim under way; never blocks its sender
	released  chan error // the answer to the wait under way; likewise
	alarm     alarm
	phase     phase
	answered  bool    // some claim was answered, or took longer than its lease
	sent      instant // when the last claim was sent
	term      *term   // nil if the unit does not lead
	granted   instant // when the claim was sent that granted the term last
	waitSince instant

	// In resting, what began at restSince goes on for rest, and then comes next.
	restSince instant
	rest      time.Duration
	next      func()

	// vain grows with each claim that is denied though a release was announced, failing with each wait that
	// fails.
	vain, failing backoff
	wasReleased   bool // the claim under way follows a release
}

func newLoop(t *TrackerWorker) *loop {
	most := min(maxDelay, t.duration)
	return &loop{
		TrackerWorker: t,
		call:          t.caller(),
		claimed:       make(chan error, 1),
		released:      make(chan error, 1),
		alarm:         alarm{watch: t.watch},
		vain:          backoff{most: most},
		failing:       backoff{most: most},
	}
}

// run returns nil when the tracker is killed, or the error of a claim that was neither granted nor denied.
func (l *loop) run() error {
	defer l.alarm.stop()
	l.claim()
	for {
		l.setAlarm()
		handle := l.await()
		if !l.tomb.Alive() {
			return nil // an answer that came now may be due to the kill
		}
		if err := handle(l.watch.look()); err != nil {
			return err
		}
		l.review(l.watch.look())
	}
}

// await returns what to do about what happened next.
func (l *loop) await() (handle func(now instant) error) {
	nothing := func(instant) error { return nil }
	select {
	case <-l.tomb.Dying():
		return nothing
	case err := <-l.claimed:
		return func(now instant) error { return l.onClaimed(err, now) }
	case err := <-l.released:
		return func(now instant) error { l.onReleased(err, now); return nil }
	case <-l.alarm.ring():
		l.alarm.rang()
		return nothing
	case <-l.woken:
		return nothing
	}
}

// review does what is due by the clock, whatever it was that woke the loop.
func (l *loop) review(now instant) {
	if l.term != nil && !l.term.holds(now) {
		l.demote()
	}
	switch l.phase {
	case leading:
		if l.term == nil || elapsed(l.granted, now) >= l.duration {
			l.claim()
		}
	case claiming:
		if !l.answered && elapsed(l.sent, now) >= 2*l.duration {
			l.demote()
		}
	case resting:
		if elapsed(l.restSince, now) >= l.rest {
			l.next()
		}
	}
}

// setAlarm has the loop woken for the next thing that review would do.
func (l *loop) setAlarm() {
	switch {
	case l.phase == leading:
		l.alarm.set(l.granted, l.duration)
	case l.phase == claiming && l.term != nil:
		l.alarm.set(l.granted, 2*l.duration)
	case l.phase == claiming && !l.answered:
		l.alarm.set(l.sent, 2*l.duration)
	case l.phase == resting:
		l.alarm.set(l.restSince, l.rest)
	default:
		l.alarm.stop()
	}
}

// onClaimed returns the error that the loop ends with, if any.
func (l *loop) onClaimed(err error, now instant) error {
	switch {
	case err == nil && elapsed(l.sent, now) < 2*l.duration:
		l.promote(now)
	case err == nil:
		// Granted, but over before the answer came.
		l.demote()
		l.claim()
	case errors.Is(err, ErrClaimDenied):
		if l.wasReleased {
			l.vain.grow()
		}
		l.demote()
		l.wait()
	default:
		return err
	}
	return nil
}

func (l *loop) promote(now instant) {
	if l.term != nil && !l.term.holds(now) {
		l.demote()
	}
	l.term = l.lead(l.term, l.sent, now)
	l.phase, l.granted, l.answered = leading, l.sent, true
	l.vain.reset()
	l.failing.reset()
}

func (l *loop) demote() {
	l.follow(l.term)
	l.term = nil
	l.answered = true
}

// onReleased claims after a release: at once, unless a claim was denied after the release before and this one came
// sooner than the delay that is due then. A pinned lease that is said to be free, or a store that lags, makes that
// happen over and over.
func (l *loop) onReleased(err error, now instant) {
	if err != nil {
		l.onWaitFailed(err, now)
		return
	}
	l.failing.reset()
	early := l.vain.delay - elapsed(l.waitSince, now)
	if early > 0 {
		l.pause(now, early, l.claimReleased)
		return
	}
	l.vain.reset()
	l.claimReleased()
}

func (l *loop) onWaitFailed(err error, now instant) {
	if elapsed(l.waitSince, now) > l.failing.most {
		l.failing.reset()
	}
	delay := l.failing.grow()
	slog.Warn("cannot wait for release of leadership", "unit", l.unit, "retry-in", delay, "error", err)
	next := l.wait
	if l.failing.full() {
		// A wait that goes on failing may be broken for good, and leadership be free all the same.
		next = l.claim
	}
	l.pause(now, delay, next)
}

func (l *loop) pause(now instant, delay time.Duration, next func()) {
	l.phase, l.restSince, l.rest, l.next = resting, now, delay, next
}

func (l *loop) claimReleased() {
	l.claim()
	l.wasReleased = true
}

// claim sends a claim. It looks at the clocks before: what is granted counts from there.
func (l *loop) claim() {
	l.phase, l.wasReleased, l.sent = claiming, false, l.watch.look()
	l.call(func(ctx context.Context) { l.claimed <- l.sendClaim(ctx) })
}

func (l *loop) wait() {
	l.phase, l.waitSince = waiting, l.watch.look()
	l.call(func(ctx context.Context) { l.released <- l.sendWait(ctx) })
}
