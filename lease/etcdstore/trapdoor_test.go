package etcdstore_test

import (
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// "The fence compares create revisions: a renewal does not spoil it, a new term of the same holder does."
func TestFence(t *testing.T) {
	r := newRig(t)
	claim := func() { ok(t, r.store.ClaimLease(key("a"), request("h/0", time.Minute), nil)) }
	number := func() (n int64) {
		t.Helper()
		ok(t, r.store.Leases(key("a"))[key("a")].Trapdoor(1, &n))
		return n
	}
	claim()
	fence, first := fenceOf(t, r.store, "a"), number()
	for name, renew := range map[string]func() error{
		"renewal":                    func() error { return r.store.ExtendLease(key("a"), request("h/0", time.Minute), nil) },
		"longer renewal":             func() error { return r.store.ExtendLease(key("a"), request("h/0", time.Hour), nil) },
		"pin":                        func() error { return r.store.PinLease(key("a"), "e", nil) },
		"unpin":                      func() error { return r.store.UnpinLease(key("a"), "e", nil) },
		"renewal by another process": func() error { return start(t, r.client).ExtendLease(key("a"), request("h/0", time.Hour), nil) },
	} {
		ok(t, renew())
		if !fenced(t, r.client, fence) {
			t.Fatalf("a %s spoilt the fence", name)
		}
		ok(t, r.store.Refresh())
		if got := number(); got != first {
			t.Fatalf("a %s made the fencing number %d of %d", name, got, first)
		}
	}
	ok(t, r.store.RevokeLease(key("a"), "h/0", nil))
	if fenced(t, r.client, fence) {
		t.Error("the fence stands although the lease was given up")
	}
	claim()
	if fenced(t, r.client, fence) {
		t.Error("the fence stands in a new term of the same holder")
	}
	if second := number(); second <= first {
		t.Errorf("fencing number of the new term: got %d after %d", second, first)
	}
	if !fenced(t, r.client, fenceOf(t, r.store, "a")) {
		t.Error("the new term's fence does not stand")
	}
}

// "Copies comparisons into a *[]clientv3.Cmp (replacing what it holds) ...; any other key type is a clear error."
func TestTrapdoorTypes(t *testing.T) {
	r := newRig(t)
	ok(t, r.store.ClaimLease(key("a"), request("h/0", time.Minute), nil))
	trapdoor := r.store.Leases(key("a"))[key("a")].Trapdoor
	fence := []clientv3.Cmp{clientv3.Compare(clientv3.Version("/other"), "=", 17), clientv3.Compare(clientv3.Version("/other"), "=", 18)}
	ok(t, trapdoor(0, &fence))
	if len(fence) != 1 || string(fence[0].Key) != where("a") {
		t.Errorf("comparisons: got %v, want one of %s", fence, where("a"))
	}
	ok(t, trapdoor(0, nil))
	for _, bad := range []any{fence, int64(1), new(int), new(string), struct{}{}, (*int64)(nil), (*[]clientv3.Cmp)(nil)} {
		if err := trapdoor(0, bad); err == nil || !strings.HasPrefix(err.Error(), "cannot fill") {
			t.Errorf("%T: got error %v", bad, err)
		}
	}
}
