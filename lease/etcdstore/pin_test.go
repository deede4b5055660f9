package etcdstore_test

import (
	"encoding/json"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
)

// "Pinning that survives the holder's expiry and the store's restart": nothing on the server can end the key of a pinned lease.
func TestPinnedKeyIsBoundToNothing(t *testing.T) {
	r := newRig(t)
	ok(t, r.store.ClaimLease(key("a"), request("h/0", time.Second), nil))
	fence := fenceOf(t, r.store, "a")
	if kv(t, r.client, where("a")).Lease == 0 {
		t.Fatal("key of a lease that is not pinned is bound to nothing")
	}
	bound := func(want bool) {
		t.Helper()
		found := kv(t, r.client, where("a"))
		if found == nil || (found.Lease != 0) != want {
			t.Errorf("key: got %v, want it bound: %v", found, want)
		}
		if len(counters(t, r.client)) > 1 {
			t.Error("more than one etcd lease for a lease")
		}
		if !fenced(t, r.client, fence) {
			t.Error("the fence fell")
		}
	}
	ok(t, r.store.PinLease(key("a"), "e", nil))
	bound(false)
	ok(t, r.store.ExtendLease(key("a"), request("h/0", time.Second), nil))
	bound(false)
	ok(t, r.store.PinLease(key("a"), "f", nil))
	ok(t, r.store.UnpinLease(key("a"), "e", nil))
	bound(false)
	ok(t, r.store.UnpinLease(key("a"), "f", nil))
	bound(true)
	ok(t, r.store.PinLease(key("a"), "e", nil))
	wantCounters(t, r.client, 0) // its time goes by all the same
	bound(false)
	ok(t, r.store.ExtendLease(key("a"), request("h/0", time.Second), nil))
	wantCounters(t, r.client, 1)
	bound(false)
	ok(t, r.store.UnpinLease(key("a"), "e", nil))
	bound(true)
	eventually(t, "end of the lease", func() bool { return holder(r.store, "a") == "" })
	r.free(t, "a")
	if fenced(t, r.client, fence) {
		t.Error("the fence stands although the lease ended")
	}
}

// "After the last unpin it ends ... at once if that is past": in the same transaction.
func TestUnpinPastTheTimeFreesAtOnce(t *testing.T) {
	r := newRig(t)
	other := start(t, r.client)
	ok(t, r.store.ClaimLease(key("a"), request("h/0", time.Second), nil))
	ok(t, r.store.PinLease(key("a"), "e", nil))
	wantCounters(t, r.client, 0)
	ok(t, other.UnpinLease(key("a"), "e", nil))
	if found := kv(t, r.client, where("a")); found != nil {
		t.Errorf("after the unpin the key is there: %v", found)
	}
	ok(t, other.ClaimLease(key("a"), request("h/1", time.Second), nil))
}

// An extension that comes between an unpin's two tries is not taken for the time that was over.
func TestUnpinDoesNotEndWhatWasExtendedMeanwhile(t *testing.T) {
	r := newRig(t)
	other := start(t, r.client)
	ok(t, r.store.ClaimLease(key("a"), request("h/0", time.Second), nil))
	ok(t, r.store.PinLease(key("a"), "e", nil))
	wantCounters(t, r.client, 0)
	r.wire.set(once("Txn", after(func() {
		ok(t, other.ExtendLease(key("a"), request("h/0", time.Minute), nil))
	})))
	ok(t, r.store.UnpinLease(key("a"), "e", nil))
	if got := holder(r.store, "a"); got != "h/0" {
		t.Errorf("holder: got %q", got)
	}
	if found := kv(t, r.client, where("a")); found == nil || found.Lease == 0 {
		t.Errorf("key: got %v, want it bound", found)
	}
	wantCounters(t, r.client, 1)
}

// A pin and the end of a lease cannot both win.
func TestPinAgainstExpiry(t *testing.T) {
	r := newRig(t)
	ok(t, r.store.ClaimLease(key("a"), request("h/0", time.Minute), nil))
	r.wire.set(once("Txn", before(func() {
		_, err := r.client.Revoke(testContext(t), counters(t, r.client)[0])
		ok(t, err)
	})))
	ok(t, r.store.PinLease(key("a"), "e", nil))
	r.free(t, "a")
	if got := r.store.Pinned()[key("a")]; len(got) != 1 {
		t.Errorf("pins: got %q", got)
	}
}

// Members of the values that this version does not know are kept.
func TestUnknownMembersAreKept(t *testing.T) {
	r := newRig(t)
	ctx := testContext(t)
	grant, err := r.client.Grant(ctx, 60)
	ok(t, err)
	_, err = r.client.Put(ctx, where("a"), `{"holder":"h/0","since":"2026-01-02T03:04:05Z","future":{"x":1}}`, clientv3.WithLease(grant.ID))
	ok(t, err)
	_, err = r.client.Put(ctx, where("a")+".pins", `{"entities":["z","e","e"],"future":[2]}`)
	ok(t, err)
	ok(t, r.store.Refresh())
	info := r.store.Leases(key("a"))[key("a")]
	if info.Holder != "h/0" || !info.Expiry.IsZero() {
		t.Errorf("lease of somebody who wrote no time: got %+v", info)
	}
	if got := r.store.Pinned()[key("a")]; len(got) != 2 || got[0] != "e" {
		t.Errorf("pins: got %q", got)
	}
	ok(t, r.store.PinLease(key("a"), "f", nil))
	if got := kv(t, r.client, where("a")).Lease; got != 0 {
		t.Errorf("pinned key is bound to %x", got)
	}
	ok(t, r.store.ExtendLease(key("a"), request("h/0", time.Minute), nil))
	wantCounters(t, r.client, 1) // the extension replaced the one of whoever wrote it
	for etcdKey, want := range map[string]string{where("a"): `{"x":1}`, where("a") + ".pins": `[2]`} {
		var value map[string]json.RawMessage
		ok(t, json.Unmarshal(kv(t, r.client, etcdKey).Value, &value))
		if got := string(value["future"]); got != want {
			t.Errorf("%s: unknown member: got %s, want %s", etcdKey, got, want)
		}
		if etcdKey == where("a") && string(value["since"]) != `"2026-01-02T03:04:05Z"` {
			t.Errorf("since: got %s", value["since"])
		}
	}
}

// A key that holds something else is nobody's lease, and nobody can claim it.
func TestForeignValues(t *testing.T) {
	r := newRig(t)
	ctx := testContext(t)
	for name, value := range map[string]string{"plain": "h/0", "empty": "", "space": "a b", "number": "[1]", "object": "{}"} {
		_, err := r.client.Put(ctx, where(name), value)
		ok(t, err)
		_, err = r.client.Put(ctx, where(name)+".pins", value)
		ok(t, err)
	}
	ok(t, r.store.Refresh())
	leases := r.store.Leases()
	if len(leases) != 2 || leases[key("plain")].Holder != "h/0" {
		// What is no object passes for a name if nothing in it is forbidden: "h/0", and "[1]" too.
		t.Errorf("got %v, want those two", leases)
	}
	if err := r.store.ClaimLease(key("empty"), request("h/0", time.Minute), nil); !lease.IsInvalid(err) && !lease.IsTimeout(err) {
		t.Errorf("claim: got error %v", err)
	}
}
