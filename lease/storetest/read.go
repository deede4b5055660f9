package storetest

import (
	"maps"
	"slices"

	"github.com/unit-agent/unit-agent/lease"
)

var readTests = []conformance{
	{"an empty store shows nothing", func(s *subject) {
		s.refresh()
		if got := s.Store.Leases(); len(got) != 0 {
			s.Errorf("Leases: got %v", got)
		}
		if got := s.Store.LeaseGroup("ns", "model"); len(got) != 0 {
			s.Errorf("LeaseGroup: got %v", got)
		}
		if got := s.Store.Pinned(); len(got) != 0 {
			s.Errorf("Pinned: got %v", got)
		}
	}},
	{"without keys, Leases returns all that are held", func(s *subject) {
		for _, k := range similarKeys {
			s.claim(k, "h/0")
		}
		s.wantKeys("Leases()", s.Store.Leases(), similarKeys)
		s.refresh()
		s.wantKeys("Leases() after Refresh", s.Store.Leases(), similarKeys)
	}},
	{"with keys, Leases returns those of them that are held", func(s *subject) {
		for _, k := range similarKeys[1:] {
			s.claim(k, "h/0")
		}
		s.wantKeys("Leases of one", s.Store.Leases(similarKeys[1]), similarKeys[1:2])
		s.wantKeys("Leases of three, one free", s.Store.Leases(similarKeys[:3]...), similarKeys[1:3])
		s.wantKeys("Leases of a free one", s.Store.Leases(similarKeys[0]), nil)
	}},
	{"LeaseGroup returns those of one namespace and model", func(s *subject) {
		var want []lease.Key
		for _, k := range similarKeys {
			s.claim(k, "h/0")
			if k.Namespace == "ns" && k.ModelUUID == "model" {
				want = append(want, k)
			}
		}
		s.wantKeys("LeaseGroup", s.Store.LeaseGroup("ns", "model"), want)
		s.wantKeys("LeaseGroup of another model", s.Store.LeaseGroup("ns", "model2"),
			[]lease.Key{{Namespace: "ns", ModelUUID: "model2", Lease: "a"}})
		s.wantKeys("LeaseGroup of no model", s.Store.LeaseGroup("ns", "none"), nil)
	}},
	{"a lease that ended is in no answer", func(s *subject) {
		s.claim(key("a"), "h/0")
		long := lease.Request{Holder: "h/0", Duration: 10 * s.Term}
		s.ok(s.Store.ClaimLease(key("b"), long, nil), "claim for ten terms")
		s.outlive()
		s.ends(key("a"))
		s.wantKeys("Leases()", s.Store.Leases(), []lease.Key{key("b")})
		s.wantKeys("LeaseGroup", s.Store.LeaseGroup("ns", "model"), []lease.Key{key("b")})
	}},
	{"all answers agree", func(s *subject) {
		s.claim(key("a"), "h/0")
		one := s.Store.Leases(key("a"))[key("a")]
		all := s.Store.Leases()[key("a")]
		group := s.Store.LeaseGroup("ns", "model")[key("a")]
		for _, info := range []lease.Info{all, group} {
			if info.Holder != one.Holder || !info.Expiry.Equal(one.Expiry) {
				s.Errorf("got %+v and %+v for the same lease", one, info)
			}
		}
	}},
	{"what Leases and LeaseGroup return is the caller's", func(s *subject) {
		s.claim(key("a"), "h/0")
		for _, leases := range []map[lease.Key]lease.Info{
			s.Store.Leases(), s.Store.Leases(key("a")), s.Store.LeaseGroup("ns", "model"),
		} {
			leases[key("b")] = leases[key("a")]
			delete(leases, key("a"))
		}
		s.wantHolder(key("a"), "h/0")
		s.wantKeys("Leases()", s.Store.Leases(), []lease.Key{key("a")})
		s.wantKeys("LeaseGroup", s.Store.LeaseGroup("ns", "model"), []lease.Key{key("a")})
	}},
	{"Refresh changes nothing", func(s *subject) {
		start := s.claim(key("a"), "h/0")
		s.pin(key("a"), "e")
		s.refresh()
		info := s.Store.Leases(key("a"))[key("a")]
		if info.Holder != "h/0" || info.Expiry.Before(start.Add(s.Term)) {
			s.Errorf("after Refresh: got %+v", info)
		}
		s.wantPinned(key("a"), "e")
	}},
}

// wantKeys fails the test unless the leases are those of the keys.
func (s *subject) wantKeys(what string, leases map[lease.Key]lease.Info, want []lease.Key) {
	s.Helper()
	got := slices.Collect(maps.Keys(leases))
	missing := slices.DeleteFunc(slices.Clone(want), func(k lease.Key) bool { return slices.Contains(got, k) })
	if len(missing) > 0 || len(got) != len(want) {
		s.Errorf("%s: got %v, want %v", what, got, want)
	}
}
