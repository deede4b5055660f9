package machinelease_test

import (
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/machinelease"
)

// "GetLease fetches a Lease only if it exists. If it does not exist, a nil Lease will be returned."
func TestGetLeaseReturnsNilIfItDoesNotExist(t *testing.T) {
	m, client := start(t)
	if l, err := m.GetLease("a"); l != nil || err != nil {
		t.Fatalf("got %#v, %v; want a nil interface and no error", l, err)
	}
	acquire(t, m, "a", "m1", 7, minute)
	wantLease(t, get(t, m, "a"), client, "a", "m1", 7)
	if l := get(t, m, "b"); l != nil {
		t.Errorf("another name has %v", l)
	}
	expire(t, client, "a")
	if l := get(t, m, "a"); l != nil {
		t.Errorf("after its end there is %v", l)
	}
}

// "AcquireLease acquires a named lease only if the lease is not currently held. If a Lease cannot be acquired, a nil Lease object is returned."
func TestAcquireLeaseOnlyIfNotHeld(t *testing.T) {
	m, client := start(t)
	wantLease(t, acquire(t, m, "unit/mysql/0", "m1", 1, minute), client, "unit/mysql/0", "m1", 1)
	for _, machine := range []string{"m2", "m1"} {
		if l, err := m.AcquireLease("unit/mysql/0", machine, 1, minute); l != nil || err != nil {
			t.Errorf("%s got %#v, %v; want a nil interface and no error", machine, l, err)
		}
	}
	wantEtcdLeases(t, client, 1)
	expire(t, client, "unit/mysql/0")
	wantLease(t, acquire(t, m, "unit/mysql/0", "m2", 2, minute), client, "unit/mysql/0", "m2", 2)
	wantEtcdLeases(t, client, 1)
}

func TestOfManyWhoAcquireOneDoes(t *testing.T) {
	m, client := start(t)
	var got []machinelease.Lease
	var mu sync.Mutex
	together(20, func(i int) {
		l, err := m.AcquireLease("a", "m", i, minute)
		if err != nil {
			t.Error(err)
		}
		if l != nil {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, l)
		}
	})
	if len(got) != 1 {
		t.Fatalf("%d acquired it", len(got))
	}
	wantLease(t, get(t, m, "a"), client, "a", "m", got[0].Version())
	wantEtcdLeases(t, client, 1)
}

// "Renew attempts to extend the Lease TTL to the provided duration."
func TestRenewExtendsToTheDuration(t *testing.T) {
	m, client := start(t)
	l := acquire(t, m, "a", "m1", 1, minute)
	before := l.Index()
	for _, period := range []time.Duration{time.Hour, 30 * time.Second} {
		ok(t, l.Renew(period))
		if left := l.TimeRemaining(); left > period || left < period-watchdog/2 {
			t.Errorf("%v remain of %v", left, period)
		}
		if left := get(t, m, "a").TimeRemaining(); left > period || left < period-watchdog/2 {
			t.Errorf("%v remain of %v on the server", left, period)
		}
		wantLease(t, l, client, "a", "m1", 1)
		if l.Index() <= before {
			t.Errorf("index went from %d to %d", before, l.Index())
		}
		before = l.Index()
		wantEtcdLeases(t, client, 1)
	}
}

// "The operation will succeed only if the Lease has not changed in the LeaseRegistry since it was last renewed or first acquired."
func TestRenewOnlyIfUnchanged(t *testing.T) {
	m, client := start(t)
	l := acquire(t, m, "a", "m1", 1, minute)
	same := get(t, m, "a")
	ok(t, same.Renew(minute))
	if err := l.Renew(time.Hour); !errors.Is(err, machinelease.ErrMoved) || errors.Is(err, machinelease.ErrExpired) {
		t.Errorf("error is %v, want ErrMoved", err)
	}
	if l.Index() >= same.Index() {
		t.Error("the failed renewal moved the index")
	}
	if left := get(t, m, "a").TimeRemaining(); left > minute {
		t.Errorf("the failed renewal left %v", left)
	}
	ok(t, same.Renew(minute))
	wantEtcdLeases(t, client, 1)
}

// "An error is returned if the Lease has already expired" (Renew, Release).
func TestRenewAndReleaseOfAnExpiredLease(t *testing.T) {
	m, client := start(t)
	l := acquire(t, m, "a", "m1", 1, minute)
	expire(t, client, "a")
	for what, err := range map[string]error{"renew": l.Renew(minute), "release": l.Release()} {
		if !errors.Is(err, machinelease.ErrExpired) || errors.Is(err, machinelease.ErrMoved) {
			t.Errorf("%s: error is %v, want ErrExpired", what, err)
		}
	}
	if l := get(t, m, "a"); l != nil {
		t.Error("it came back")
	}
	wantEtcdLeases(t, client, 0)
	next := acquire(t, m, "a", "m1", 1, minute) // by the same machine
	for what, err := range map[string]error{"renew": l.Renew(minute), "release": l.Release()} {
		if !errors.Is(err, machinelease.ErrExpired) || !errors.Is(err, machinelease.ErrMoved) {
			t.Errorf("%s of one that was acquired anew: error is %v, want both", what, err)
		}
	}
	wantLease(t, next, client, "a", "m1", 1)
}

// "The creator of a Lease must repeatedly call Renew to keep their lease from expiring."
func TestALeaseThatIsNotRenewedExpires(t *testing.T) {
	m, client := start(t)
	lost := acquire(t, m, "a", "m1", 1, time.Millisecond)
	deadline := time.Now().Add(watchdog)
	for get(t, m, "a") != nil {
		if time.Now().After(deadline) {
			t.Fatal("it does not")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := lost.Renew(minute); !errors.Is(err, machinelease.ErrExpired) {
		t.Errorf("error is %v, want ErrExpired", err)
	}
	wantEtcdLeases(t, client, 0)
}

// "Release relinquishes the ownership of a Lease back to the Registry."
func TestReleaseFreesTheLease(t *testing.T) {
	m, client := start(t)
	l := acquire(t, m, "a", "m1", 1, minute)
	ok(t, l.Release())
	if l := get(t, m, "a"); l != nil {
		t.Errorf("it is still there: %v", l)
	}
	wantEtcdLeases(t, client, 0)
	if err := l.Release(); !errors.Is(err, machinelease.ErrExpired) {
		t.Errorf("a second release: error is %v, want ErrExpired", err)
	}
	acquire(t, m, "a", "m2", 1, minute)
}

func TestReleaseOfAMovedLease(t *testing.T) {
	m, client := start(t)
	l := acquire(t, m, "a", "m1", 1, minute)
	_, err := m.StealLease("a", "m2", 1, minute, l.Index())
	ok(t, err)
	if err := l.Release(); !errors.Is(err, machinelease.ErrMoved) || errors.Is(err, machinelease.ErrExpired) {
		t.Errorf("error is %v, want ErrMoved", err)
	}
	wantLease(t, get(t, m, "a"), client, "a", "m2", 1)
}

// "StealLease attempts to replace the lessee of the Lease identified by the provided name and index with a new lessee."
func TestStealLeaseReplacesTheLessee(t *testing.T) {
	m, client := start(t)
	l := acquire(t, m, "a", "m1", 1, minute)
	stolen, err := m.StealLease("a", "m2", 2, time.Hour, get(t, m, "a").Index())
	ok(t, err)
	wantLease(t, stolen, client, "a", "m2", 2)
	wantLease(t, get(t, m, "a"), client, "a", "m2", 2)
	wantEtcdLeases(t, client, 1)
	if err := l.Renew(minute); !errors.Is(err, machinelease.ErrMoved) || errors.Is(err, machinelease.ErrExpired) {
		t.Errorf("the victim's renewal: error is %v, want ErrMoved", err)
	}
	ok(t, stolen.Renew(minute))
}

// "This function will fail if the named Lease has progressed past the given index."
func TestStealLeaseFailsPastTheIndex(t *testing.T) {
	m, client := start(t)
	steal := func(what string, index uint64, moved, expired bool) {
		t.Helper()
		l, err := m.StealLease("a", "m2", 2, minute, index)
		if l != nil {
			t.Errorf("%s: got %#v", what, l)
		}
		if errors.Is(err, machinelease.ErrMoved) != moved || errors.Is(err, machinelease.ErrExpired) != expired {
			t.Errorf("%s: error is %v", what, err)
		}
	}
	for _, index := range []uint64{0, 1, math.MaxUint64} {
		steal("of one that never was", index, false, true)
	}
	l := acquire(t, m, "a", "m1", 1, minute)
	old := l.Index()
	steal("at an index to come", old+1, true, false)
	steal("at an index out of range", math.MaxUint64, true, false)
	ok(t, l.Renew(minute))
	steal("of one that was renewed", old, true, false)
	old = l.Index()
	ok(t, l.Release())
	steal("of one that was released", old, false, true)
	next := acquire(t, m, "a", "m1", 1, minute)
	steal("of one that was acquired anew", old, true, true)
	wantLease(t, next, client, "a", "m1", 1)
	wantEtcdLeases(t, client, 1)
}

func TestOfManyWhoStealRenewAndReleaseOneDoes(t *testing.T) {
	m, client := start(t)
	for range 10 {
		l := acquire(t, m, "a", "m", 0, minute)
		var mu sync.Mutex
		var done int
		together(6, func(i int) {
			same := get(t, m, "a")
			var err error
			switch i % 3 {
			case 0:
				_, err = m.StealLease("a", "thief", i, minute, l.Index())
			case 1:
				if same == nil || same.Index() != l.Index() {
					return // somebody was faster
				}
				err = same.Renew(minute)
			case 2:
				if same == nil || same.Index() != l.Index() {
					return
				}
				err = same.Release()
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				done++
			case !errors.Is(err, machinelease.ErrMoved) && !errors.Is(err, machinelease.ErrExpired):
				t.Error(err)
			}
		})
		if done != 1 {
			t.Errorf("%d of one index succeeded", done)
		}
		if l := get(t, m, "a"); l != nil {
			wantEtcdLeases(t, client, 1)
			ok(t, l.Release())
		}
		wantEtcdLeases(t, client, 0)
	}
}

// "MachineID returns the ID of the Machine that holds this Lease. This value must be considered a cached value"
// "Version returns the current version at which the lessee is operating."
func TestMachineIDAndVersionAreCached(t *testing.T) {
	m, _ := start(t)
	l := acquire(t, m, "a", "m\"1 ü", -3, minute)
	seen := get(t, m, "a")
	if _, err := m.StealLease("a", "m2", 2, minute, l.Index()); err != nil {
		t.Fatal(err)
	}
	for _, l := range []machinelease.Lease{l, seen} {
		if l.MachineID() != "m\"1 ü" || l.Version() != -3 {
			t.Errorf("got %s, %d", l.MachineID(), l.Version())
		}
	}
}

// "Index exposes the relative time at which the Lease was created or renewed."
func TestIndexGrows(t *testing.T) {
	m, client := start(t)
	l := acquire(t, m, "a", "m1", 1, minute)
	_, err := client.Put(testContext(t), "/else", "")
	ok(t, err)
	first := l.Index()
	ok(t, l.Renew(minute))
	second := l.Index()
	ok(t, l.Release())
	third := acquire(t, m, "a", "m1", 1, minute).Index()
	if first+2 != second || third <= second {
		t.Errorf("indices are %d, %d, %d", first, second, third)
	}
}

// "TimeRemaining represents the amount of time left on the Lease when it was fetched": never more than the server's.
func TestTimeRemainingIsNeverMoreThanTheServers(t *testing.T) {
	m, client := start(t)
	l := acquire(t, m, "a", "m1", 1, 90*time.Second)
	check := func(what string, got time.Duration) {
		t.Helper()
		response, err := client.Get(testContext(t), prefix+"/a")
		ok(t, err)
		asked := time.Now()
		ttl, err := client.TimeToLive(testContext(t), clientv3.LeaseID(response.Kvs[0].Lease))
		ok(t, err)
		// The server rounds down, and answered up to this much after what is checked.
		if most := time.Duration(ttl.TTL+1)*time.Second + time.Since(asked) + time.Second; got > most || got > time.Duration(ttl.GrantedTTL)*time.Second {
			t.Errorf("%s: %v remain, the server says %ds of %ds", what, got, ttl.TTL, ttl.GrantedTTL)
		}
		if got < watchdog/2 {
			t.Errorf("%s: %v remain", what, got)
		}
	}
	check("acquired", l.TimeRemaining())
	check("fetched", get(t, m, "a").TimeRemaining())
	ok(t, l.Renew(80*time.Second))
	check("renewed", l.TimeRemaining())
	stolen, err := m.StealLease("a", "m2", 1, 70*time.Second, l.Index())
	ok(t, err)
	check("stolen", stolen.TimeRemaining())
}

func TestPeriodsRoundUp(t *testing.T) {
	m, client := start(t)
	granted := func() int64 {
		t.Helper()
		response, err := client.Get(testContext(t), prefix+"/a")
		ok(t, err)
		ttl, err := client.TimeToLive(testContext(t), clientv3.LeaseID(response.Kvs[0].Lease))
		ok(t, err)
		return ttl.GrantedTTL
	}
	l := acquire(t, m, "a", "m1", 1, 59*time.Second+1)
	if got := granted(); got != 60 {
		t.Errorf("granted %d s, want 60", got)
	}
	ok(t, l.Renew(61*time.Second))
	if got := granted(); got != 61 {
		t.Errorf("granted %d s, want 61", got)
	}
	_, err := m.StealLease("a", "m2", 1, 61*time.Second+time.Millisecond, l.Index())
	ok(t, err)
	if got := granted(); got != 62 {
		t.Errorf("granted %d s, want 62", got)
	}
}

func TestWhatIsRefused(t *testing.T) {
	m, client := start(t)
	held := acquire(t, m, "a", "m1", 1, minute)
	for _, refused := range []struct {
		what, name, machine string
		period              time.Duration
	}{
		{"no name", "", "m1", minute},
		{"no machine", "b", "", minute},
		{"machine that is no text", "b", "\xff", minute},
		{"no period", "b", "m1", 0},
		{"negative period", "b", "m1", -time.Second},
	} {
		if l, err := m.AcquireLease(refused.name, refused.machine, 1, refused.period); err == nil || l != nil {
			t.Errorf("%s: acquired %v, %v", refused.what, l, err)
		}
		if l, err := m.StealLease(refused.name, refused.machine, 1, refused.period, held.Index()); err == nil || l != nil {
			t.Errorf("%s: stole %v, %v", refused.what, l, err)
		}
	}
	if l, err := m.GetLease(""); err == nil || l != nil {
		t.Errorf("got %v, %v", l, err)
	}
	for _, period := range []time.Duration{0, -1} {
		err := held.Renew(period)
		if err == nil || errors.Is(err, machinelease.ErrExpired) || errors.Is(err, machinelease.ErrMoved) {
			t.Errorf("renewed for %v: %v", period, err)
		}
	}
	wantLease(t, held, client, "a", "m1", 1)
	wantEtcdLeases(t, client, 1)
	if err := held.Renew(math.MaxInt64); err == nil {
		t.Error("renewed for 292 years, which is more than etcd counts")
	}
	wantEtcdLeases(t, client, 1)
}

// together runs calls of do at the same time.
func together(n int, do func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}
