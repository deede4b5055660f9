package lease_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/memstore"
)

// watchdog ends a test that would hang.
const watchdog = 60 * time.Second

const (
	namespace = lease.ApplicationLeadershipNamespace
	model     = "deadbeef"
	term      = 30 * time.Second
	maxSleep  = time.Minute
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func key(name string) lease.Key {
	return lease.Key{Namespace: namespace, ModelUUID: model, Lease: name}
}

// rig is a manager over a store in memory on a fake clock.
type rig struct {
	t       *testing.T
	clock   *recordingClock
	memory  *memstore.Store
	manager *lease.ManagerWorker
	claimer lease.Claimer
	checker lease.Checker
	pinner  lease.Pinner
	revoker lease.Revoker
	reader  lease.Reader

	registry *prometheus.Registry
}

// newRig starts a manager over what wrap makes of the memory; a nil wrap leaves
// it as it is.
func newRig(t *testing.T, wrap func(*memstore.Store) lease.Store, tweaks ...func(*lease.ManagerConfig)) *rig {
	t.Helper()
	clock := newRecordingClock()
	r := &rig{t: t, clock: clock, memory: memstore.New(clock), registry: prometheus.NewRegistry()}
	config := lease.ManagerConfig{
		Store:                r.memory,
		Clock:                clock,
		Logger:               slog.New(slog.DiscardHandler),
		MaxSleep:             maxSleep,
		PrometheusRegisterer: r.registry,
	}
	if wrap != nil {
		config.Store = wrap(r.memory)
	}
	for _, tweak := range tweaks {
		tweak(&config)
	}
	manager, err := lease.NewManager(config)
	if err != nil {
		t.Fatalf("NewManager: %v", err)
	}
	r.manager = manager
	t.Cleanup(func() {
		manager.Kill()
		_ = r.wait(manager.Wait)
	})
	r.claimer = must(manager.Claimer(namespace, model))
	r.checker = must(manager.Checker(namespace, model))
	r.pinner = must(manager.Pinner(namespace, model))
	r.revoker = must(manager.Revoker(namespace, model))
	r.reader = must(manager.Reader(namespace, model))
	return r
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// wait returns what f returns, and fails the test if it takes too long.
func (r *rig) wait(f func() error) error {
	r.t.Helper()
	return r.receive(r.spawn(f))
}

// spawn runs f in a goroutine and returns where its result will be.
func (r *rig) spawn(f func() error) <-chan error {
	result := make(chan error, 1)
	go func() { result <- f() }()
	return result
}

func (r *rig) receive(result <-chan error) error {
	r.t.Helper()
	select {
	case err := <-result:
		return err
	case <-time.After(watchdog):
		r.t.Fatal("no answer")
		return nil
	}
}

// stillWaiting fails the test unless so many wait for a vacancy, when the loop
// has been round.
func (r *rig) stillWaiting(n float64, what string) {
	r.t.Helper()
	r.round()
	if got := r.metric("waiters"); got != n {
		r.t.Fatalf("%s: %v waiters left, want %v", what, got, n)
	}
}

// round returns when the loop has been round, and so has done all that it was
// told to before.
func (r *rig) round() {
	r.t.Helper()
	r.claim("zzz", "zzz/0")
}

// pending fails the test if there is a result already.
func (r *rig) pending(result <-chan error, what string) {
	r.t.Helper()
	select {
	case err := <-result:
		r.t.Fatalf("%s: got an answer (%v), want none yet", what, err)
	default:
	}
}

// claim claims and fails the test if that is not granted.
func (r *rig) claim(name, holder string) {
	r.t.Helper()
	if err := r.wait(func() error { return r.claimer.Claim(name, holder, term) }); err != nil {
		r.t.Fatalf("claim of %s by %s: %v", name, holder, err)
	}
}

// waiting starts a wait and returns when the manager knows of it.
func (r *rig) waiting(name string, cancel <-chan struct{}) <-chan error {
	r.t.Helper()
	before := r.metric("waiters")
	result := r.spawn(func() error { return r.claimer.WaitUntilExpired(name, cancel) })
	r.eventually("wait begun", func() bool { return r.metric("waiters") == before+1 })
	return result
}

// metric returns the value of one of the manager's metrics; of a histogram, the
// number of its samples.
func (r *rig) metric(name string) float64 {
	r.t.Helper()
	return metric(r.t, r.registry, name)
}

func metric(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "unit_agent_lease_"+name {
			m := family.GetMetric()[0]
			return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	t.Fatalf("no metric %q", name)
	return 0
}

// eventually waits until cond holds.
func (r *rig) eventually(what string, cond func() bool) {
	r.t.Helper()
	eventually(r.t, what, cond)
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(watchdog); !cond(); {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// holder returns who holds the lease in the memory, or "".
func (r *rig) holder(name string) string {
	return r.memory.Leases(key(name))[key(name)].Holder
}

// equal fails the test unless err is exactly want, or both are nil: callers may
// compare the errors of the API with ==.
func (r *rig) equal(err, want error) {
	r.t.Helper()
	if err != want {
		r.t.Fatalf("got error %v, want %v", err, want)
	}
}
