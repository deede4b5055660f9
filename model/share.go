package model

import (
	"context"
	"sync"
)

// share is a follower that several watchers of this process have in common, so that what a further unit costs does
// not grow with what it watches. The first watcher starts it, the last one stops it and waits for its goroutine.
type share struct {
	follower follower
	// users is guarded by the model's mu.
	users  int
	cancel context.CancelFunc
	done   chan struct{}

	// mu guards the rest, and what the owner of the share keeps.
	mu     sync.Mutex
	listed bool
	err    error
	pokes  map[chan struct{}]struct{}
}

func (s *share) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.done, s.pokes = cancel, make(chan struct{}), map[chan struct{}]struct{}{}
	apply := s.follower.apply
	s.follower.apply = func(changes []change) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := apply(changes); err != nil {
			return err
		}
		s.listed = true
		s.poke()
		return nil
	}
	go func() {
		defer close(s.done)
		err := s.follower.run(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.err = err
		s.poke()
	}()
}

// poke wakes the watchers. It must be called with mu held.
func (s *share) poke() {
	for watcher := range s.pokes {
		poke(watcher)
	}
}

// wake has a watcher woken from now on, and once now.
func (s *share) wake(watcher chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pokes[watcher] = struct{}{}
	poke(watcher)
}

// use counts a user; it must be called with the model's mu held.
func (s *share) use() { s.users++ }

// leave ends the use by a watcher. forget removes the share from the model; it is called with the model's mu held.
func (s *share) leave(watcher chan struct{}, forget func()) {
	s.mu.Lock()
	delete(s.pokes, watcher)
	s.mu.Unlock()

	m := s.follower.m
	m.mu.Lock()
	s.users--
	last := s.users == 0
	if last {
		forget()
	}
	m.mu.Unlock()
	if last {
		s.cancel()
		<-s.done
	}
}

// poke wakes who waits on a channel with room for one; it is enough to be woken once.
func poke(waiting chan struct{}) {
	select {
	case waiting <- struct{}{}:
	default:
	}
}
