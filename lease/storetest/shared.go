package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/unit-agent/unit-agent/lease"
)

// crowd is how many goroutines use a store at once.
const crowd = 8

var concurrencyTests = []conformance{
	{"of many claimants one gets the lease, and the others ErrInvalid", func(s *subject) {
		for round := range 10 {
			s.oneWins(key(fmt.Sprintf("a%d", round)), func(int) lease.Store { return s.Store })
		}
	}},
	{"operations on different leases do not disturb one another", func(s *subject) {
		var group sync.WaitGroup
		for i := range crowd {
			group.Go(func() {
				k, me := key(fmt.Sprintf("lease-%d", i)), fmt.Sprintf("h/%d", i)
				for step, err := range []error{
					s.Store.ClaimLease(k, s.request(me), nil),
					s.Store.ExtendLease(k, s.request(me), nil),
					s.Store.PinLease(k, "e", nil),
					s.Store.UnpinLease(k, "e", nil),
				} {
					if err != nil {
						s.Errorf("%v, step %d: %v", k, step, err)
					}
				}
				if got := holder(s.Store, k); got != me {
					s.Errorf("holder of %v: got %q, want %q", k, got, me)
				}
			})
		}
		group.Wait()
	}},
}

// oneWins has many claim one lease at once, and returns the one who got it.
func (s *subject) oneWins(k lease.Key, store func(i int) lease.Store) (winner string) {
	s.Helper()
	var won atomic.Int32
	var group sync.WaitGroup
	begin := make(chan struct{})
	for i := range crowd {
		group.Go(func() {
			<-begin
			err := store(i).ClaimLease(k, s.request(fmt.Sprintf("h/%d", i)), nil)
			switch {
			case err == nil:
				won.Add(1)
			case !lease.IsInvalid(err):
				s.Errorf("claim %d of %v: got error %v, want ErrInvalid", i, k, err)
			}
		})
	}
	close(begin)
	group.Wait()
	if won.Load() != 1 {
		s.Fatalf("%d of %d claimants got %v", won.Load(), crowd, k)
	}
	s.refresh()
	return holder(s.Store, k)
}

var sharedTests = []conformance{
	{"after Refresh a store shows what another did", func(s *subject) {
		second := s.second()
		s.claim(key("a"), "h/0")
		s.pin(key("a"), "e")
		s.ok(second.Refresh(), "refresh")
		if got := holder(second, key("a")); got != "h/0" {
			s.Errorf("holder of a lease claimed elsewhere: got %q", got)
		}
		if got := second.Pinned()[key("a")]; len(got) != 1 || got[0] != "e" {
			s.Errorf("pins made elsewhere: got %q", got)
		}
	}},
	{"without Refresh a store shows it soon", func(s *subject) {
		second := s.second()
		s.claim(key("a"), "h/0")
		s.eventually(func() bool { return holder(second, key("a")) == "h/0" }, "claim seen elsewhere")
	}},
	{"after ErrInvalid a store shows why", func(s *subject) {
		second := s.second()
		s.claim(key("a"), "h/0")
		s.invalid(second.ClaimLease(key("a"), s.request("h/1"), nil), "claim of a lease claimed elsewhere")
		s.eventually(func() bool { return holder(second, key("a")) == "h/0" }, "holder seen elsewhere")
	}},
	{"of claimants in two stores one gets the lease", func(s *subject) {
		stores := []lease.Store{s.Store, s.second()}
		for round := range 5 {
			k := key(fmt.Sprintf("a%d", round))
			winner := s.oneWins(k, func(i int) lease.Store { return stores[i%2] })
			s.shows(stores[1], k, winner)
		}
	}},
	{"a lease is extended and pinned from any store", func(s *subject) {
		second := s.second()
		s.claim(key("a"), "h/0")
		s.ok(second.Refresh(), "refresh")
		s.ok(second.PinLease(key("a"), "e", nil), "pin elsewhere")
		s.outlive()
		s.ok(second.ExtendLease(key("a"), s.request("h/0"), nil), "extension elsewhere")
		start := s.Clock.Now()
		s.ok(second.UnpinLease(key("a"), "e", nil), "unpin elsewhere")
		s.refresh()
		s.wantPinned(key("a"))
		s.staysUntil(start.Add(s.Term/2), key("a"), "h/0")
	}},
	{"a vacancy is told of in every store", func(s *subject) {
		store, v := s.revoking(), s.vacancies()
		second := s.second()
		s.Store = second
		elsewhere := s.vacancies()
		s.ok(second.ClaimLease(key("a"), s.request("h/0"), nil), "claim elsewhere")
		s.ok(s.revoking().RevokeLease(key("a"), "h/0", nil), "revoke elsewhere")
		v.want(key("a"))
		elsewhere.want(key("a"))
		s.ok(second.ClaimLease(key("b"), s.request("h/0"), nil), "claim elsewhere")
		s.ok(second.Refresh(), "refresh")
		s.ok(store.RevokeLease(key("b"), "h/0", nil), "revoke of a lease claimed elsewhere")
		v.want(key("b"))
		elsewhere.want(key("b"))
	}},
	{"a lease ends although its claimant's store is never used again", func(s *subject) {
		second := s.second()
		s.claim(key("a"), "h/0")
		s.Store = second
		s.refresh()
		s.outlive()
		s.ends(key("a"))
	}},
}

func (s *subject) second() lease.Store {
	s.Helper()
	if s.Second == nil {
		s.Skip("the store shares its substrate with no other")
	}
	return s.Second()
}

var restartTests = []conformance{
	{"a lease is held as before", func(s *subject) {
		start := s.claim(key("a"), "h/0")
		s.restart()
		s.staysUntil(start.Add(s.Term), key("a"), "h/0")
		s.Advance(s.Grace)
		s.ends(key("a"))
	}},
	{"its holder extends it as before", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.restart()
		start := s.extend(key("a"), "h/0")
		s.staysUntil(start.Add(s.Term), key("a"), "h/0")
	}},
	{"a pinned lease outlives it, and its term", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.pin(key("a"), "e")
		s.restart()
		s.wantPinned(key("a"), "e")
		s.outlive()
		s.staysPinned(key("a"), "h/0")
		s.unpin(key("a"), "e")
		s.ends(key("a"))
	}},
	{"a pinned lease outlives its term, and then a restart", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.pin(key("a"), "e")
		s.outlive()
		s.restart()
		s.staysPinned(key("a"), "h/0")
	}},
	{"a pin with no holder waits for one", func(s *subject) {
		s.pin(key("a"), "e")
		s.restart()
		s.wantPinned(key("a"), "e")
		s.claim(key("a"), "h/0")
		s.outlive()
		s.staysPinned(key("a"), "h/0")
	}},
}

// restart puts a new store in the place of the one under test.
func (s *subject) restart() {
	s.Helper()
	if s.Restart == nil {
		s.Skip("the leases do not outlive the store")
	}
	s.Store = s.Restart()
	s.refresh()
}

var cutOffTests = []conformance{
	{"operations end with ErrTimeout", func(s *subject) {
		s.cutOff()
		s.timedOut(s.Store.ClaimLease(key("b"), s.request("h/0"), nil), "ClaimLease")
		s.timedOut(s.Store.ExtendLease(key("a"), s.request("h/0"), nil), "ExtendLease")
		s.timedOut(s.Store.PinLease(key("a"), "e", nil), "PinLease")
		s.timedOut(s.Store.UnpinLease(key("a"), "e", nil), "UnpinLease")
		s.timedOut(s.Store.Refresh(), "Refresh")
		if store, ok := s.Store.(lease.RevokingStore); ok {
			s.timedOut(store.RevokeLease(key("a"), "h/0", nil), "RevokeLease")
		}
	}},
	{"the stop channel ends an operation that hangs, with ErrAborted", func(s *subject) {
		s.cutOff()
		stop := make(chan struct{})
		time.AfterFunc(20*time.Millisecond, func() { close(stop) })
		s.aborted(s.Store.ClaimLease(key("b"), s.request("h/0"), stop), "ClaimLease")
	}},
}

// cutOff claims a lease and then makes the substrate unreachable.
func (s *subject) cutOff() {
	s.Helper()
	if s.CutOff == nil {
		s.Skip("the store cannot lose its substrate")
	}
	s.claim(key("a"), "h/0")
	s.CutOff()
}

func (s *subject) timedOut(err error, call string) {
	s.Helper()
	if !lease.IsTimeout(err) {
		s.Errorf("%s without a substrate: got error %v, want ErrTimeout", call, err)
	}
}
