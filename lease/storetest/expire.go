package storetest

import "github.com/unit-agent/unit-agent/lease"

var expireTests = []conformance{
	{"before the time is over: ErrInvalid, and the holder stays", func(s *subject) {
		start := s.claim(key("a"), "h/0")
		for i := range 9 {
			err := s.Store.ExpireLease(key("a"))
			if !s.Clock.Now().Before(start.Add(s.Term)) {
				break // too slow for the rest to mean anything
			}
			s.invalid(err, "expiry before the end of the term")
			s.wantHolder(key("a"), "h/0")
			if i < 8 {
				s.Advance(s.Term / 10)
			}
		}
	}},
	{"of a free lease: ErrInvalid", func(s *subject) {
		s.invalid(s.Store.ExpireLease(key("a")), "expiry of a free lease")
	}},
	{"after the time is over: free", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.outlive()
		s.ends(key("a"))
		s.invalid(s.Store.ExpireLease(key("a")), "expiry of a lease that has ended")
	}},
	{"without autoexpiry a lease stays until it is expired", func(s *subject) {
		if s.Store.Autoexpire() {
			s.Skip("the store expires leases itself")
		}
		s.claim(key("a"), "h/0")
		s.Advance(10 * s.Term)
		s.refresh()
		s.wantHolder(key("a"), "h/0")
		s.invalid(s.Store.ClaimLease(key("a"), s.request("h/1"), nil), "claim of a lease that was not expired")
	}},
	{"its holder may extend a lease past its time, if it is still there", func(s *subject) {
		if s.Store.Autoexpire() {
			s.Skip("the store expires leases itself")
		}
		s.claim(key("a"), "h/0")
		s.Advance(2 * s.Term)
		s.extend(key("a"), "h/0")
		s.invalid(s.Store.ExpireLease(key("a")), "expiry of a lease that was extended")
	}},
}

var revokeTests = []conformance{
	{"by the holder: free at once", func(s *subject) {
		store := s.revoking()
		s.claim(key("a"), "h/0")
		s.ok(store.RevokeLease(key("a"), "h/0", nil), "revoke")
		s.wantHolder(key("a"), "")
		s.claim(key("a"), "h/1")
		s.wantHolder(key("a"), "h/1")
	}},
	{"by anybody else: ErrInvalid, and the holder stays", func(s *subject) {
		store := s.revoking()
		s.claim(key("a"), "h/0")
		s.invalid(store.RevokeLease(key("a"), "h/1", nil), "revoke of another's lease")
		s.wantHolder(key("a"), "h/0")
	}},
	{"of a free lease: ErrInvalid", func(s *subject) {
		store := s.revoking()
		s.invalid(store.RevokeLease(key("a"), "h/0", nil), "revoke of a free lease")
		s.claim(key("a"), "h/0")
		s.ok(store.RevokeLease(key("a"), "h/0", nil), "revoke")
		s.invalid(store.RevokeLease(key("a"), "h/0", nil), "revoke of a lease that was revoked")
	}},
	{"of a pinned lease: free, and its pins wait for the next holder", func(s *subject) {
		store := s.revoking()
		s.claim(key("a"), "h/0")
		s.pin(key("a"), "e")
		s.ok(store.RevokeLease(key("a"), "h/0", nil), "revoke of a pinned lease")
		s.wantHolder(key("a"), "")
		s.wantPinned(key("a"), "e")
		s.claim(key("a"), "h/1")
		s.outlive()
		s.staysPinned(key("a"), "h/1")
	}},
	{"a new term of the same holder is whole", func(s *subject) {
		store := s.revoking()
		s.claim(key("a"), "h/0")
		s.Advance(s.Term / 2)
		s.ok(store.RevokeLease(key("a"), "h/0", nil), "revoke")
		start := s.claim(key("a"), "h/0")
		s.staysUntil(start.Add(s.Term), key("a"), "h/0")
	}},
}

// revoking returns the store if it can revoke, and skips the test if not.
func (s *subject) revoking() lease.RevokingStore {
	s.Helper()
	store, ok := s.Store.(lease.RevokingStore)
	if !ok {
		s.Skip("the store is no lease.RevokingStore")
	}
	return store
}
