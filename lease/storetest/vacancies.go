package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/unit-agent/unit-agent/lease"
)

var vacancyTests = []conformance{
	{"tells of a lease that expired", func(s *subject) {
		v := s.vacancies()
		s.claim(key("a"), "h/0")
		s.outlive()
		s.ends(key("a"))
		v.want(key("a"))
	}},
	{"tells of a lease that was revoked", func(s *subject) {
		store := s.revoking()
		v := s.vacancies()
		s.claim(key("a"), "h/0")
		s.ok(store.RevokeLease(key("a"), "h/0", nil), "revoke")
		v.want(key("a"))
	}},
	{"tells of a pinned lease that ends with its last unpin", func(s *subject) {
		v := s.vacancies()
		s.claim(key("a"), "h/0")
		s.pin(key("a"), "e")
		s.outlive()
		s.unpin(key("a"), "e")
		s.ends(key("a"))
		v.want(key("a"))
	}},
	{"tells of leases that were held before it was asked", func(s *subject) {
		s.claim(key("a"), "h/0")
		v := s.vacancies()
		s.outlive()
		s.ends(key("a"))
		v.want(key("a"))
	}},
	{"by then Leases shows that the lease was free", func(s *subject) {
		v := s.vacancies()
		s.claim(key("a"), "h/0")
		s.outlive()
		if !s.Store.Autoexpire() {
			s.ok(s.Store.ExpireLease(key("a")), "expiry")
		}
		v.want(key("a"))
		s.wantHolder(key("a"), "")
	}},
	{"claims, extensions, pins and refusals are no vacancies", func(s *subject) {
		store := s.revoking()
		v := s.vacancies()
		s.claim(key("a"), "h/0")
		s.extend(key("a"), "h/0")
		s.pin(key("a"), "e")
		s.unpin(key("a"), "e")
		s.invalid(s.Store.ClaimLease(key("a"), s.request("h/1"), nil), "claim of another's lease")
		s.invalid(store.RevokeLease(key("a"), "h/1", nil), "revoke of another's lease")
		s.refresh()
		// The end of another lease shows that whatever came before was sent.
		s.claim(key("end"), "h/0")
		s.ok(store.RevokeLease(key("end"), "h/0", nil), "revoke")
		for k := range v.until(key("end")) {
			if k != key("end") {
				s.Errorf("told of %v, which was held all the time", k)
			}
		}
	}},
	{"none is missed, however slow the reader is", func(s *subject) {
		store := s.revoking()
		v := s.vacancies()
		want := make(map[lease.Key]bool)
		for i := range 200 {
			k := key(fmt.Sprintf("lease-%d", i))
			want[k] = true
			s.claim(k, "h/0")
			s.ok(store.RevokeLease(k, "h/0", nil), "revoke")
		}
		timeout := time.After(watchdog)
		for len(want) > 0 {
			select {
			case keys := <-v.keys:
				for _, k := range keys {
					delete(want, k)
				}
			case <-timeout:
				s.Fatalf("%d vacancies were missed", len(want))
			}
		}
	}},
	{"one lease's vacancies are told one by one to a reader who keeps up", func(s *subject) {
		store := s.revoking()
		v := s.vacancies()
		for range 20 {
			s.claim(key("a"), "h/0")
			s.ok(store.RevokeLease(key("a"), "h/0", nil), "revoke")
			v.want(key("a"))
		}
	}},
	{"every reader is told", func(s *subject) {
		store := s.revoking()
		readers := []vacancies{s.vacancies(), s.vacancies(), s.vacancies()}
		s.claim(key("a"), "h/0")
		s.ok(store.RevokeLease(key("a"), "h/0", nil), "revoke")
		for _, v := range readers {
			v.want(key("a"))
		}
	}},
	{"the channel is closed when the context ends", func(s *subject) {
		gone, stays := s.vacancies(), s.vacancies()
		gone.cancel()
		gone.closes()
		s.claim(key("a"), "h/0")
		s.outlive()
		s.ends(key("a"))
		stays.want(key("a"))
	}},
	{"a context that has ended gives a closed channel", func(s *subject) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		vacancies{s: s, keys: s.notifying().Vacancies(ctx)}.closes()
	}},
}

// notifying returns the store if it tells of vacancies, and skips the test if
// not.
func (s *subject) notifying() lease.NotifyingStore {
	s.Helper()
	store, ok := s.Store.(lease.NotifyingStore)
	if !ok {
		s.Skip("the store is no lease.NotifyingStore")
	}
	return store
}

// vacancies is a reader of vacancies.
type vacancies struct {
	s      *subject
	keys   <-chan []lease.Key
	cancel func()
}

func (s *subject) vacancies() vacancies {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.Cleanup(cancel)
	return vacancies{s: s, keys: s.notifying().Vacancies(ctx), cancel: cancel}
}

// want waits until the reader is told of key.
func (v vacancies) want(key lease.Key) {
	v.s.Helper()
	v.until(key)
}

// until returns all that the reader is told until it is told of key.
func (v vacancies) until(key lease.Key) map[lease.Key]bool {
	v.s.Helper()
	told := make(map[lease.Key]bool)
	timeout := time.After(watchdog)
	for !told[key] {
		select {
		case keys, ok := <-v.keys:
			if !ok {
				v.s.Fatalf("vacancies ended before %v was told of", key)
			}
			for _, k := range keys {
				told[k] = true
			}
		case <-timeout:
			v.s.Fatalf("not told in %v that %v is free", watchdog, key)
		}
	}
	return told
}

// closes waits until the channel is closed.
func (v vacancies) closes() {
	v.s.Helper()
	timeout := time.After(watchdog)
	for {
		select {
		case _, ok := <-v.keys:
			if !ok {
				return
			}
		case <-timeout:
			v.s.Fatalf("channel of vacancies not closed in %v", watchdog)
		}
	}
}
