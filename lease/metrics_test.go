package lease_test

import (
	"testing"

	"github.com/juju/clock"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/memstore"
)

// Promise: metrics tell of claims, extensions, denials, retries, expiries, held
// leases, waiters and the latency of claims.
func TestMetrics(t *testing.T) {
	r, spy := newSpyRig(t)
	r.claim("mysql", "mysql/0")
	r.claim("redis", "redis/0")
	r.claim("mysql", "mysql/0")
	r.claim("mysql", "mysql/0")
	r.equal(r.wait(func() error { return r.claimer.Claim("mysql", "mysql/1", term) }), lease.ErrClaimDenied)
	cancel := make(chan struct{})
	cancelled := r.waiting("mysql", cancel)
	waiting := r.waiting("redis", nil)
	r.want(map[string]float64{
		"claims_total": 2, "extensions_total": 3 - 1, "denials_total": 1, "retries_total": 0,
		"expiries_total": 0, "held": 2, "waiters": 2, "claim_seconds": 5,
	})

	spy.setBefore(failFirst("ExtendLease", 1, lease.ErrTimeout))
	extended := r.spawn(func() error { return r.claimer.Claim("mysql", "mysql/0", 2*term) })
	r.passDelay(firstDelay)
	r.equal(r.receive(extended), nil)
	close(cancel)
	r.equal(r.receive(cancelled), lease.ErrWaitCancelled)
	r.clock.Advance(term)
	r.equal(r.receive(waiting), nil)
	r.want(map[string]float64{
		"claims_total": 2, "extensions_total": 3, "denials_total": 1, "retries_total": 1,
		"expiries_total": 1, "held": 1, "waiters": 0, "claim_seconds": 6,
	})
}

func (r *rig) want(metrics map[string]float64) {
	r.t.Helper()
	for name, want := range metrics {
		r.eventually(name, func() bool { return r.metric(name) == want })
	}
}

// Promise: a second manager on one registry works after the first has stopped,
// and not before, unless they work for different entities.
func TestManagersOnOneRegistry(t *testing.T) {
	registry := prometheus.NewRegistry()
	start := func(entity string) (*lease.ManagerWorker, error) {
		return lease.NewManager(lease.ManagerConfig{
			Store: memstore.New(clock.WallClock), Clock: clock.WallClock,
			EntityUUID: entity, PrometheusRegisterer: registry,
		})
	}
	stop := func(m *lease.ManagerWorker) {
		m.Kill()
		if err := m.Wait(); err != nil {
			t.Errorf("Wait: %v", err)
		}
	}
	first, err := start("")
	if err != nil {
		t.Fatal(err)
	}
	claimer := must(first.Claimer(namespace, model))
	if err := claimer.Claim("mysql", "mysql/0", term); err != nil {
		t.Fatal(err)
	}
	if m, err := start(""); err == nil {
		stop(m)
		t.Error("a second manager with the same metrics: got no error")
	}
	other, err := start(controller)
	if err != nil {
		t.Errorf("a manager of another entity: %v", err)
	} else {
		stop(other)
	}
	stop(first)

	second, err := start("")
	if err != nil {
		t.Fatalf("after the first has stopped: %v", err)
	}
	if got := metric(t, registry, "claims_total"); got != 0 {
		t.Errorf("claims of the second: got %v, want 0", got)
	}
	stop(second)
	families, err := registry.Gather()
	if err != nil || len(families) != 0 {
		t.Errorf("after both have stopped: got %v, %v", families, err)
	}
}
