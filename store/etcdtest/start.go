// Package etcdtest gives tests a real etcd.
package etcdtest

import (
	"context"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/store"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// watchdog bounds each wait, so that a test fails rather than hangs.
const watchdog = time.Minute

// Start starts an embedded store in a directory of the test's own and returns its client. Both
// end with the test.
func Start(t testing.TB) *clientv3.Client {
	t.Helper()
	return open(t, store.Config{Dir: t.TempDir()}).Client()
}

func open(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	defer cancel()
	s, err := store.Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		if err := s.Wait(); err != nil {
			t.Errorf("store ended with %v", err)
		}
	})
	return s
}
