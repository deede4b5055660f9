package etcdstore_test

import (
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/juju/clock"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/etcdstore"
)

// sleepyClock is the real clock of a machine that was suspended: its wall clock went on, its monotonic one did not.
type sleepyClock struct {
	clock.Clock
	slept atomic.Int64 // seconds
}

func (c *sleepyClock) Now() time.Time {
	now := time.Now()
	ahead := now
	// The first word of a Time with a monotonic part has the wall seconds above 30 bits of nanoseconds. No function of package time moves
	// one part alone.
	*(*uint64)(unsafe.Pointer(&ahead)) += uint64(c.slept.Load()) << 30
	return ahead
}

func TestSleepyClock(t *testing.T) {
	c := &sleepyClock{Clock: clock.WallClock}
	from := c.Now()
	c.slept.Store(3600)
	to := c.Now()
	if d := to.Sub(from); d > time.Minute {
		t.Fatalf("the monotonic clock went on for %v", d)
	}
	if d := to.Round(0).Sub(from.Round(0)); d < time.Hour || d > time.Hour+time.Minute {
		t.Fatalf("the wall clock went on for %v", d)
	}
}

// newSleepyRig starts a store on a machine that can be suspended.
func newSleepyRig(t *testing.T, tweaks ...func(*etcdstore.Config)) (*rig, func(seconds int64)) {
	t.Helper()
	c := &sleepyClock{Clock: clock.WallClock}
	r := newRig(t, append(tweaks, func(config *etcdstore.Config) { config.Clock = c })...)
	return r, func(seconds int64) { c.slept.Add(seconds) }
}

// Trap: after a suspend every deadline seems as far away as before.
func TestTrapSuspend(t *testing.T) {
	t.Run("no lease is shown as good", func(t *testing.T) {
		r, sleep := newSleepyRig(t)
		ok(t, r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), nil))
		before := r.store.Leases(key("a"))[key("a")].Expiry
		sleep(20)
		after := r.store.Leases(key("a"))[key("a")].Expiry
		if d := before.Sub(after); d < 19*time.Second || d > 21*time.Second {
			t.Errorf("a sleep of 20s brought Expiry %v nearer", d)
		}
		sleep(20)
		if expiry := r.store.Leases(key("a"))[key("a")].Expiry; expiry.After(time.Now()) {
			t.Errorf("after a sleep longer than the lease, it seems to have %v left", time.Until(expiry))
		}
	})
	t.Run("an extension asks the server, however long ago the time that was given seems to end", func(t *testing.T) {
		r, sleep := newSleepyRig(t)
		ok(t, r.store.ClaimLease(key("a"), request("h/0", 60*time.Second), nil))
		sleep(50)
		begin := time.Now()
		ok(t, r.store.ExtendLease(key("a"), request("h/0", 30*time.Second), nil))
		if n := r.wire.count("LeaseGrant") + r.wire.count("LeaseKeepAlive"); n != 2 {
			t.Errorf("%d grants and renewals, want one for the claim and one for the extension", n)
		}
		if expiry := r.store.Leases(key("a"))[key("a")].Expiry; expiry.Before(begin.Add(29 * time.Second)) {
			t.Errorf("after the extension, Expiry is in %v", time.Until(expiry))
		}
	})
	t.Run("a lease that ended meanwhile is not extended", func(t *testing.T) {
		r, sleep := newSleepyRig(t)
		ok(t, r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), nil))
		// What the watch would tell is still on its way when the machine wakes up.
		r.blind(t)
		sleep(3600)
		_, err := r.client.Revoke(testContext(t), counters(t, r.client)[0])
		ok(t, err)
		if err := r.store.ExtendLease(key("a"), request("h/0", 30*time.Second), nil); !lease.IsInvalid(err) {
			t.Errorf("got error %v, want ErrInvalid", err)
		}
		r.free(t, "a")
	})
	t.Run("a sleep during a claim makes its outcome unknown", func(t *testing.T) {
		r, sleep := newSleepyRig(t)
		for _, method := range []string{"LeaseGrant", "Txn"} {
			r.wire.set(once(method, after(func() { sleep(1) })))
			wantTimeout(t, r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), nil), "claim")
			r.free(t, "a")
		}
		ok(t, r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), nil))
	})
	t.Run("a sleep during an extension makes its outcome unknown", func(t *testing.T) {
		r, sleep := newSleepyRig(t)
		ok(t, r.store.ClaimLease(key("a"), request("h/0", 30*time.Second), nil))
		for _, d := range []time.Duration{30 * time.Second, 10 * time.Second, 60 * time.Second} {
			r.wire.set(once("Txn", after(func() { sleep(1) })))
			wantTimeout(t, r.store.ExtendLease(key("a"), request("h/0", d), nil), "extension")
			wantCounters(t, r.client, 1)
			ok(t, r.store.ExtendLease(key("a"), request("h/0", d), nil))
		}
		if got := holder(r.store, "a"); got != "h/0" {
			t.Errorf("holder: got %q", got)
		}
	})
	t.Run("nobody else's lease is expired for it", func(t *testing.T) {
		r, sleep := newSleepyRig(t)
		other := start(t, r.client)
		ok(t, other.ClaimLease(key("a"), request("h/1", 30*time.Second), nil))
		eventually(t, "claim seen elsewhere", func() bool { return holder(r.store, "a") == "h/1" })
		sleep(3600) // or somebody set the wall clock
		if err := r.store.ExpireLease(key("a")); !lease.IsInvalid(err) {
			t.Errorf("got error %v, want ErrInvalid", err)
		}
		if got := holder(r.store, "a"); got != "h/1" {
			t.Errorf("holder: got %q", got)
		}
	})
}
