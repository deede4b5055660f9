package lease

// waiter is somebody who waits for a lease to be free.
type waiter struct {
	key Key

	// done is closed when nobody holds the lease.
	done chan struct{}

	// index is the place among the waiters of the key, negative if it is not
	// among them. It belongs to the loop.
	index int
}

// on answers at once if nobody holds the lease, and remembers the waiter if
// somebody does. No vacancy can come between, because the loop hears of those
// after this.
func (w *waiter) on(l *loop) error {
	info, held := l.m.lookup(w.key)
	if !held {
		w.index = -1
		close(w.done)
		return nil
	}
	w.index = len(l.waiters[w.key])
	l.waiters[w.key] = append(l.waiters[w.key], w)
	l.m.metrics.waiters.Inc()
	l.held(w.key, info)
	return nil
}

// wake ends the wait of all who wait for the lease.
func (l *loop) wake(key Key) {
	for _, w := range l.waiters[key] {
		w.index = -1
		close(w.done)
		l.m.metrics.waiters.Dec()
	}
	delete(l.waiters, key)
}

// vacated follows up what the store tells. The lease may have a new holder by
// now, who perhaps was there before the wait began; then nobody is woken.
func (l *loop) vacated(keys []Key) {
	for _, key := range keys {
		_, waited := l.waiters[key]
		_, known := l.deadlines.byKey[key]
		if waited || known {
			l.observe(key)
		}
	}
}

// cancelled is a waiter who gave up.
type cancelled struct{ *waiter }

func (c cancelled) on(l *loop) error {
	w := c.waiter
	if w.index < 0 {
		return nil
	}
	others := l.waiters[w.key]
	last := others[len(others)-1]
	others[w.index], last.index = last, w.index
	others[len(others)-1] = nil
	w.index = -1
	if others = others[:len(others)-1]; len(others) > 0 {
		l.waiters[w.key] = others
	} else {
		delete(l.waiters, w.key)
	}
	l.m.metrics.waiters.Dec()
	return nil
}

// wait returns nil when nobody holds the lease.
func (m *ManagerWorker) wait(key Key, cancel <-chan struct{}) error {
	w := &waiter{key: key, done: make(chan struct{})}
	if err := m.send(w); err != nil {
		return err
	}
	var err error
	select {
	case <-w.done:
		return nil
	case <-m.dying():
		err = m.stopped()
	case <-cancel:
		err = ErrWaitCancelled
		_ = m.send(cancelled{w}) // a manager that is stopping has forgotten it anyway
	}
	select {
	case <-w.done:
		return nil
	default:
		return err
	}
}
