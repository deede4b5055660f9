package storetest

import (
	"time"

	"github.com/unit-agent/unit-agent/lease"
)

// invalidStrings are some that lease.ValidateString refuses.
var invalidStrings = []string{"", " ", "a b", "a\tb", "a\n", "a.b", "#a", "a$"}

var validationTests = []conformance{
	{"every invalid part of a key is refused", func(s *subject) {
		for _, bad := range invalidStrings {
			for _, k := range []lease.Key{
				{Namespace: bad, ModelUUID: "model", Lease: "a"},
				{Namespace: "ns", ModelUUID: bad, Lease: "a"},
				{Namespace: "ns", ModelUUID: "model", Lease: bad},
			} {
				s.refused(k, s.Store.ClaimLease(k, s.request("h/0"), nil), "ClaimLease")
				s.refused(k, s.Store.ExtendLease(k, s.request("h/0"), nil), "ExtendLease")
				s.refused(k, s.Store.ExpireLease(k), "ExpireLease")
				s.refused(k, s.Store.PinLease(k, "e", nil), "PinLease")
				s.refused(k, s.Store.UnpinLease(k, "e", nil), "UnpinLease")
				if store, ok := s.Store.(lease.RevokingStore); ok {
					s.refused(k, store.RevokeLease(k, "h/0", nil), "RevokeLease")
				}
			}
		}
		s.nothing()
	}},
	{"an invalid holder is refused", func(s *subject) {
		for _, bad := range invalidStrings {
			s.refused(bad, s.Store.ClaimLease(key("a"), s.request(bad), nil), "ClaimLease")
			s.refused(bad, s.Store.ExtendLease(key("a"), s.request(bad), nil), "ExtendLease")
			if store, ok := s.Store.(lease.RevokingStore); ok {
				s.refused(bad, store.RevokeLease(key("a"), bad, nil), "RevokeLease")
			}
		}
		s.nothing()
	}},
	{"an invalid entity is refused", func(s *subject) {
		for _, bad := range invalidStrings {
			s.refused(bad, s.Store.PinLease(key("a"), bad, nil), "PinLease")
			s.refused(bad, s.Store.UnpinLease(key("a"), bad, nil), "UnpinLease")
		}
		s.nothing()
	}},
	{"a duration that is not positive is refused", func(s *subject) {
		for _, bad := range []time.Duration{0, -1, -time.Hour} {
			request := lease.Request{Holder: "h/0", Duration: bad}
			s.refused(bad, s.Store.ClaimLease(key("a"), request, nil), "ClaimLease")
			s.refused(bad, s.Store.ExtendLease(key("a"), request, nil), "ExtendLease")
		}
		s.nothing()
	}},
}

// refused fails the test unless err says that a call was nonsense: it is none
// of the errors that ask the caller to try again.
func (s *subject) refused(what any, err error, call string) {
	s.Helper()
	if err == nil || lease.IsInvalid(err) || lease.IsTimeout(err) || lease.IsAborted(err) {
		s.Errorf("%s with %#v: got error %v, want one that refuses it", call, what, err)
	}
}

// nothing fails the test if the store has any lease or pin.
func (s *subject) nothing() {
	s.Helper()
	s.refresh()
	if leases, pinned := s.Store.Leases(), s.Store.Pinned(); len(leases) != 0 || len(pinned) != 0 {
		s.Errorf("got leases %v and pins %v, want none", leases, pinned)
	}
}

var stopTests = []conformance{
	{"a claim that is stopped: ErrAborted", func(s *subject) {
		s.aborted(s.Store.ClaimLease(key("a"), s.request("h/0"), closed()), "ClaimLease")
		s.nothing()
	}},
	{"an extension that is stopped: ErrAborted", func(s *subject) {
		s.claim(key("a"), "h/0")
		before := s.Store.Leases(key("a"))[key("a")].Expiry
		long := lease.Request{Holder: "h/0", Duration: 100 * s.Term}
		s.aborted(s.Store.ExtendLease(key("a"), long, closed()), "ExtendLease")
		s.refresh()
		s.wantHolder(key("a"), "h/0")
		if after := s.Store.Leases(key("a"))[key("a")].Expiry; after.Sub(before) > 10*s.Term {
			s.Errorf("Expiry went from %v to %v", before, after)
		}
	}},
	{"a pin that is stopped: ErrAborted", func(s *subject) {
		s.aborted(s.Store.PinLease(key("a"), "e", closed()), "PinLease")
		s.nothing()
	}},
	{"an unpin that is stopped: ErrAborted", func(s *subject) {
		s.pin(key("a"), "e")
		s.aborted(s.Store.UnpinLease(key("a"), "e", closed()), "UnpinLease")
		s.refresh()
		s.wantPinned(key("a"), "e")
	}},
	{"a revoke that is stopped: ErrAborted", func(s *subject) {
		store := s.revoking()
		s.claim(key("a"), "h/0")
		s.aborted(store.RevokeLease(key("a"), "h/0", closed()), "RevokeLease")
		s.refresh()
		s.wantHolder(key("a"), "h/0")
	}},
	{"a stop channel that stays open stops nothing", func(s *subject) {
		stop := make(chan struct{})
		s.ok(s.Store.ClaimLease(key("a"), s.request("h/0"), stop), "ClaimLease")
		s.ok(s.Store.ExtendLease(key("a"), s.request("h/0"), stop), "ExtendLease")
		s.ok(s.Store.PinLease(key("a"), "e", stop), "PinLease")
		s.ok(s.Store.UnpinLease(key("a"), "e", stop), "UnpinLease")
	}},
}

func (s *subject) aborted(err error, call string) {
	s.Helper()
	if !lease.IsAborted(err) {
		s.Errorf("%s with a closed stop channel: got error %v, want ErrAborted", call, err)
	}
}

func closed() <-chan struct{} {
	stop := make(chan struct{})
	close(stop)
	return stop
}
