package storetest

import "github.com/unit-agent/unit-agent/lease"

var pinTests = []conformance{
	{"a pinned lease outlives its term", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.pin(key("a"), "e")
		s.outlive()
		s.staysPinned(key("a"), "h/0")
	}},
	{"a pin with no holder goes to the next claimant", func(s *subject) {
		s.pin(key("a"), "e")
		s.wantPinned(key("a"), "e")
		s.wantHolder(key("a"), "")
		s.claim(key("a"), "h/0")
		s.outlive()
		s.staysPinned(key("a"), "h/0")
	}},
	{"a pin past the term keeps a lease that is still there", func(s *subject) {
		if s.Store.Autoexpire() {
			s.Skip("the store expires leases itself")
		}
		s.claim(key("a"), "h/0")
		s.outlive()
		s.pin(key("a"), "e")
		s.staysPinned(key("a"), "h/0")
	}},
	{"after the last unpin a lease ends at once if its time is over", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.pin(key("a"), "e")
		s.outlive()
		s.unpin(key("a"), "e")
		s.wantPinned(key("a"))
		s.ends(key("a"))
	}},
	{"after the last unpin a lease ends when its last claim said", func(s *subject) {
		start := s.claim(key("a"), "h/0")
		s.pin(key("a"), "e")
		s.unpin(key("a"), "e")
		s.staysUntil(start.Add(s.Term), key("a"), "h/0")
		s.Advance(s.Grace)
		s.ends(key("a"))
	}},
	{"an extension while pinned counts after the unpin", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.pin(key("a"), "e")
		s.outlive()
		start := s.extend(key("a"), "h/0")
		s.unpin(key("a"), "e")
		s.staysUntil(start.Add(s.Term), key("a"), "h/0")
		s.Advance(s.Grace)
		s.ends(key("a"))
	}},
	{"the pins of several entities count", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.pin(key("a"), "e")
		s.pin(key("a"), "f")
		s.wantPinned(key("a"), "e", "f")
		s.unpin(key("a"), "e")
		s.wantPinned(key("a"), "f")
		s.outlive()
		s.staysPinned(key("a"), "h/0")
		s.unpin(key("a"), "f")
		s.ends(key("a"))
	}},
	{"to pin twice is to pin once", func(s *subject) {
		s.pin(key("a"), "e")
		s.pin(key("a"), "e")
		s.wantPinned(key("a"), "e")
		s.unpin(key("a"), "e")
		s.wantPinned(key("a"))
	}},
	{"to unpin what is not pinned is no error", func(s *subject) {
		s.unpin(key("a"), "e")
		s.claim(key("a"), "h/0")
		s.unpin(key("a"), "e")
		s.pin(key("a"), "e")
		s.unpin(key("a"), "f")
		s.wantPinned(key("a"), "e")
		s.wantHolder(key("a"), "h/0")
	}},
	{"a pin is for one lease", func(s *subject) {
		for _, k := range similarKeys {
			s.claim(k, "h/0")
		}
		s.pin(similarKeys[0], "e")
		s.outlive()
		for _, k := range similarKeys[1:] {
			s.ends(k)
		}
		s.staysPinned(similarKeys[0], "h/0")
	}},
	{"nobody else can claim or extend a pinned lease", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.pin(key("a"), "e")
		s.outlive()
		s.invalid(s.Store.ClaimLease(key("a"), s.request("h/1"), nil), "claim of a pinned lease")
		s.invalid(s.Store.ExtendLease(key("a"), s.request("h/1"), nil), "extension of a pinned lease by another")
		s.wantHolder(key("a"), "h/0")
	}},
	{"what Pinned returns is the caller's", func(s *subject) {
		s.pin(key("a"), "e")
		pinned := s.Store.Pinned()
		pinned[key("a")][0] = "x"
		pinned[key("b")] = []string{"x"}
		s.wantPinned(key("a"), "e")
		s.wantPinned(key("b"))
	}},
}

// staysPinned fails the test unless a lease that is pinned, and whose time is
// over, is held as before and cannot be expired.
func (s *subject) staysPinned(key lease.Key, want string) {
	s.Helper()
	s.invalid(s.Store.ExpireLease(key), "expiry of a pinned lease")
	s.refresh()
	s.wantHolder(key, want)
}
