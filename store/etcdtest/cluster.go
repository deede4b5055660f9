package etcdtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// Cluster is an etcd cluster within the test's process, on loopback. Its members do not fsync.
// The least lease time is one second.
type Cluster struct {
	t       testing.TB
	members []*Member
}

// NewCluster starts a cluster of n members and waits until all serve. It ends with the test.
func NewCluster(t testing.TB, n int) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	// An address of its own in 127/8 keeps a stopped member's ports free
	// for its return: nobody is given one of them by chance.
	ip := fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
	for i := range n {
		m, err := newMember(c, fmt.Sprintf("m%d", i), ip, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		c.members = append(c.members, m)
	}
	t.Cleanup(c.stop)
	var starts errgroup.Group
	for _, m := range c.members {
		starts.Go(m.start)
	}
	if err := starts.Wait(); err != nil {
		t.Fatalf("cannot start cluster: %v", err)
	}
	return c
}

func (c *Cluster) stop() {
	var stops errgroup.Group
	for _, m := range c.members {
		stops.Go(func() error {
			m.Kill()
			return nil
		})
	}
	stops.Wait()
}

// Members returns the members, stopped ones too.
func (c *Cluster) Members() []*Member { return c.members }

// Endpoints returns the client addresses of all members.
func (c *Cluster) Endpoints() []string {
	var eps []string
	for _, m := range c.members {
		eps = append(eps, m.Endpoint())
	}
	return eps
}

// Client returns a new client of the given members, or of all if none is given. It is closed with the test.
func (c *Cluster) Client(of ...*Member) *clientv3.Client {
	c.t.Helper()
	eps := c.Endpoints()
	if len(of) > 0 {
		eps = nil
		for _, m := range of {
			eps = append(eps, m.Endpoint())
		}
	}
	cl, err := clientv3.New(clientv3.Config{
		Endpoints:            eps,
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: time.Second,
		Logger:               zap.NewNop(),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { cl.Close() })
	return cl
}

// Leader waits until the members that are up and not isolated agree on a leader, and returns it.
func (c *Cluster) Leader() *Member {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		if m := c.agreed(); m != nil {
			return m
		}
		select {
		case <-ctx.Done():
			c.t.Fatal("cluster has no leader")
		case <-look.C:
		}
	}
}

func (c *Cluster) agreed() *Member {
	var leader uint64
	for _, m := range c.members {
		id, up := m.leader()
		switch {
		case !up:
		case id == 0 || leader != 0 && leader != id:
			return nil
		default:
			leader = id
		}
	}
	for _, m := range c.members {
		if _, up := m.leader(); up && m.ID() == leader {
			return m
		}
	}
	return nil // none, or one that the others have yet to miss
}
