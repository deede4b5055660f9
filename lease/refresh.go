package lease

import "fmt"

// refresh brings what the store shows up to date, with everything that happened
// before the call. Callers at the same time share one call of the store's.
func (m *ManagerWorker) refresh() error {
	answer := make(chan error, 1)
	return m.ask(refreshRequest{answer}, answer)
}

type refreshRequest struct{ answer chan<- error }

// on starts a refresh; one that is running began too early for this caller.
func (r refreshRequest) on(l *loop) error {
	l.refreshNext = append(l.refreshNext, r.answer)
	if len(l.refreshing) == 0 {
		l.startRefresh()
	}
	return nil
}

func (l *loop) startRefresh() {
	l.refreshing, l.refreshNext = l.refreshNext, nil
	l.start(func() {
		_ = l.m.report(refreshed{l.store.Refresh()})
	})
}

// refreshed is the end of a refresh.
type refreshed struct{ err error }

func (r refreshed) on(l *loop) error {
	err := r.err
	if IsInvalid(err) {
		err = ErrTimeout // to a reader it means the same, and the other is not for callers
	}
	for _, answer := range l.refreshing {
		answer <- err
	}
	l.refreshing = nil
	if err != nil && !IsTimeout(err) {
		return fmt.Errorf("cannot refresh leases: %w", err)
	}
	if len(l.refreshNext) > 0 {
		l.startRefresh()
	}
	return nil
}
