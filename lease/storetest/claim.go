package storetest

import "github.com/unit-agent/unit-agent/lease"

var claimTests = []conformance{
	{"of a free lease: held at once, by its claimant", func(s *subject) {
		start := s.claim(key("a"), "h/0")
		info, held := s.Store.Leases(key("a"))[key("a")]
		if !held || info.Holder != "h/0" {
			s.Fatalf("after a claim: got %+v (held: %v)", info, held)
		}
		if end := start.Add(s.Term); info.Expiry.Before(end) {
			s.Errorf("Expiry %v is before %v, the end of the term counted from before the call", info.Expiry, end)
		}
		if latest := s.Clock.Now().Add(s.Term + s.Grace); info.Expiry.After(latest) {
			s.Errorf("Expiry %v is after %v, the latest that the harness allows for", info.Expiry, latest)
		}
	}},
	{"the duration is guaranteed from before the call", func(s *subject) {
		start := s.claim(key("a"), "h/0")
		s.staysUntil(start.Add(s.Term), key("a"), "h/0")
	}},
	{"of a lease of another's: ErrInvalid, and the holder stays", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.invalid(s.Store.ClaimLease(key("a"), s.request("h/1"), nil), "claim of another's lease")
		s.wantHolder(key("a"), "h/0")
	}},
	{"of one's own lease: ErrInvalid", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.invalid(s.Store.ClaimLease(key("a"), s.request("h/0"), nil), "claim of one's own lease")
		s.wantHolder(key("a"), "h/0")
	}},
	{"of a lease that ended: held by its new claimant", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.outlive()
		s.ends(key("a"))
		s.claim(key("a"), "h/1")
		s.wantHolder(key("a"), "h/1")
	}},
	{"leases are independent of one another", func(s *subject) {
		for _, k := range similarKeys {
			s.claim(k, "h/"+k.Lease)
		}
		for _, k := range similarKeys {
			s.wantHolder(k, "h/"+k.Lease)
		}
	}},
	{"the trapdoor takes a nil key and refuses one that it does not know", func(s *subject) {
		s.claim(key("a"), "h/0")
		trapdoor := s.Store.Leases(key("a"))[key("a")].Trapdoor
		if trapdoor == nil {
			trapdoor = lease.LockedTrapdoor
		}
		for attempt := range 2 {
			s.ok(trapdoor(attempt, nil), "trapdoor without a key, attempt %d", attempt)
			if err := trapdoor(attempt, &struct{ private int }{}); err == nil {
				s.Errorf("trapdoor took a key of a type that it cannot know, attempt %d", attempt)
			}
		}
	}},
}

// similarKeys are keys that a store might take for one another.
var similarKeys = []lease.Key{
	{Namespace: "ns", ModelUUID: "model", Lease: "a"},
	{Namespace: "ns", ModelUUID: "model", Lease: "ab"},
	{Namespace: "ns", ModelUUID: "model", Lease: "a/b"},
	{Namespace: "ns", ModelUUID: "model", Lease: "a%2Fb"},
	{Namespace: "ns", ModelUUID: "model", Lease: "A"},
	{Namespace: "ns", ModelUUID: "model", Lease: "ä"},
	{Namespace: "ns", ModelUUID: "model/a", Lease: "b"},
	{Namespace: "ns", ModelUUID: "model2", Lease: "a"},
	{Namespace: "ns", ModelUUID: "other", Lease: "a"},
	{Namespace: "ns/model", ModelUUID: "a", Lease: "b"},
	{Namespace: "ns2", ModelUUID: "model", Lease: "a"},
}

var extendTests = []conformance{
	{"of one's own lease: lasts a term more, from before the call", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.Advance(s.Term / 2)
		start := s.extend(key("a"), "h/0")
		if expiry := s.Store.Leases(key("a"))[key("a")].Expiry; expiry.Before(start.Add(s.Term)) {
			s.Errorf("Expiry %v is before %v", expiry, start.Add(s.Term))
		}
		s.staysUntil(start.Add(s.Term), key("a"), "h/0")
	}},
	{"time and again keeps the lease", func(s *subject) {
		s.claim(key("a"), "h/0")
		for range 5 {
			s.Advance(s.Term / 2)
			s.extend(key("a"), "h/0")
			s.wantHolder(key("a"), "h/0")
		}
	}},
	{"never makes a lease shorter", func(s *subject) {
		start := s.Clock.Now()
		long := lease.Request{Holder: "h/0", Duration: 3 * s.Term}
		s.ok(s.Store.ClaimLease(key("a"), long, nil), "claim for three terms")
		s.extend(key("a"), "h/0")
		if expiry := s.Store.Leases(key("a"))[key("a")].Expiry; expiry.Before(start.Add(long.Duration)) {
			s.Errorf("Expiry %v is before %v, the end of the longer term", expiry, start.Add(long.Duration))
		}
		s.staysUntil(start.Add(long.Duration), key("a"), "h/0")
	}},
	{"for longer makes a lease longer", func(s *subject) {
		s.claim(key("a"), "h/0")
		start := s.Clock.Now()
		long := lease.Request{Holder: "h/0", Duration: 3 * s.Term}
		s.ok(s.Store.ExtendLease(key("a"), long, nil), "extension for three terms")
		s.staysUntil(start.Add(long.Duration), key("a"), "h/0")
		s.Advance(s.Grace)
		s.ends(key("a"))
	}},
	{"of a free lease: ErrInvalid", func(s *subject) {
		s.invalid(s.Store.ExtendLease(key("a"), s.request("h/0"), nil), "extension of a free lease")
		s.wantHolder(key("a"), "")
	}},
	{"of another's lease: ErrInvalid, and the holder stays", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.invalid(s.Store.ExtendLease(key("a"), s.request("h/1"), nil), "extension of another's lease")
		s.wantHolder(key("a"), "h/0")
	}},
	{"does not put off the end of another lease", func(s *subject) {
		s.claim(key("a"), "h/0")
		s.claim(key("b"), "h/0")
		s.Advance(s.Term / 2)
		s.extend(key("b"), "h/0")
		s.Advance(s.Term/2 + s.Grace)
		s.ends(key("a"))
	}},
}
