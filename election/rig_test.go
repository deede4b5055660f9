package election_test

import (
	"context"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/unit-agent/unit-agent/election"
	"github.com/unit-agent/unit-agent/election/pb"
	"github.com/unit-agent/unit-agent/store/etcdtest"
)

// watchdog ends a test that would hang.
const watchdog = 60 * time.Second

const place = "/test/janitor"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

// session returns a session that ends with the test. Its time is long, so that only what a test does ends it, unless it says otherwise.
func session(t testing.TB, client *clientv3.Client, ttl int) *concurrency.Session {
	t.Helper()
	s, err := concurrency.NewSession(client, concurrency.WithTTL(ttl))
	ok(t, err)
	t.Cleanup(s.Orphan)
	return s
}

func endpoint(name string) *pb.Endpoint {
	return &pb.Endpoint{Name: name, Addresses: []string{name + ":1"}}
}

func candidate(t testing.TB, client *clientv3.Client, name string) *election.Election {
	t.Helper()
	return election.New(session(t, client, 60), place, endpoint(name))
}

// running is a Run in a goroutine.
type running struct {
	t      testing.TB
	cancel context.CancelFunc

	// began gives the op's context, result what Run returned.
	began  chan context.Context
	result chan error
	finish chan error // what the op is to return
}

// run starts Run with an op that goes on until it is told to finish or its context ends, which it returns no error for.
func run(t testing.TB, e *election.Election) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t, cancel, make(chan context.Context, 1), make(chan error, 1), make(chan error, 1)}
	var ended sync.WaitGroup
	ended.Go(func() {
		r.result <- e.Run(ctx, func(ctx context.Context) error {
			r.began <- ctx
			select {
			case err := <-r.finish:
				return err
			case <-ctx.Done():
				return nil
			}
		})
	})
	t.Cleanup(func() {
		cancel()
		ended.Wait()
	})
	return r
}

// leads waits until the op runs.
func (r *running) leads() context.Context {
	r.t.Helper()
	select {
	case ctx := <-r.began:
		return ctx
	case err := <-r.result:
		r.t.Fatalf("did not lead: %v", err)
	case <-time.After(watchdog):
		r.t.Fatal("does not lead")
	}
	return nil
}

// ends waits until Run has returned.
func (r *running) ends() error {
	r.t.Helper()
	return receive(r.t, r.result)
}

func receive[T any](t testing.TB, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(watchdog):
		t.Fatal("nothing comes")
	}
	return v
}

// keys returns the keys of the election.
func keys(t testing.TB, client *clientv3.Client) []string {
	t.Helper()
	response, err := client.Get(testContext(t), place+"/", clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByCreateRevision, clientv3.SortAscend))
	ok(t, err)
	var keys []string
	for _, kv := range response.Kvs {
		keys = append(keys, strings.TrimPrefix(string(kv.Key), place+"/"))
	}
	return keys
}

func wantKeys(t testing.TB, client *clientv3.Client, n int) {
	t.Helper()
	if got := keys(t, client); len(got) != n {
		t.Errorf("there are keys %q, want %d", got, n)
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

// waits waits until n candidates have a key.
func waits(t testing.TB, client *clientv3.Client, n int) {
	t.Helper()
	eventually(t, "candidates stand", func() bool { return len(keys(t, client)) == n })
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

// wire is what unary requests go through.
type wire struct {
	mu sync.Mutex

	// fault decides what happens to a request of a method, "Txn" say. It returns nil for nothing.
	fault func(method string) fault
}

func (w *wire) set(f func(method string) fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
}

// next has the next requests of a method suffer faults, one after the other.
func (w *wire) next(method string, faults ...fault) {
	w.set(func(m string) fault {
		if m != method || len(faults) == 0 {
			return nil
		}
		f := faults[0]
		faults = faults[1:]
		return f
	})
}

func (w *wire) unary(ctx context.Context, method string, in, out any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	call := func(ctx context.Context) error { return invoke(ctx, method, in, out, cc, opts...) }
	w.mu.Lock()
	var f fault
	if w.fault != nil {
		f = w.fault(path.Base(method))
	}
	w.mu.Unlock()
	if f != nil {
		return f(ctx, call)
	}
	return call(ctx)
}

// wired returns a client whose requests go through a wire, and one whose requests do not.
func wired(t testing.TB) (*clientv3.Client, *wire, *clientv3.Client) {
	t.Helper()
	cluster := etcdtest.NewCluster(t, 1)
	w := &wire{}
	client, err := clientv3.New(clientv3.Config{
		Endpoints:       cluster.Endpoints(),
		Logger:          zap.NewNop(),
		MaxUnaryRetries: 1,
		DialOptions:     []grpc.DialOption{grpc.WithChainUnaryInterceptor(w.unary)},
	})
	ok(t, err)
	t.Cleanup(func() { client.Close() })
	return client, w, cluster.Client()
}
