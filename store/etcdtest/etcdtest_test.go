package etcdtest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/store/etcdtest"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func put(t *testing.T, cl *clientv3.Client, key, value string) {
	t.Helper()
	if _, err := cl.Put(testContext(t), key, value); err != nil {
		t.Fatal(err)
	}
}

func checkValue(t *testing.T, cl *clientv3.Client, key, want string) {
	t.Helper()
	got, err := cl.Get(testContext(t), key)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Kvs) != 1 || string(got.Kvs[0].Value) != want {
		t.Fatalf("got %v, want %q", got.Kvs, want)
	}
}

func TestStart(t *testing.T) {
	cl := etcdtest.Start(t)
	put(t, cl, "k", "v")
	checkValue(t, cl, "k", "v")
}

func TestServerRestartKeepsClient(t *testing.T) {
	s := etcdtest.NewServer(t)
	put(t, s.Client(), "k", "v1")
	s.Restart()
	checkValue(t, s.Client(), "k", "v1")
	put(t, s.Client(), "k", "v2")
	checkValue(t, s.Client(), "k", "v2")
}

func TestServerStopHoldsCalls(t *testing.T) {
	s := etcdtest.NewServer(t)
	s.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.Client().Put(ctx, "k", "v"); err == nil {
		t.Fatal("put succeeded with the server stopped")
	}
	s.Start()
	put(t, s.Client(), "k", "v")
}

func TestServerCompact(t *testing.T) {
	s := etcdtest.NewServer(t)
	put(t, s.Client(), "k", "v1")
	put(t, s.Client(), "k", "v2")
	rev := s.Compact()
	_, err := s.Client().Get(testContext(t), "k", clientv3.WithRev(rev-1))
	if !errors.Is(err, rpctypes.ErrCompacted) {
		t.Fatalf("read before the compaction: got %v", err)
	}
	checkValue(t, s.Client(), "k", "v2")
}

func TestClusterStopStartLeader(t *testing.T) {
	testClusterStopStartLeader(t, (*etcdtest.Member).Stop)
}

func TestClusterKillStartLeader(t *testing.T) {
	testClusterStopStartLeader(t, (*etcdtest.Member).Kill)
}

func testClusterStopStartLeader(t *testing.T, stop func(*etcdtest.Member)) {
	c := etcdtest.NewCluster(t, 3)
	cl := c.Client()
	put(t, cl, "k", "v1")
	old := c.Leader()
	stop(old)
	if now := c.Leader(); now == old {
		t.Fatal("a stopped member leads")
	}
	put(t, cl, "k", "v2")
	old.Start()
	checkValue(t, c.Client(old), "k", "v2")
}

func TestClusterIsolateLeader(t *testing.T) {
	c := etcdtest.NewCluster(t, 3)
	old := c.Leader()
	var rest []*etcdtest.Member
	for _, m := range c.Members() {
		if m != old {
			rest = append(rest, m)
		}
	}
	cl := c.Client(rest...)
	put(t, cl, "k", "v1")

	old.IsolateFromPeers()
	if now := c.Leader(); now == old {
		t.Fatal("an isolated member leads")
	}
	put(t, cl, "k", "v2")

	// Clients reach the isolated member; it must not answer for the cluster.
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if got, err := c.Client(old).Get(ctx, "k"); err == nil {
		t.Fatalf("isolated member answered %v", got.Kvs)
	}

	old.Heal()
	checkValue(t, c.Client(old), "k", "v2")
}

func TestClusterIsolateHoldsClients(t *testing.T) {
	c := etcdtest.NewCluster(t, 3)
	m := c.Members()[0]
	cl := c.Client(m)
	put(t, cl, "k", "v1")
	m.Isolate()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := cl.Get(ctx, "k", clientv3.WithSerializable()); err == nil {
		t.Fatal("an isolated member answered its client")
	}
	m.Heal()
	checkValue(t, cl, "k", "v1")
}
