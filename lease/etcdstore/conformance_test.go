package etcdstore_test

import (
	"testing"
	"time"

	"github.com/juju/clock"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/etcdstore"
	"github.com/unit-agent/unit-agent/lease/storetest"
	"github.com/unit-agent/unit-agent/store/etcdtest"
)

type keyValue = mvccpb.KeyValue

func TestConformanceEmbedded(t *testing.T) {
	if testing.Short() {
		t.Skip("an etcd server for each test")
	}
	storetest.Run(t, func(t testing.TB) storetest.Harness {
		server := etcdtest.NewServer(t)
		return harness(t, server.Client, server.Stop)
	})
}

func TestConformanceCluster(t *testing.T) {
	// One cluster for all, and a prefix for each: a cluster for each of the tests that run at a time would be dozens of members.
	c := etcdtest.NewCluster(t, 3)
	storetest.Run(t, func(t testing.TB) storetest.Harness {
		return harness(t, func() *clientv3.Client { return c.Client() }, nil)
	})
}

// harness makes the harness of a conformance test on a cluster that is its own.
func harness(t testing.TB, client func() *clientv3.Client, cutOff func()) storetest.Harness {
	cl := client()
	tweak := func(config *etcdstore.Config) {
		config.Prefix = "/" + t.Name()
		if cutOff != nil {
			config.OperationTimeout = time.Second
		}
	}
	store := start(t, cl, tweak)
	return storetest.Harness{
		Store:   store,
		Clock:   clock.WallClock,
		Advance: time.Sleep,
		Term:    2 * time.Second,
		Grace:   2 * time.Second,
		Second:  func() lease.Store { return start(t, cl, tweak) },
		Restart: func() lease.Store {
			stop(t, store)
			return start(t, cl, tweak)
		},
		CutOff: cutOff,
	}
}
