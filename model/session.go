package model

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// sessionSeconds is how long the store believes in a process that it hears nothing of.
	sessionSeconds = 10
	// releaseTimeout bounds what the end of a worker waits for a store that does not answer.
	releaseTimeout = 2 * time.Second
)

// session is the etcd lease that everything that this process holds in a model is bound to: one for all, so that
// the cost of keeping it does not grow with what is held. It lasts while somebody uses it.
type session struct {
	lease  clientv3.LeaseID
	cancel context.CancelFunc
	// lost is closed when the lease is no longer kept, be it that it ended or that nobody uses it.
	lost chan struct{}
	// users is guarded by the model's mu.
	users int
}

// useSession returns the live session, which is begun if there is none. Who gets it must call leaveSession.
func (m *Model) useSession(ctx context.Context) (*session, error) {
	for {
		m.mu.Lock()
		current := m.session
		if current != nil && current.cancel != nil {
			select {
			case <-current.lost:
			default:
				current.users++
				m.mu.Unlock()
				return current, nil
			}
		}
		if current != nil && current.cancel == nil {
			// Somebody else is about to begin it.
			m.mu.Unlock()
			select {
			case <-current.lost:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		beginning := &session{lost: make(chan struct{})}
		m.session = beginning
		m.mu.Unlock()

		begun, err := m.beginSession(ctx)
		m.mu.Lock()
		m.session = begun
		if begun != nil {
			begun.users = 1
		}
		m.mu.Unlock()
		close(beginning.lost)
		return begun, err
	}
}

func (m *Model) beginSession(ctx context.Context) (*session, error) {
	grant, err := m.client.Grant(ctx, sessionSeconds)
	if err != nil {
		return nil, fmt.Errorf("cannot begin a session with the store: %w", err)
	}
	// The session goes on after the call that began it.
	keep, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &session{lease: grant.ID, cancel: cancel, lost: make(chan struct{})}
	kept, err := m.client.KeepAlive(keep, grant.ID)
	if err != nil {
		cancel()
		m.revoke(grant.ID)
		return nil, fmt.Errorf("cannot begin a session with the store: %w", err)
	}
	go func() {
		defer close(s.lost)
		for range kept {
		}
	}()
	return s, nil
}

// leaveSession gives up the use of a session. The last one to leave ends it, and waits for its goroutine.
func (m *Model) leaveSession(s *session) {
	m.mu.Lock()
	s.users--
	last := s.users == 0
	if last && m.session == s {
		m.session = nil
	}
	m.mu.Unlock()
	if last {
		s.cancel()
		<-s.lost
		m.revoke(s.lease)
	}
}

// revoke ends a lease if the store can be reached; otherwise the lease ends by itself.
func (m *Model) revoke(lease clientv3.LeaseID) {
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	if _, err := m.client.Revoke(ctx, lease); err != nil {
		m.logger.Debug("cannot revoke the session's lease", "error", err)
	}
}
