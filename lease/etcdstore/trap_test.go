package etcdstore_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/etcdstore"
	"github.com/unit-agent/unit-agent/store/etcdtest"
)

// The traps that others fell into, each by its name.

// rig is a store whose requests go through a wire, on a server of its own whose least lease time is a second.
type rig struct {
	store  *etcdstore.Store
	wire   *wire
	client *clientv3.Client // of the same server, with nothing in between
}

func newRig(t *testing.T, tweaks ...func(*etcdstore.Config)) *rig {
	t.Helper()
	t.Parallel()
	server := etcdtest.NewCluster(t, 1)
	client, wire := wired(t, server.Endpoints()...)
	return &rig{store: start(t, client, tweaks...), wire: wire, client: server.Client()}
}

func quick(config *etcdstore.Config) { config.OperationTimeout = 300 * time.Millisecond }

func wantTimeout(t *testing.T, err error, what string) {
	t.Helper()
	if !lease.IsTimeout(err) {
		t.Fatalf("%s: got error %v, want ErrTimeout", what, err)
	}
}

// free fails the test unless nobody holds the lease, and waits until no etcd lease is left.
func (r *rig) free(t *testing.T, name string) {
	t.Helper()
	wantCounters(t, r.client, 0)
	if found := kv(t, r.client, where(name)); found != nil {
		t.Fatalf("key is there: %s", found.Value)
	}
	ok(t, r.store.Refresh())
	if got := holder(r.store, name); got != "" {
		t.Fatalf("held by %q, want nobody", got)
	}
}

// Trap: a claim is reported as granted although its etcd lease, and so its key, is gone.
func TestTrapPhantomLeadership(t *testing.T) {
	r := newRig(t)
	r.wire.set(once("Txn", before(func() {
		for _, id := range counters(t, r.client) {
			_, err := r.client.Revoke(testContext(t), id)
			ok(t, err)
		}
	})))
	wantTimeout(t, r.store.ClaimLease(key("a"), request("h/0", 5*time.Second), nil), "claim whose etcd lease was lost")
	r.free(t, "a")
	ok(t, r.store.ClaimLease(key("a"), request("h/0", 5*time.Second), nil))
}

// Trap: the lease is lost while the renewal is under way.
func TestTrapLostWhileRenewing(t *testing.T) {
	r := newRig(t)
	ok(t, r.store.ClaimLease(key("a"), request("h/0", 5*time.Second), nil))
	r.wire.set(once("Txn", before(func() {
		_, err := r.client.Revoke(testContext(t), counters(t, r.client)[0])
		ok(t, err)
	})))
	if err := r.store.ExtendLease(key("a"), request("h/0", 5*time.Second), nil); !lease.IsInvalid(err) && !lease.IsTimeout(err) {
		t.Fatalf("extension of a lease that was lost: got %v", err)
	}
	r.free(t, "a")
}

// Trap: what fails leaves its key or its etcd lease behind. Every exit path revokes.
func TestTrapEveryExitPathRevokes(t *testing.T) {
	claim := func(r *rig, stop <-chan struct{}) error {
		return r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), stop)
	}
	for _, test := range []struct {
		name   string
		method string
		fault  fault
	}{
		{"grant whose request is lost", "LeaseGrant", requestHangs},
		{"grant whose reply is lost", "LeaseGrant", replyHangs},
		{"transaction whose request is lost", "Txn", requestHangs},
		{"transaction whose reply is lost", "Txn", replyHangs},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, quick)
			r.wire.set(once(test.method, test.fault))
			wantTimeout(t, claim(r, nil), "claim")
			r.free(t, "a")
			ok(t, claim(r, nil))
		})
		t.Run(test.name+", stopped", func(t *testing.T) {
			r := newRig(t)
			r.wire.set(once(test.method, test.fault))
			stop := make(chan struct{})
			time.AfterFunc(50*time.Millisecond, func() { close(stop) })
			if err := claim(r, stop); !lease.IsAborted(err) {
				t.Fatalf("claim: got error %v, want ErrAborted", err)
			}
			r.free(t, "a")
		})
		t.Run(test.name+", and the store stops", func(t *testing.T) {
			r := newRig(t)
			r.wire.set(once(test.method, test.fault))
			time.AfterFunc(50*time.Millisecond, r.store.Kill)
			if err := claim(r, nil); err == nil || lease.IsInvalid(err) {
				t.Fatalf("claim: got error %v", err)
			}
			ok(t, r.store.Wait())
			wantCounters(t, r.client, 0)
		})
	}
	t.Run("denied", func(t *testing.T) {
		r := newRig(t)
		other := start(t, r.client)
		ok(t, other.ClaimLease(key("a"), request("h/1", 30*time.Second), nil))
		for range 5 {
			if err := claim(r, nil); !lease.IsInvalid(err) {
				t.Fatalf("claim: got error %v, want ErrInvalid", err)
			}
		}
		wantCounters(t, r.client, 1)
	})
	t.Run("denied at the last moment", func(t *testing.T) {
		r := newRig(t)
		other := start(t, r.client)
		r.wire.set(once("LeaseGrant", before(func() {
			ok(t, other.ClaimLease(key("a"), request("h/1", 30*time.Second), nil))
		})))
		if err := claim(r, nil); !lease.IsInvalid(err) {
			t.Fatalf("claim: got error %v, want ErrInvalid", err)
		}
		if got := holder(r.store, "a"); got != "h/1" {
			t.Fatalf("after ErrInvalid the store shows %q", got)
		}
		wantCounters(t, r.client, 1)
	})
	t.Run("revoked", func(t *testing.T) {
		r := newRig(t)
		ok(t, claim(r, nil))
		ok(t, r.store.RevokeLease(key("a"), "h/0", nil))
		r.free(t, "a")
	})
	t.Run("revoked while pinned", func(t *testing.T) {
		r := newRig(t)
		ok(t, claim(r, nil))
		ok(t, r.store.PinLease(key("a"), "e", nil))
		ok(t, r.store.RevokeLease(key("a"), "h/0", nil))
		r.free(t, "a")
	})
	t.Run("the cluster is away for a while", func(t *testing.T) {
		r := newRig(t, quick)
		r.wire.set(func(method string) fault {
			if method == "LeaseGrant" {
				return nil
			}
			return refused
		})
		wantTimeout(t, claim(r, nil), "claim")
		if n := len(counters(t, r.client)); n != 1 {
			t.Fatalf("got %d etcd leases, want 1 that is to be revoked", n)
		}
		r.wire.set(nil)
		r.free(t, "a")
	})
}

// Trap: a release that failed makes the next one a silent no-op.
func TestTrapReleaseIsTriedAgain(t *testing.T) {
	r := newRig(t, quick)
	ok(t, r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), nil))
	r.wire.set(always(requestHangs, "Txn"))
	wantTimeout(t, r.store.RevokeLease(key("a"), "h/0", nil), "release")
	r.wire.set(nil)
	ok(t, r.store.RevokeLease(key("a"), "h/0", nil))
	r.free(t, "a")
}

// Trap: an error means that nothing happened. It means that nobody knows, until somebody looks.
func TestTrapErrorMeansUnknown(t *testing.T) {
	t.Run("a claim that was done is found to be", func(t *testing.T) {
		r := newRig(t)
		r.wire.set(once("Txn", replyLost))
		begin := time.Now()
		ok(t, r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), nil))
		expiry := r.store.Leases(key("a"))[key("a")].Expiry
		if expiry.Before(begin.Add(30*time.Second)) || expiry.After(time.Now().Add(30*time.Second)) {
			t.Errorf("Expiry in %v", time.Until(expiry))
		}
		wantCounters(t, r.client, 1)
	})
	t.Run("a grant that was done is used", func(t *testing.T) {
		r := newRig(t)
		r.wire.set(once("LeaseGrant", replyLost))
		ok(t, r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), nil))
		wantCounters(t, r.client, 1)
	})
	t.Run("a transaction that was not done is tried again", func(t *testing.T) {
		r := newRig(t)
		r.wire.set(once("Txn", refused))
		ok(t, r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), nil))
		r.wire.set(once("Txn", refused))
		ok(t, r.store.ExtendLease(key("a"), request("h/0", 30*time.Second), nil))
		r.wire.set(once("Txn", refused))
		ok(t, r.store.PinLease(key("a"), "e", nil))
		r.wire.set(once("Txn", refused))
		ok(t, r.store.UnpinLease(key("a"), "e", nil))
		r.wire.set(once("Txn", refused))
		ok(t, r.store.RevokeLease(key("a"), "h/0", nil))
		r.free(t, "a")
	})
	t.Run("whatever was done is found to be", func(t *testing.T) {
		r := newRig(t)
		ok(t, r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), nil))
		for _, d := range []time.Duration{30 * time.Second, 40 * time.Second} {
			r.wire.set(once("Txn", replyLost))
			ok(t, r.store.ExtendLease(key("a"), request("h/0", d), nil))
			if left := time.Until(r.store.Leases(key("a"))[key("a")].Expiry); left > d || left < d-10*time.Second {
				t.Errorf("after an extension for %v the lease ends in %v", d, left)
			}
		}
		r.wire.set(once("Txn", replyLost))
		ok(t, r.store.PinLease(key("a"), "e", nil))
		r.wire.set(once("Txn", replyLost))
		ok(t, r.store.UnpinLease(key("a"), "e", nil))
		wantCounters(t, r.client, 1)
		r.wire.set(once("Txn", replyLost))
		ok(t, r.store.RevokeLease(key("a"), "h/0", nil))
		r.free(t, "a")
	})
	t.Run("an extension of unknown outcome takes nothing away", func(t *testing.T) {
		for name, f := range map[string]fault{"done": replyHangs, "not done": requestHangs} {
			t.Run(name, func(t *testing.T) {
				r := newRig(t, quick)
				ok(t, r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), nil))
				fence := fenceOf(t, r.store, "a")
				r.wire.set(once("Txn", f))
				wantTimeout(t, r.store.ExtendLease(key("a"), request("h/0", 40*time.Second), nil), "extension")
				wantCounters(t, r.client, 1) // of two, one is of no use
				ok(t, r.store.Refresh())
				if got := holder(r.store, "a"); got != "h/0" {
					t.Fatalf("holder: got %q", got)
				}
				if !fenced(t, r.client, fence) {
					t.Error("the fence fell")
				}
				bound := kv(t, r.client, where("a")).Lease
				if got := counters(t, r.client); got[0] != clientv3.LeaseID(bound) {
					t.Errorf("key is bound to %x, and %x is on the server", bound, got[0])
				}
				ok(t, r.store.ExtendLease(key("a"), request("h/0", 40*time.Second), nil))
				wantCounters(t, r.client, 1)
			})
		}
	})
}

// Trap: a transaction that the client gave up is carried out later.
func TestTrapLateTransaction(t *testing.T) {
	t.Run("claim", func(t *testing.T) {
		r := newRig(t, quick)
		release, done := make(chan struct{}), make(chan error, 1)
		r.wire.set(once("Txn", late(release, done)))
		wantTimeout(t, r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), nil), "claim")
		r.free(t, "a")
		close(release)
		if err := <-done; err == nil {
			t.Error("the late transaction was carried out")
		}
		r.free(t, "a")
	})
	t.Run("claim of a pinned lease", func(t *testing.T) {
		r := newRig(t, quick)
		ok(t, r.store.PinLease(key("a"), "e", nil))
		release, done := make(chan struct{}), make(chan error, 1)
		r.wire.set(once("Txn", late(release, done)))
		wantTimeout(t, r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), nil), "claim")
		r.free(t, "a")
		close(release)
		ok(t, <-done) // its comparisons fail
		r.free(t, "a")
	})
	t.Run("extension", func(t *testing.T) {
		r := newRig(t, quick)
		ok(t, r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), nil))
		bound := kv(t, r.client, where("a")).Lease
		release, done := make(chan struct{}), make(chan error, 1)
		r.wire.set(once("Txn", late(release, done)))
		wantTimeout(t, r.store.ExtendLease(key("a"), request("h/0", 40*time.Second), nil), "extension")
		wantCounters(t, r.client, 1)
		close(release)
		if err := <-done; err != nil {
			t.Logf("the late transaction: %v", err)
		}
		if got := kv(t, r.client, where("a")); got == nil || got.Lease != bound {
			t.Errorf("key after the late transaction: got %v, want it bound to %x", got, bound)
		}
	})
}

// Trap: the retry of a claim of unknown outcome is taken for an extension, and then the clean-up after the first try ends it.
func TestTrapCleanUpDoesNotHitTheRetry(t *testing.T) {
	r := newRig(t, quick)
	for range 20 {
		r.wire.set(once("Txn", replyHangs))
		err := r.store.ClaimLease(key("a"), request("h/0", 2*time.Second), nil)
		r.wire.set(nil)
		if err != nil { // or the reply that was lost was one of the clean-up in the round before
			wantTimeout(t, err, "claim")
		}
		eventually(t, "claim or extension", func() bool {
			if err = r.store.ExtendLease(key("a"), request("h/0", 2*time.Second), nil); lease.IsInvalid(err) {
				err = r.store.ClaimLease(key("a"), request("h/0", 2*time.Second), nil)
			}
			return err == nil
		})
		wantCounters(t, r.client, 1)
		ok(t, r.store.Refresh())
		if got := holder(r.store, "a"); got != "h/0" {
			t.Fatalf("holder after a clean-up: got %q", got)
		}
		ok(t, r.store.RevokeLease(key("a"), "h/0", nil))
	}
	r.free(t, "a")
}

// Trap: the deadline is counted from the receipt of the reply.
func TestTrapDeadlineFromBeforeTheCall(t *testing.T) {
	const slow = 400 * time.Millisecond
	r := newRig(t)
	expiresIn := func(d time.Duration, call func() error) {
		t.Helper()
		begin := time.Now()
		ok(t, call())
		sent := begin.Add(slow)
		if expiry := r.store.Leases(key("a"))[key("a")].Expiry; expiry.Before(begin.Add(d)) || !expiry.Before(sent.Add(d)) {
			t.Errorf("Expiry is %v after the call began, want between %v and %v", expiry.Sub(begin), d, d+slow)
		}
	}
	r.wire.set(always(delayed(slow), "LeaseGrant", "LeaseKeepAlive/recv"))
	expiresIn(10*time.Second, func() error { return r.store.ClaimLease(key("a"), request("h/0", 10*time.Second), nil) })
	expiresIn(10*time.Second, func() error { return r.store.ExtendLease(key("a"), request("h/0", 10*time.Second), nil) })
	expiresIn(20*time.Second, func() error { return r.store.ExtendLease(key("a"), request("h/0", 20*time.Second), nil) })
}

// Trap: what counts is taken to be the time that was asked for, not the one that was granted; and a time that is not whole seconds is cut off.
func TestTrapGrantedTime(t *testing.T) {
	for _, test := range []struct{ asked, granted time.Duration }{
		{time.Nanosecond, 2 * time.Second}, // the least that the embedded server grants
		{1500 * time.Millisecond, 2 * time.Second},
		{2 * time.Second, 2 * time.Second},
		{2*time.Second + time.Nanosecond, 3 * time.Second},
		{3500 * time.Millisecond, 4 * time.Second},
	} {
		t.Run(test.asked.String(), func(t *testing.T) {
			t.Parallel()
			client := etcdtest.Start(t)
			store := start(t, client)
			for name, call := range map[string]func(lease.Key, lease.Request, <-chan struct{}) error{"claim": store.ClaimLease, "extension": store.ExtendLease} {
				if name == "extension" {
					ok(t, store.ClaimLease(key(name), request("h/0", time.Nanosecond), nil))
				}
				begin := time.Now()
				ok(t, call(key(name), request("h/0", test.asked), nil))
				end := time.Now()
				least := test.granted
				if name == "extension" {
					least = test.asked // the time that the claim was granted may be enough
				}
				expiry := store.Leases(key(name))[key(name)].Expiry
				if expiry.Before(begin.Add(least)) || expiry.After(end.Add(test.granted)) {
					t.Errorf("%s: Expiry is %v after the call began, want %v", name, expiry.Sub(begin), test.granted)
				}
			}
		})
	}
}

// Trap: a new leader of etcd lets every lease count anew. That makes nobody's guarantee longer, and the lease ends all the same.
func TestTrapLeaderChangeLengthensLeases(t *testing.T) {
	t.Parallel()
	c := etcdtest.NewCluster(t, 3)
	store := start(t, c.Client())
	begin := time.Now()
	ok(t, store.ClaimLease(key("a"), request("h/0", 3*time.Second), nil))
	before := store.Leases(key("a"))[key("a")]

	c.Leader().Kill()
	c.Leader()
	eventually(t, "refresh", func() bool { return store.Refresh() == nil })
	after := store.Leases(key("a"))[key("a")]
	if after.Holder != "h/0" && time.Since(begin) < 3*time.Second {
		t.Errorf("after a change of etcd's leader: got %+v", after)
	}
	if after.Holder != "" && !after.Expiry.Equal(before.Expiry) {
		t.Errorf("Expiry went from %v to %v after the claim", before.Expiry.Sub(begin), after.Expiry.Sub(begin))
	}
	eventually(t, "end of the lease", func() bool { return holder(store, "a") == "" })
	t.Logf("a lease of 3s ended %v after its claim", time.Since(begin).Round(time.Millisecond))
}

// Trap: the same, seen by those who wait: somebody else lets the etcd lease count anew, as a new leader of etcd would. The lease is free when the
// time that its holder was given is over, and not later.
func TestTrapLengthenedLeaseEndsInTime(t *testing.T) {
	r := newRig(t)
	other := start(t, r.client)
	told := vacancies(t, other)
	begin := time.Now()
	ok(t, r.store.ClaimLease(key("a"), request("h/0", time.Second), nil))
	end := r.store.Leases(key("a"))[key("a")].Expiry
	counter := counters(t, r.client)[0]
	for free := false; !free; {
		_, err := r.client.KeepAliveOnce(testContext(t), counter)
		if now := time.Now(); err != nil && now.Before(end) {
			t.Fatalf("lost %v before its time: %v", end.Sub(now), err)
		} else if err != nil {
			free = true
		}
		if time.Since(begin) > watchdog {
			t.Fatal("the lease does not end")
		}
	}
	wantVacancies(t, told, "a")
	r.free(t, "a")
	t.Logf("a lease of 1s ended %v after its claim", time.Since(begin).Round(time.Millisecond))
}

// "It will fail if we cannot verify that the lease's writer considers the expiry time to have passed."
func TestExpireLeaseBeforeItsTime(t *testing.T) {
	r := newRig(t)
	other := start(t, r.client)
	ok(t, r.store.ClaimLease(key("a"), request("h/0", time.Second), nil))
	begin := time.Now()
	for time.Since(begin) < 700*time.Millisecond {
		for _, store := range []*etcdstore.Store{r.store, other} {
			if err := store.ExpireLease(key("a")); !lease.IsInvalid(err) && time.Since(begin) < 700*time.Millisecond {
				t.Fatalf("got error %v, want ErrInvalid", err)
			}
		}
	}
}

// A renewal that crosses an expiry wins.
func TestExpireLeaseLosesToARenewal(t *testing.T) {
	r := newRig(t)
	ok(t, r.store.ClaimLease(key("a"), request("h/0", time.Second), nil))
	crossed := make(chan struct{})
	r.wire.set(once("Txn", before(func() {
		defer close(crossed)
		grant, err := r.client.Grant(testContext(t), 60)
		ok(t, err)
		value := fmt.Sprintf(`{"holder":"h/0","lease":"%x","ttl":60,"renewals":1}`, int64(grant.ID))
		_, err = r.client.Put(testContext(t), where("a"), value, clientv3.WithLease(grant.ID))
		ok(t, err)
	})))
	<-crossed // by the store itself, when the time is over
	if err := r.store.ExpireLease(key("a")); !lease.IsInvalid(err) {
		t.Errorf("got error %v, want ErrInvalid", err)
	}
	ok(t, r.store.Refresh())
	if got := r.store.Leases(key("a"))[key("a")]; got.Holder != "h/0" || time.Until(got.Expiry) < 50*time.Second {
		t.Errorf("lease: got %+v", got)
	}
}

// Trap: a goroutine is left behind by each operation that was stopped. (TestMain sees whether any is.)
func TestTrapNoGoroutineIsLeft(t *testing.T) {
	r := newRig(t, quick)
	r.wire.set(always(requestHangs, "LeaseGrant", "Txn", "Range", "LeaseRevoke"))
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if err := r.store.ClaimLease(key("a"), request("h/0", time.Minute), stop); err == nil {
				t.Error("a claim without a server")
			}
		})
	}
	close(stop)
	group.Wait()
	r.store.Kill()
	ok(t, r.store.Wait())
	if err := r.store.ClaimLease(key("a"), request("h/0", time.Minute), nil); err == nil || lease.IsTimeout(err) || lease.IsInvalid(err) {
		t.Errorf("claim of a stopped store: got error %v", err)
	}
	if err := r.store.Refresh(); err == nil {
		t.Error("a stopped store refreshed")
	}
}

// fenceOf returns the comparisons that a lease's trapdoor gives.
func fenceOf(t *testing.T, store *etcdstore.Store, name string) []clientv3.Cmp {
	t.Helper()
	info, held := store.Leases(key(name))[key(name)]
	if !held {
		t.Fatalf("lease %q is not held", name)
	}
	var fence []clientv3.Cmp
	ok(t, info.Trapdoor(0, &fence))
	return fence
}

// fenced tells whether a write with these comparisons lands.
func fenced(t *testing.T, client *clientv3.Client, fence []clientv3.Cmp) bool {
	t.Helper()
	response, err := client.Txn(testContext(t)).If(fence...).Then(clientv3.OpPut("/written", "")).Commit()
	ok(t, err)
	return response.Succeeded
}
