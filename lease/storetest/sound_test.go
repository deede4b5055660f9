package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/juju/clock/testclock"
	"go.uber.org/goleak"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/memstore"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// TestSuitePassesSoundStores runs the parts of the suite that a store in memory
// alone would skip: it has the suite believe that one memory is a substrate
// which several stores share.
func TestSuitePassesSoundStores(t *testing.T) {
	for name, autoexpire := range map[string]bool{"expired by its users": false, "expiring by itself": true} {
		t.Run(name, func(t *testing.T) {
			Run(t, func(testing.TB) Harness {
				clock := testclock.NewClock(time.Unix(1000, 0))
				memory := memstore.New(clock)
				open := func() lease.Store {
					return &remote{Store: memory, autoexpire: autoexpire, cut: make(chan struct{})}
				}
				store := open().(*remote)
				return Harness{
					Store:   store,
					Clock:   clock,
					Advance: func(d time.Duration) { clock.Advance(d); store.reap() },
					Term:    time.Minute,
					Second:  open,
					Restart: open,
					CutOff:  sync.OnceFunc(func() { close(store.cut) }),
				}
			})
		})
	}
}

// remote is a memory as a store would have it that reaches it over a network.
type remote struct {
	*memstore.Store
	autoexpire bool

	// cut is closed when the network is gone.
	cut chan struct{}
}

// reap ends the leases whose time is over, if that is for the store to do.
func (r *remote) reap() {
	if r.autoexpire {
		for key := range r.Store.Leases() {
			_ = r.Store.ExpireLease(key)
		}
	}
}

// reach returns an error if the memory cannot be reached.
func (r *remote) reach(stop <-chan struct{}) error {
	select {
	case <-r.cut:
	default:
		r.reap()
		return nil
	}
	if stop == nil {
		return lease.ErrTimeout
	}
	<-stop
	return lease.ErrAborted
}

func (r *remote) Autoexpire() bool { return r.autoexpire }

func (r *remote) Refresh() error { return r.reach(nil) }

func (r *remote) ClaimLease(k lease.Key, request lease.Request, stop <-chan struct{}) error {
	if err := r.reach(stop); err != nil {
		return err
	}
	return r.Store.ClaimLease(k, request, stop)
}

func (r *remote) ExtendLease(k lease.Key, request lease.Request, stop <-chan struct{}) error {
	if err := r.reach(stop); err != nil {
		return err
	}
	return r.Store.ExtendLease(k, request, stop)
}

func (r *remote) ExpireLease(k lease.Key) error {
	if err := r.reach(nil); err != nil {
		return err
	}
	return r.Store.ExpireLease(k)
}

func (r *remote) RevokeLease(k lease.Key, who string, stop <-chan struct{}) error {
	if err := r.reach(stop); err != nil {
		return err
	}
	return r.Store.RevokeLease(k, who, stop)
}

func (r *remote) PinLease(k lease.Key, entity string, stop <-chan struct{}) error {
	if err := r.reach(stop); err != nil {
		return err
	}
	return r.Store.PinLease(k, entity, stop)
}

func (r *remote) UnpinLease(k lease.Key, entity string, stop <-chan struct{}) error {
	if err := r.reach(stop); err != nil {
		return err
	}
	return r.Store.UnpinLease(k, entity, stop)
}
