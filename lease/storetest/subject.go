package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/lease"
)

// watchdog is how long a test waits for what must happen. It is only ever used
// up by a store that fails.
var watchdog = 30 * time.Second

// subject is a store in one test.
type subject struct {
	testing.TB
	Harness
}

func newSubject(t testing.TB, h Harness) *subject {
	switch {
	case h.Store == nil:
		t.Fatal("storetest: Harness.Store is nil")
	case h.Clock == nil:
		t.Fatal("storetest: Harness.Clock is nil")
	case h.Advance == nil:
		t.Fatal("storetest: Harness.Advance is nil")
	case h.Term <= 0:
		t.Fatalf("storetest: Harness.Term %v is not positive", h.Term)
	}
	return &subject{TB: t, Harness: h}
}

// key returns the key of a lease of the tests' usual namespace and model.
func key(name string) lease.Key {
	return lease.Key{Namespace: "ns", ModelUUID: "model", Lease: name}
}

func (s *subject) request(holder string) lease.Request {
	return lease.Request{Holder: holder, Duration: s.Term}
}

// claim claims a lease for the usual term and returns when the claim began.
func (s *subject) claim(key lease.Key, holder string) (start time.Time) {
	s.Helper()
	start = s.Clock.Now()
	s.ok(s.Store.ClaimLease(key, s.request(holder), nil), "claim of %v by %s", key, holder)
	return start
}

// extend extends a lease for the usual term and returns when the call began.
func (s *subject) extend(key lease.Key, holder string) (start time.Time) {
	s.Helper()
	start = s.Clock.Now()
	s.ok(s.Store.ExtendLease(key, s.request(holder), nil), "extension of %v by %s", key, holder)
	return start
}

func (s *subject) pin(key lease.Key, entity string) {
	s.Helper()
	s.ok(s.Store.PinLease(key, entity, nil), "pin of %v by %s", key, entity)
}

func (s *subject) unpin(key lease.Key, entity string) {
	s.Helper()
	s.ok(s.Store.UnpinLease(key, entity, nil), "unpin of %v by %s", key, entity)
}

func (s *subject) refresh() {
	s.Helper()
	s.ok(s.Store.Refresh(), "refresh")
}

func (s *subject) ok(err error, format string, args ...any) {
	s.Helper()
	if err != nil {
		s.Fatalf(format+": %v", append(args, err)...)
	}
}

// invalid fails the test unless err is ErrInvalid.
func (s *subject) invalid(err error, what string) {
	s.Helper()
	if !lease.IsInvalid(err) {
		s.Fatalf("%s: got error %v, want ErrInvalid", what, err)
	}
}

// holder returns who holds the lease, as the store shows it, or "".
func holder(store lease.Store, key lease.Key) string {
	return store.Leases(key)[key].Holder
}

// wantHolder fails the test unless the store shows, at once, that the lease has
// this holder; "" means nobody.
func (s *subject) wantHolder(key lease.Key, want string) {
	s.Helper()
	if got := holder(s.Store, key); got != want {
		s.Fatalf("holder of %v: got %q, want %q", key, got, want)
	}
}

// wantPinned fails the test unless the store shows, at once, that the lease is
// pinned by these entities, which are sorted.
func (s *subject) wantPinned(key lease.Key, want ...string) {
	s.Helper()
	got, pinned := s.Store.Pinned()[key]
	slices.Sort(got)
	if !slices.Equal(got, want) || pinned != (len(want) > 0) {
		s.Fatalf("entities that pin %v: got %q (there: %v), want %q", key, got, pinned, want)
	}
}

// eventually waits until cond holds.
func (s *subject) eventually(cond func() bool, format string, args ...any) {
	s.Helper()
	for deadline := time.Now().Add(watchdog); !cond(); {
		if time.Now().After(deadline) {
			s.Fatalf("did not happen in %v: "+format, append([]any{watchdog}, args...)...)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// shows waits until the store, refreshed, shows this holder.
func (s *subject) shows(store lease.Store, key lease.Key, want string) {
	s.Helper()
	s.eventually(func() bool {
		s.ok(store.Refresh(), "refresh")
		return holder(store, key) == want
	}, "%v held by %q", key, want)
}

// staysUntil lets time pass until end, and fails the test if the store shows,
// at any look before end, that the lease is not held by holder.
func (s *subject) staysUntil(end time.Time, key lease.Key, want string) {
	s.Helper()
	for {
		s.refresh()
		got := holder(s.Store, key)
		now := s.Clock.Now()
		if !now.Before(end) {
			return
		}
		if got != want {
			s.Fatalf("holder of %v %v before the end of its term: got %q, want %q", key, end.Sub(now), got, want)
		}
		s.Advance(min(s.Term/10, end.Sub(now)))
	}
}

// outlive lets a whole term pass, and what a store may add to it.
func (s *subject) outlive() {
	s.Advance(s.Term + s.Grace)
}

// ends sees to it that a lease whose time is over becomes free.
func (s *subject) ends(key lease.Key) {
	s.Helper()
	if !s.Store.Autoexpire() {
		s.ok(s.Store.ExpireLease(key), "expiry of %v after its term", key)
		s.wantHolder(key, "")
		return
	}
	s.shows(s.Store, key, "")
}
