package election

import (
	"context"
	"sync"
)

// ElectionWatcher keeps the newest state of an election at hand. Any number of goroutines may use it. It owns a goroutine, which ends with its context.
type ElectionWatcher struct {
	mu      sync.Mutex
	state   ElectionState
	readers []chan struct{}
	ended   bool
}

// NewWatcher starts a watcher of an election. It ends when the context does.
func NewWatcher(ctx context.Context, el *Election) *ElectionWatcher {
	w := &ElectionWatcher{}
	states := el.Watch(ctx)
	go func() {
		for state := range states {
			w.set(state)
		}
		w.end()
	}()
	return w
}

func (w *ElectionWatcher) set(state ElectionState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = state
	for _, r := range w.readers {
		select {
		case r <- struct{}{}:
		default: // it has yet to look, and will find this state
		}
	}
}

func (w *ElectionWatcher) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	for _, r := range w.readers {
		close(r)
	}
	w.readers = nil
}

// Notify returns a channel that receives after every change of the state since this call; changes that the reader was too slow for are one. It is closed when the watcher
// has ended. Each call returns a channel of its own that is kept as long as the watcher: a reader calls once, and then looks at State.
func (w *ElectionWatcher) Notify() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := make(chan struct{}, 1)
	if w.ended {
		close(r)
	} else {
		w.readers = append(w.readers, r)
	}
	return r
}

// State returns the newest state. It is unknown until the store has told it.
func (w *ElectionWatcher) State() ElectionState {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}
