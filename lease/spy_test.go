package lease_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/juju/clock"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/memstore"
)

// call is one call of a store's method.
type call struct {
	method string
	key    lease.Key
	who    string
	at     time.Time
}

// spy is a store that records the calls that could change it, and can be told
// to answer them in its own way. It has no more than the methods of lease.Store.
type spy struct {
	lease.Store
	clock clock.Clock

	mu    sync.Mutex
	calls []call

	// before, if not nil, is asked before each call of the methods that could
	// change the store, and Refresh: an error is the answer. It may block until
	// stop, which is nil if the method has no stop channel.
	before func(c call, stop <-chan struct{}) error

	// after, if not nil, is called after each call of RevokeLease and
	// ExpireLease that succeeded.
	after func(c call)

	// reading, if not nil, is called by Leases.
	reading func(keys []lease.Key)

	// shows, if not nil, changes what Leases returns.
	shows func(map[lease.Key]lease.Info)

	// one counts the calls of Leases with keys, all those without.
	one, all atomic.Int64
}

// errPass is for spy.before to say that the store may answer.
var errPass error

func (s *spy) record(method string, k lease.Key, who string, stop <-chan struct{}) error {
	c := call{method, k, who, s.clock.Now()}
	s.mu.Lock()
	s.calls = append(s.calls, c)
	before := s.before
	s.mu.Unlock()
	if before == nil {
		return errPass
	}
	return before(c, stop)
}

// setBefore changes how calls are answered from now on.
func (s *spy) setBefore(before func(c call, stop <-chan struct{}) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = before
}

// setAfter changes what is called after calls from now on.
func (s *spy) setAfter(after func(call)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after = after
}

// holdLoop has the next read of the named lease wait until release is closed,
// and closes held when it does.
func (s *spy) holdLoop(name string) (held <-chan struct{}, release chan<- struct{}) {
	reached, released := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = func(keys []lease.Key) {
		if len(keys) == 1 && keys[0].Lease == name {
			once.Do(func() {
				close(reached)
				<-released
			})
		}
	}
	return reached, released
}

// setShows changes what Leases returns from now on.
func (s *spy) setShows(shows func(map[lease.Key]lease.Info)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shows = shows
}

// made returns the calls of the methods named, of all if none is.
func (s *spy) made(methods ...string) []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var made []call
	for _, c := range s.calls {
		for _, method := range methods {
			if c.method == method {
				made = append(made, c)
			}
		}
		if len(methods) == 0 {
			made = append(made, c)
		}
	}
	return made
}

func (s *spy) ClaimLease(k lease.Key, request lease.Request, stop <-chan struct{}) error {
	if err := s.record("ClaimLease", k, request.Holder, stop); err != nil {
		return err
	}
	return s.Store.ClaimLease(k, request, stop)
}

func (s *spy) ExtendLease(k lease.Key, request lease.Request, stop <-chan struct{}) error {
	if err := s.record("ExtendLease", k, request.Holder, stop); err != nil {
		return err
	}
	return s.Store.ExtendLease(k, request, stop)
}

func (s *spy) ExpireLease(k lease.Key) error {
	if err := s.record("ExpireLease", k, "", nil); err != nil {
		return err
	}
	return s.succeeded("ExpireLease", k, s.Store.ExpireLease(k))
}

func (s *spy) succeeded(method string, k lease.Key, err error) error {
	s.mu.Lock()
	after := s.after
	s.mu.Unlock()
	if err == nil && after != nil {
		after(call{method: method, key: k})
	}
	return err
}

func (s *spy) PinLease(k lease.Key, entity string, stop <-chan struct{}) error {
	if err := s.record("PinLease", k, entity, stop); err != nil {
		return err
	}
	return s.Store.PinLease(k, entity, stop)
}

func (s *spy) UnpinLease(k lease.Key, entity string, stop <-chan struct{}) error {
	if err := s.record("UnpinLease", k, entity, stop); err != nil {
		return err
	}
	return s.Store.UnpinLease(k, entity, stop)
}

func (s *spy) Refresh() error {
	if err := s.record("Refresh", lease.Key{}, "", nil); err != nil {
		return err
	}
	return s.Store.Refresh()
}

func (s *spy) Leases(keys ...lease.Key) map[lease.Key]lease.Info {
	leases := s.Store.Leases(keys...)
	if len(keys) > 0 {
		s.one.Add(1)
	} else {
		s.all.Add(1)
	}
	s.mu.Lock()
	shows, reading := s.shows, s.reading
	s.mu.Unlock()
	if reading != nil {
		reading(keys)
	}
	if shows != nil {
		shows(leases)
	}
	return leases
}

// ableSpy is a spy that revokes and notifies as well.
type ableSpy struct{ *spy }

func (s ableSpy) RevokeLease(k lease.Key, who string, stop <-chan struct{}) error {
	if err := s.record("RevokeLease", k, who, stop); err != nil {
		return err
	}
	return s.succeeded("RevokeLease", k, s.Store.(lease.RevokingStore).RevokeLease(k, who, stop))
}

func (s ableSpy) Vacancies(ctx context.Context) <-chan []lease.Key {
	return s.Store.(lease.NotifyingStore).Vacancies(ctx)
}

// newSpyRig starts a manager over a spy that can do all that the memory can.
func newSpyRig(t *testing.T, tweaks ...func(*lease.ManagerConfig)) (*rig, *spy) {
	t.Helper()
	s := new(spy)
	r := newRig(t, func(memory *memstore.Store) lease.Store {
		s.Store = memory
		return ableSpy{s}
	}, append([]func(*lease.ManagerConfig){s.watch}, tweaks...)...)
	return r, s
}

// newPlainRig starts a manager over a spy that is a lease.Store and no more.
func newPlainRig(t *testing.T, tweaks ...func(*lease.ManagerConfig)) (*rig, *spy) {
	t.Helper()
	s := new(spy)
	r := newRig(t, func(memory *memstore.Store) lease.Store {
		s.Store = memory
		return s
	}, append([]func(*lease.ManagerConfig){s.watch}, tweaks...)...)
	return r, s
}

// watch gives the spy the clock of a config.
func (s *spy) watch(config *lease.ManagerConfig) { s.clock = config.Clock }

// always answers every call of a method with err.
func always(method string, err error) func(call, <-chan struct{}) error {
	return func(c call, _ <-chan struct{}) error {
		if c.method == method {
			return err
		}
		return errPass
	}
}

// block lets calls of a method for a lease wait for stop or release, and closes
// entered when the first has begun to.
func block(method, name string, entered chan<- struct{}, release <-chan struct{}) func(call, <-chan struct{}) error {
	var once sync.Once
	return func(c call, stop <-chan struct{}) error {
		if c.method != method || name != "" && c.key.Lease != name {
			return errPass
		}
		once.Do(func() { close(entered) })
		select {
		case <-stop:
			return lease.ErrAborted
		case <-release:
			return errPass
		}
	}
}

// autoStore is a store that expires leases itself, when the test says so, and
// does not tell of it.
type autoStore struct {
	lease.Store
	expiries atomic.Int32
}

func (s *autoStore) Autoexpire() bool { return true }

func (s *autoStore) ExpireLease(k lease.Key) error {
	s.expiries.Add(1)
	return s.Store.ExpireLease(k)
}

// reap is what the store does by itself.
func (s *autoStore) reap(k lease.Key) {
	if err := s.Store.ExpireLease(k); err != nil {
		panic(err)
	}
}

// lateStore is a store that tells of vacancies when the test says so.
type lateStore struct {
	*memstore.Store
	vacancies chan []lease.Key
	ctx       *context.Context
}

func (s lateStore) Vacancies(ctx context.Context) <-chan []lease.Key {
	if s.ctx != nil {
		*s.ctx = ctx
	}
	return s.vacancies
}

var errBroken = errors.New("store is broken")
