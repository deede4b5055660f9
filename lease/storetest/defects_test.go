package storetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/juju/clock/testclock"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/memstore"
)

// The suite is worth nothing if it passes a store that is wrong. Each defect
// here makes a sound store wrong in one way; the suite must notice.

// defect is a way to be wrong, and the group of tests that must fail for it.
type defect struct {
	name  string
	group string
	store func(*memstore.Store, *testclock.Clock) lease.Store
}

var defects = []defect{
	{"claims take leases from others", "claim", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, claim: func(k lease.Key, r lease.Request, stop <-chan struct{}) error {
			if k.Validate() == nil && r.Validate() == nil {
				_ = s.RevokeLease(k, holder(s, k), stop)
			}
			return s.ClaimLease(k, r, stop)
		}}
	}},
	{"a term is shorter than asked for", "claim", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, claim: func(k lease.Key, r lease.Request, stop <-chan struct{}) error {
			r.Duration -= r.Duration / 20
			return s.ClaimLease(k, r, stop)
		}}
	}},
	{"keys are joined", "claim", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, claim: func(k lease.Key, r lease.Request, stop <-chan struct{}) error {
			if k.Namespace == "ns/model" {
				k = lease.Key{Namespace: "ns", ModelUUID: "model", Lease: k.ModelUUID + "/" + k.Lease}
			}
			return s.ClaimLease(k, r, stop)
		}}
	}},
	{"extensions do nothing", "extend", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, extend: func(lease.Key, lease.Request, <-chan struct{}) error { return nil }}
	}},
	{"extensions shorten", "extend", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, extend: func(k lease.Key, r lease.Request, stop <-chan struct{}) error {
			if k.Validate() == nil && r.Validate() == nil && holder(s, k) == r.Holder {
				_ = s.RevokeLease(k, r.Holder, stop)
				return s.ClaimLease(k, r, stop)
			}
			return s.ExtendLease(k, r, stop)
		}}
	}},
	{"a claim of a lease that is held is taken for an extension", "claim", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, claim: func(k lease.Key, r lease.Request, stop <-chan struct{}) error {
			if holder(s, k) != "" {
				return s.ExtendLease(k, r, stop)
			}
			return s.ClaimLease(k, r, stop)
		}}
	}},
	{"leases expire early", "expire", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, expire: func(k lease.Key) error {
			if info, held := s.Leases(k)[k]; held && len(s.Pinned()[k]) == 0 {
				return s.RevokeLease(k, info.Holder, nil)
			}
			return s.ExpireLease(k)
		}}
	}},
	{"pinned leases expire", "pin", func(s *memstore.Store, clock *testclock.Clock) lease.Store {
		return broken{Store: s, expire: func(k lease.Key) error {
			if info, held := s.Leases(k)[k]; held && !clock.Now().Before(info.Expiry) {
				return s.RevokeLease(k, info.Holder, nil)
			}
			return s.ExpireLease(k)
		}}
	}},
	{"anybody may revoke", "revoke", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, revoke: func(k lease.Key, who string, stop <-chan struct{}) error {
			if now := holder(s, k); now != "" && lease.ValidateString(who) == nil {
				who = now
			}
			return s.RevokeLease(k, who, stop)
		}}
	}},
	{"a revoke takes the pins along", "revoke", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, revoke: func(k lease.Key, who string, stop <-chan struct{}) error {
			for _, entity := range s.Pinned()[k] {
				_ = s.UnpinLease(k, entity, stop)
			}
			return s.RevokeLease(k, who, stop)
		}}
	}},
	{"an unpin takes all pins away", "pin", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, unpin: func(k lease.Key, entity string, stop <-chan struct{}) error {
			for _, other := range s.Pinned()[k] {
				_ = s.UnpinLease(k, other, stop)
			}
			return s.UnpinLease(k, entity, stop)
		}}
	}},
	{"Leases ignores its keys", "read", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, leases: func(...lease.Key) map[lease.Key]lease.Info { return s.Leases() }}
	}},
	{"LeaseGroup goes by the start of a name", "read", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, group: func(namespace, model string) map[lease.Key]lease.Info {
			all := s.Leases()
			for k := range all {
				if k.Namespace != namespace || !strings.HasPrefix(k.ModelUUID, model) {
					delete(all, k)
				}
			}
			return all
		}}
	}},
	{"one vacancy in many is missed", "vacancies", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, vacancies: func(ctx context.Context) <-chan []lease.Key {
			return relay(s.Vacancies(ctx), func(k lease.Key) bool { return k.Lease != "lease-77" })
		}}
	}},
	{"vacancies are told to one reader only", "vacancies", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		var only <-chan []lease.Key
		return broken{Store: s, vacancies: func(ctx context.Context) <-chan []lease.Key {
			if only == nil {
				only = s.Vacancies(ctx)
			}
			return only
		}}
	}},
	{"the channel of vacancies is never closed", "vacancies", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, vacancies: func(context.Context) <-chan []lease.Key {
			return s.Vacancies(context.Background())
		}}
	}},
	{"white space is taken", "validation", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, claim: func(k lease.Key, r lease.Request, stop <-chan struct{}) error {
			k.Lease = strings.TrimSpace(k.Lease)
			return s.ClaimLease(k, r, stop)
		}}
	}},
	{"a bad name is ErrInvalid", "validation", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, expire: func(k lease.Key) error {
			if err := k.Validate(); err != nil {
				return fmt.Errorf("%w: %v", lease.ErrInvalid, err)
			}
			return s.ExpireLease(k)
		}}
	}},
	{"the stop channel is ignored", "stop", func(s *memstore.Store, _ *testclock.Clock) lease.Store {
		return broken{Store: s, claim: func(k lease.Key, r lease.Request, _ <-chan struct{}) error {
			return s.ClaimLease(k, r, nil)
		}}
	}},
}

func TestSuiteNoticesDefects(t *testing.T) {
	for _, d := range defects {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestDefective$", "-test.v")
			cmd.Env = append(os.Environ(), defectVariable+"="+d.name)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatal("the suite passed the store")
			}
			if !strings.Contains(string(out), "--- FAIL: TestDefective/"+d.group+"/") {
				t.Errorf("no failure in %q; output:\n%s", d.group, out)
			}
		})
	}
}

const defectVariable = "STORETEST_DEFECT"

// TestDefective is for TestSuiteNoticesDefects, which runs it in a process of
// its own.
func TestDefective(t *testing.T) {
	name := os.Getenv(defectVariable)
	if name == "" {
		t.Skip("run by TestSuiteNoticesDefects")
	}
	watchdog = 2 * time.Second
	for _, d := range defects {
		if d.name == name {
			Run(t, func(testing.TB) Harness {
				clock := testclock.NewClock(time.Unix(1000, 0))
				return Harness{
					Store: d.store(memstore.New(clock), clock), Clock: clock, Advance: clock.Advance, Term: time.Minute,
				}
			})
			return
		}
	}
	t.Logf("no defect %q", name)
}

// broken is a store some of whose methods are replaced.
type broken struct {
	*memstore.Store
	claim, extend func(lease.Key, lease.Request, <-chan struct{}) error
	expire        func(lease.Key) error
	revoke, unpin func(lease.Key, string, <-chan struct{}) error
	leases        func(...lease.Key) map[lease.Key]lease.Info
	group         func(namespace, model string) map[lease.Key]lease.Info
	vacancies     func(context.Context) <-chan []lease.Key
}

func (b broken) ClaimLease(k lease.Key, r lease.Request, stop <-chan struct{}) error {
	if b.claim != nil {
		return b.claim(k, r, stop)
	}
	return b.Store.ClaimLease(k, r, stop)
}

func (b broken) ExtendLease(k lease.Key, r lease.Request, stop <-chan struct{}) error {
	if b.extend != nil {
		return b.extend(k, r, stop)
	}
	return b.Store.ExtendLease(k, r, stop)
}

func (b broken) ExpireLease(k lease.Key) error {
	if b.expire != nil {
		return b.expire(k)
	}
	return b.Store.ExpireLease(k)
}

func (b broken) RevokeLease(k lease.Key, who string, stop <-chan struct{}) error {
	if b.revoke != nil {
		return b.revoke(k, who, stop)
	}
	return b.Store.RevokeLease(k, who, stop)
}

func (b broken) UnpinLease(k lease.Key, entity string, stop <-chan struct{}) error {
	if b.unpin != nil {
		return b.unpin(k, entity, stop)
	}
	return b.Store.UnpinLease(k, entity, stop)
}

func (b broken) Leases(keys ...lease.Key) map[lease.Key]lease.Info {
	if b.leases != nil {
		return b.leases(keys...)
	}
	return b.Store.Leases(keys...)
}

func (b broken) LeaseGroup(namespace, model string) map[lease.Key]lease.Info {
	if b.group != nil {
		return b.group(namespace, model)
	}
	return b.Store.LeaseGroup(namespace, model)
}

func (b broken) Vacancies(ctx context.Context) <-chan []lease.Key {
	if b.vacancies != nil {
		return b.vacancies(ctx)
	}
	return b.Store.Vacancies(ctx)
}

// relay passes on the keys that pass.
func relay(from <-chan []lease.Key, pass func(lease.Key) bool) <-chan []lease.Key {
	to := make(chan []lease.Key)
	go func() {
		defer close(to)
		for keys := range from {
			var passed []lease.Key
			for _, k := range keys {
				if pass(k) {
					passed = append(passed, k)
				}
			}
			to <- passed
		}
	}()
	return to
}
