package lease

import "time"

// The operations of one lease run one after the other, in the order in which
// they were asked for; those of different leases know nothing of each other.

// on puts an operation that somebody asked for into its lease's lane.
func (op *operation) on(l *loop) error {
	if queue, busy := l.lanes[op.key]; busy {
		l.lanes[op.key] = append(queue, op)
		return nil
	}
	l.advance(op.key, []*operation{op})
	return nil
}

// advance starts the first operation of the queue that needs the store, and
// answers those before it that do not. No operation of key may be running.
func (l *loop) advance(key Key, queue []*operation) {
	for len(queue) > 0 {
		op := queue[0]
		queue = queue[1:]
		if l.denied(op) {
			op.err = ErrClaimDenied
			l.answer(op)
			continue
		}
		l.lanes[key] = queue
		l.start(func() {
			l.m.perform(op)
			_ = l.m.report((*outcome)(op)) // if the manager is stopping, nobody needs it
		})
		return
	}
	delete(l.lanes, key)
}

// denied tells whether the operation is a claim of a lease that another holds.
func (l *loop) denied(op *operation) bool {
	if op.kind != claim {
		return false
	}
	info, held := l.m.lookup(op.key)
	op.extend = held
	if !held || info.Holder == op.who {
		return false
	}
	if _, known := l.deadlines.byKey[op.key]; !known && !l.autoexpire {
		l.held(op.key, info) // claimed by others, for this manager to expire too
	}
	return true
}

// outcome is an operation that has been performed.
type outcome operation

// on takes note of what an operation did to its lease, then answers it: who has
// an answer can count on the loop knowing as much.
func (o *outcome) on(l *loop) error {
	op := (*operation)(o)
	switch {
	case op.err != nil:
		l.observe(op.key)
	case op.kind == claim:
		// At least so long; what the store made of it is seen when it is due.
		l.held(op.key, Info{Holder: op.who, Expiry: op.started.Add(op.duration)})
	case op.kind == revoke:
		l.wake(op.key)
		l.observe(op.key)
	case op.kind == unpin:
		// An expiry that was put off because of the pin is due again.
		l.deadlines.forgive(op.key)
		l.observe(op.key)
	case op.kind == pin:
		l.observe(op.key)
	}
	l.answer(op)
	if op.broken {
		return op.err
	}
	l.advance(op.key, l.lanes[op.key])
	return nil
}

// answer tells the caller of an operation what came of it.
func (l *loop) answer(op *operation) {
	if op.kind == claim {
		l.m.metrics.claimed(op.err, op.extend, l.clock.Now().Sub(op.started))
	}
	op.answer <- op.err
}

// newOperation returns an operation that a caller waits for.
func (m *ManagerWorker) newOperation(kind kind, key Key, who string, duration time.Duration) *operation {
	return &operation{
		kind:     kind,
		key:      key,
		who:      who,
		duration: duration,
		started:  m.config.Clock.Now(),
		answer:   make(chan error, 1),
	}
}

// do has the operation done, and returns what came of it.
func (m *ManagerWorker) do(op *operation) error {
	return m.ask(op, op.answer)
}
