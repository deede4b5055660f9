package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"gopkg.in/tomb.v2"
)

// ErrNotServed says that no process serves the directory.
var ErrNotServed = errors.New("no process serves it")

// Store is a way to etcd: a client, and the embedded server behind it where this process serves.
// It is a worker: Kill asks it to end, Wait waits for that. Its client is closed with it.
type Store struct {
	tomb   tomb.Tomb
	cfg    Config
	client *clientv3.Client

	// Of an embedded store only.
	dir       *dataDir
	disturbed chan struct{} // a connection ended, or could not be made
	server    *server       // used by the loop only, once Open has returned
	serving   atomic.Bool
	keeper    keeper // used by the loop only
}

// Open opens the store, which is ready for use when Open returns. ctx bounds the opening only.
//
// A directory that another process serves is used through that process. If that one
// is just starting or stopping, Open waits for as long as ctx lasts. An error says in one line
// what is wrong and, where something can be done about it, what.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg.withDefaults(), disturbed: make(chan struct{}, 1)}
	var err error
	if cfg.Dir == "" {
		s.client, err = newClusterClient(ctx, s.cfg)
	} else {
		err = s.openDir(ctx)
	}
	if err != nil {
		return nil, err
	}
	s.tomb.Go(s.loop)
	return s, nil
}

func (s *Store) openDir(ctx context.Context) (err error) {
	s.dir, err = openDataDir(s.cfg.Dir, !s.cfg.NoServe)
	if s.cfg.NoServe && errors.Is(err, os.ErrNotExist) {
		err = ErrNotServed
	}
	if err != nil {
		return explain(fmt.Errorf("cannot open store in %s: %w", s.cfg.Dir, err))
	}
	if err := s.openServed(ctx); err != nil {
		s.close()
		return explain(fmt.Errorf("cannot open store in %s: %w", s.cfg.Dir, err))
	}
	return nil
}

func (s *Store) openServed(ctx context.Context) (err error) {
	if err := s.reachServer(ctx); err != nil {
		return err
	}
	s.client, err = newDirClient(s.dir, s.cfg, s.disturb)
	if err != nil {
		return err
	}
	return s.awaitAnswer(ctx)
}

// reachServer returns once the directory is served, by this process or another.
func (s *Store) reachServer(ctx context.Context) error {
	wait := 5 * time.Millisecond
	for {
		if done, err := s.serveIfFree(ctx); done || err != nil {
			return err
		}
		conn, err := s.dir.dial(ctx)
		if err == nil {
			return conn.Close()
		}
		// The holder of the lock is starting or stopping.
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s holds it but does not serve it: %w", s.dir.server(), ctx.Err())
		case <-time.After(wait):
			wait = min(2*wait, 100*time.Millisecond)
		}
	}
}

// awaitAnswer returns once the server answers. Should it go away meanwhile, this process serves if
// nobody else does.
func (s *Store) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answered := make(chan error, 1)
	go func() { answered <- probe(ctx, s.client) }()
	for {
		select {
		case err := <-answered:
			if err != nil {
				return fmt.Errorf("%s serves it but does not answer: %w", s.dir.server(), err)
			}
			return nil
		case <-s.disturbed:
		}
		if s.server != nil {
			continue
		}
		if _, err := s.serveIfFree(ctx); err != nil {
			cancel()
			<-answered
			return err
		}
	}
}

// serveIfFree serves the directory if nobody else does.
func (s *Store) serveIfFree(ctx context.Context) (done bool, err error) {
	if s.cfg.NoServe {
		free, err := s.dir.isFree()
		if free && err == nil {
			err = ErrNotServed
		}
		return false, err
	}
	lock, err := s.dir.tryLock()
	if err != nil || lock == nil {
		return false, err
	}
	return true, s.startServing(ctx, lock)
}

func (s *Store) startServing(ctx context.Context, lock *os.File) error {
	server, err := startServer(ctx, s.dir, lock, s.cfg)
	if err != nil {
		return err
	}
	s.server = server
	s.serving.Store(true)
	s.keeper = newKeeper(s.cfg)
	if s.client != nil {
		s.client.ActiveConnection().ResetConnectBackoff()
	}
	return nil
}

// Client returns the client. It belongs to the Store and works until that is killed.
func (s *Store) Client() *clientv3.Client { return s.client }

// Serving reports whether this process serves the directory.
func (s *Store) Serving() bool { return s.serving.Load() }

// Limits returns what the store takes in one transaction.
func (s *Store) Limits() Limits { return s.cfg.limits() }

// Kill asks the Store to end. It does not wait.
func (s *Store) Kill() { s.tomb.Kill(nil) }

// Wait waits for the Store to end and returns why it did: nil after Kill.
func (s *Store) Wait() error { return s.tomb.Wait() }

func (s *Store) disturb() {
	select {
	case s.disturbed <- struct{}{}:
	default:
	}
}

func (s *Store) loop() error {
	defer s.close()
	for {
		var failed <-chan struct{}
		var noSpace <-chan struct{}
		if s.server != nil {
			failed, noSpace = s.server.failed.Done(), s.server.noSpace
		}
		select {
		case <-s.tomb.Dying():
			return tomb.ErrDying
		case <-failed:
			return explain(fmt.Errorf("store in %s failed: %w", s.cfg.Dir, context.Cause(s.server.failed)))
		case <-s.disturbed:
			if err := s.takePlace(); err != nil {
				return err
			}
		case <-noSpace:
			s.keeper.refused()
		case <-s.keeper.due():
			s.keeper.look(s.server)
		}
	}
}

// takePlace serves the directory if nobody else does and that is wanted.
func (s *Store) takePlace() error {
	if s.server != nil || !s.cfg.Standby || s.dir == nil {
		return nil
	}
	done, err := s.serveIfFree(s.tomb.Context(context.Background()))
	if err != nil {
		return explain(fmt.Errorf("cannot take over store in %s: %w", s.cfg.Dir, err))
	}
	if !done {
		return nil
	}
	s.cfg.Logger.Info("serving the store in place of a process that went away", "dir", s.cfg.Dir)
	return nil
}

func (s *Store) close() {
	if s.client != nil {
		s.client.Close()
	}
	if s.server != nil {
		s.keeper.stop()
		s.server.stop()
		s.serving.Store(false)
	}
	if s.dir != nil {
		s.dir.close()
	}
}
