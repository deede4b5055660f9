package etcdtest

import (
	"context"
	"testing"

	"github.com/unit-agent/unit-agent/store"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Server is an embedded store that a test can stop and start again under a client that stays the same.
// Its methods may be called from one goroutine at a time.
type Server struct {
	t       testing.TB
	dir     string
	serving *store.Store // nil while stopped
	user    *store.Store
}

// NewServer starts a server in a directory of the test's own. It ends with the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir()}
	s.Start()
	s.user = open(t, store.Config{Dir: s.dir})
	t.Cleanup(func() {
		// Before the user's: it could not stop cleanly while calls of its wait for a server.
		if s.serving != nil {
			s.Stop()
		}
	})
	return s
}

// Dir is the directory that the server serves.
func (s *Server) Dir() string { return s.dir }

// Client returns a client that lasts over stops and starts. While the server is stopped, its calls wait.
func (s *Server) Client() *clientv3.Client { return s.user.Client() }

// Stop stops the server cleanly: watches and calls are cut off.
func (s *Server) Stop() {
	s.t.Helper()
	s.serving.Kill()
	if err := s.serving.Wait(); err != nil {
		s.t.Errorf("server stopped with %v", err)
	}
	s.serving = nil
}

// Start starts a stopped server on the same data.
func (s *Server) Start() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	defer cancel()
	var err error
	s.serving, err = store.Open(ctx, store.Config{Dir: s.dir})
	if err != nil {
		s.t.Fatal(err)
	}
}

// Restart stops and starts the server.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.Start()
}

// Compact drops all history before the present revision, which it returns:
// a watch that is behind it is cut off with rpctypes.ErrCompacted.
func (s *Server) Compact() int64 {
	s.t.Helper()
	return Compact(s.t, s.Client())
}

// Compact drops all history before the present revision of the store behind cl and returns that revision.
func Compact(t testing.TB, cl *clientv3.Client) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	defer cancel()
	now, err := cl.Get(ctx, "etcdtest")
	if err != nil {
		t.Fatal(err)
	}
	rev := now.Header.Revision
	if _, err := cl.Compact(ctx, rev, clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
	return rev
}
