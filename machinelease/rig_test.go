package machinelease_test

import (
	"context"
	"fmt"
	"path"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/unit-agent/unit-agent/machinelease"
	"github.com/unit-agent/unit-agent/store/etcdtest"
)

// watchdog ends a test that would hang.
const watchdog = 60 * time.Second

const (
	prefix = "/test/leases"
	minute = time.Minute
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t testing.TB) (machinelease.Manager, *clientv3.Client) {
	t.Helper()
	client := etcdtest.Start(t)
	return machinelease.NewManager(client, prefix), client
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

func acquire(t testing.TB, m machinelease.Manager, name, machine string, version int, period time.Duration) machinelease.Lease {
	t.Helper()
	l, err := m.AcquireLease(name, machine, version, period)
	ok(t, err)
	if l == nil {
		t.Fatalf("lease %s was not acquired", name)
	}
	return l
}

func get(t testing.TB, m machinelease.Manager, name string) machinelease.Lease {
	t.Helper()
	l, err := m.GetLease(name)
	ok(t, err)
	return l
}

// wantLease compares what a lease says. Name is that of the lease.
func wantLease(t testing.TB, l machinelease.Lease, client *clientv3.Client, name, machine string, version int) {
	t.Helper()
	response, err := client.Get(testContext(t), prefix+"/"+name)
	ok(t, err)
	if len(response.Kvs) == 0 {
		t.Fatalf("lease %s has no key", name)
	}
	got := fmt.Sprint(l.MachineID(), " ", l.Version(), " ", l.Index())
	if want := fmt.Sprint(machine, " ", version, " ", response.Kvs[0].ModRevision); got != want {
		t.Errorf("machine, version, index are %s, want %s", got, want)
	}
}

// wantEtcdLeases compares the number of etcd leases on the server: one for each lease that is held, or something leaked.
func wantEtcdLeases(t testing.TB, client *clientv3.Client, n int) {
	t.Helper()
	response, err := client.Leases(testContext(t))
	ok(t, err)
	if len(response.Leases) != n {
		t.Errorf("%d etcd leases on the server, want %d", len(response.Leases), n)
	}
}

// expire ends the etcd lease of a lease, as its time does.
func expire(t testing.TB, client *clientv3.Client, name string) {
	t.Helper()
	response, err := client.Get(testContext(t), prefix+"/"+name)
	ok(t, err)
	_, err = client.Revoke(testContext(t), clientv3.LeaseID(response.Kvs[0].Lease))
	ok(t, err)
}

// fault carries out a request, or not.
type fault func(ctx context.Context, call func(context.Context) error) error

var unavailable = status.Error(codes.Unavailable, "the test cut the wire")

// replyLost: the request is carried out, and an error comes back.
func replyLost(ctx context.Context, call func(context.Context) error) error {
	if err := call(ctx); err != nil {
		return err
	}
	return unavailable
}

// requestLost: the request is not sent.
func requestLost(context.Context, func(context.Context) error) error { return unavailable }

// first has something happen before the request is sent.
func first(do func()) fault {
	return func(ctx context.Context, call func(context.Context) error) error {
		do()
		return call(ctx)
	}
}

// wire is what requests go through.
type wire struct {
	mu     sync.Mutex
	faults map[string][]fault
}

// next sets what happens to the next requests of a method, "Txn" say, one after the other.
func (w *wire) next(method string, faults ...fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[method] = faults
}

func (w *wire) unary(ctx context.Context, method string, in, out any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	call := func(ctx context.Context) error { return invoke(ctx, method, in, out, cc, opts...) }
	name := path.Base(method)
	w.mu.Lock()
	var now fault
	if f := w.faults[name]; len(f) > 0 {
		now, w.faults[name] = f[0], f[1:]
	}
	w.mu.Unlock()
	if now != nil {
		return now(ctx, call)
	}
	return call(ctx)
}

// wired returns a manager whose requests go through a wire, and a client whose requests do not.
func wired(t testing.TB) (machinelease.Manager, *wire, *clientv3.Client) {
	t.Helper()
	cluster := etcdtest.NewCluster(t, 1)
	w := &wire{faults: make(map[string][]fault)}
	client, err := clientv3.New(clientv3.Config{
		Endpoints:       cluster.Endpoints(),
		Logger:          zap.NewNop(),
		MaxUnaryRetries: 1,
		DialOptions:     []grpc.DialOption{grpc.WithChainUnaryInterceptor(w.unary)},
	})
	ok(t, err)
	t.Cleanup(func() { client.Close() })
	return machinelease.NewManager(client, prefix), w, cluster.Client()
}
