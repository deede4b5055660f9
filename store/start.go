package store

import (
	"context"
	"expvar"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/unit-agent/unit-agent/internal/durable"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// startServer serves dir. The caller has got the lock, which is the server's from here on, also on
// error. When startServer returns, clients are served.
func startServer(ctx context.Context, dir *dataDir, lock *os.File, cfg Config) (*server, error) {
	s := &server{
		dir:     dir,
		lock:    lock,
		logger:  cfg.Logger,
		quota:   cfg.Quota,
		served:  make(chan struct{}),
		noSpace: make(chan struct{}, 1),
	}
	s.failed, s.fail = context.WithCancelCause(context.Background())
	s.stopping, s.stopNow = context.WithCancel(context.Background())
	if err := s.prepare(); err != nil {
		lock.Close()
		return nil, err
	}
	if err := s.startAlone(ctx); err != nil {
		return nil, err
	}
	l, err := dir.listen()
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("cannot open the client socket: %w", err)
	}
	s.serve(l)
	return s, nil
}

// prepare makes sure that etcd can start on what is in the directory.
func (s *server) prepare() error {
	begun, err := inspect(s.dir.path)
	if err != nil || begun {
		return err
	}
	// What a first start that was cut off leaves, etcd would take for a member that has lost
	// its cluster.
	if err := durable.RemoveAll(filepath.Join(s.dir.path, memberDir)); err != nil {
		return err
	}
	return durable.SweepTemp(s.dir.path)
}

// starting is held by the server that starts: what etcd publishes of raft is that of the last
// one that did.
var starting = make(chan struct{}, 1)

// startAlone starts etcd and makes it ready. On error there is nothing left to stop.
func (s *server) startAlone(ctx context.Context) error {
	select {
	case starting <- struct{}{}:
		defer func() { <-starting }()
	case <-ctx.Done():
		s.lock.Close()
		return ctx.Err()
	}
	if err := s.startEtcd(ctx); err != nil {
		return err
	}
	err := s.lead(ctx)
	if err != nil {
		s.stop()
	}
	return err
}

// raftStatus returns what etcd publishes of its raft, or nothing if it publishes nothing.
func raftStatus() raft.Status {
	if f, ok := expvar.Get("raft.status").(expvar.Func); ok {
		st, _ := f.Value().(raft.Status)
		return st
	}
	return raft.Status{}
}

// startEtcd starts etcd, without clients yet. On error there is nothing left to stop.
func (s *server) startEtcd(ctx context.Context) error {
	cfg := embedConfig(s.dir.path, s.quota, serverLogger(s.logger, s.fail))
	started := make(chan error, 1)
	go func() {
		returned := false
		defer func() {
			if returned {
				return
			}
			// A fatal message ended this goroutine, or damage made etcd panic. Both leave files open.
			if p := recover(); p != nil {
				s.fail(fmt.Errorf("etcd panicked: %v", p))
			}
			s.fail(errNoReason)
		}()
		var err error
		s.etcd, err = embed.StartEtcd(cfg)
		returned = true
		started <- err
	}()
	select {
	case err := <-started:
		if err != nil {
			s.lock.Close()
		}
		return err
	case <-s.failed.Done():
		abandon(s.lock)
		return context.Cause(s.failed)
	case <-ctx.Done():
		go s.stopWhenStarted(started)
		return ctx.Err()
	}
}

// stopWhenStarted undoes a start that nobody waits for any more. It may go on for as long as the
// start would have, after Open has returned.
func (s *server) stopWhenStarted(started <-chan error) {
	select {
	case err := <-started:
		if err == nil {
			s.stop()
			return
		}
		s.lock.Close()
	case <-s.failed.Done():
		abandon(s.lock)
	}
}

// lead makes the only member its cluster's leader at once, rather than after an election timeout.
func (s *server) lead(ctx context.Context) error {
	id := uint64(s.etcd.Server.MemberID())
	retry := time.NewTicker(2 * time.Millisecond)
	defer retry.Stop()
	for {
		// A candidate looks through the entries that are committed but not applied. While
		// etcd applies them it drops them, too, which raft cannot bear: so not before all are.
		if st := raftStatus(); st.ID == id && st.Lead == raft.None && st.Commit > 0 && st.Applied == st.Commit {
			// It is what a leader sends to the follower that it hands over to.
			m := raftpb.Message{Type: raftpb.MsgTimeoutNow, To: id, From: id}
			if err := s.etcd.Server.Process(ctx, m); err != nil {
				return err
			}
		}
		select {
		case <-s.etcd.Server.ReadyNotify():
			return nil
		case <-s.etcd.Server.StopNotify():
			return errNoReason
		case <-s.failed.Done():
			return context.Cause(s.failed)
		case <-ctx.Done():
			return ctx.Err()
		case <-retry.C:
		}
	}
}
