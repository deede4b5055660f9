package etcdstore_test

import (
	"context"
	"flag"
	"log/slog"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/juju/clock"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/etcdstore"
)

// watchdog ends a test that would hang.
const watchdog = 60 * time.Second

const prefix = "/test/leases"

func TestMain(m *testing.M) {
	// The tests mostly wait for leases to end, so more of them run at a time than there are processors.
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = f.Value.Set("8")
	}
	goleak.VerifyTestMain(m)
}

// start starts a store on the cluster behind a client. It ends with the test.
func start(t testing.TB, client *clientv3.Client, tweaks ...func(*etcdstore.Config)) *etcdstore.Store {
	t.Helper()
	config := etcdstore.Config{
		Client: client,
		Prefix: prefix,
		Clock:  clock.WallClock,
		Logger: slog.New(slog.DiscardHandler),
	}
	for _, tweak := range tweaks {
		tweak(&config)
	}
	store, err := etcdstore.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, store) })
	return store
}

func stop(t testing.TB, store *etcdstore.Store) {
	t.Helper()
	store.Kill()
	if err := store.Wait(); err != nil {
		t.Errorf("store stopped with %v", err)
	}
}

func key(name string) lease.Key {
	return lease.Key{Namespace: "ns", ModelUUID: "model", Lease: name}
}

// where is the etcd key of a lease.
func where(name string) string { return prefix + "/ns/model/" + name }

func request(holder string, d time.Duration) lease.Request {
	return lease.Request{Holder: holder, Duration: d}
}

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	t.Cleanup(cancel)
	return ctx
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(watchdog); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen in %v: %s", watchdog, what)
		}
	}
}

// holder returns who holds a lease as the store shows it, or "".
func holder(store *etcdstore.Store, name string) string {
	return store.Leases(key(name))[key(name)].Holder
}

// counters returns the etcd leases that are on the server.
func counters(t testing.TB, client *clientv3.Client) []clientv3.LeaseID {
	t.Helper()
	response, err := client.Leases(testContext(t))
	ok(t, err)
	var ids []clientv3.LeaseID
	for _, l := range response.Leases {
		ids = append(ids, l.ID)
	}
	return ids
}

// wantCounters waits until there are n etcd leases on the server.
func wantCounters(t testing.TB, client *clientv3.Client, n int) {
	t.Helper()
	var got []clientv3.LeaseID
	defer func() {
		if t.Failed() {
			t.Logf("etcd leases on the server: %d, want %d", len(got), n)
		}
	}()
	eventually(t, "etcd leases that are of no use are revoked", func() bool {
		got = counters(t, client)
		return len(got) == n
	})
}

// kv returns what stands at a key, or nil.
func kv(t testing.TB, client *clientv3.Client, etcdKey string) *keyValue {
	t.Helper()
	response, err := client.Get(testContext(t), etcdKey)
	ok(t, err)
	if len(response.Kvs) == 0 {
		return nil
	}
	return response.Kvs[0]
}

var (
	wallClock = clock.WallClock
	quiet     = slog.New(slog.DiscardHandler)
	zapQuiet  = zap.NewNop()
)
