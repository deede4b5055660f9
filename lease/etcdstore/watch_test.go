package etcdstore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/etcdstore"
	"github.com/unit-agent/unit-agent/store/etcdtest"
)

// blind breaks the watch of the store and does not let it watch again.
func (r *rig) blind(t *testing.T) {
	t.Helper()
	eventually(t, "the store watches", func() bool { return r.wire.open("Watch") })
	r.wire.set(always(refused, "Watch"))
	r.wire.breakStreams("Watch")
}

// wantVacancies waits until each of the leases was told of.
func wantVacancies(t *testing.T, vacancies <-chan []lease.Key, names ...string) {
	t.Helper()
	want := make(map[lease.Key]bool)
	for _, name := range names {
		want[key(name)] = true
	}
	for timeout := time.After(watchdog); len(want) > 0; {
		select {
		case keys, ok := <-vacancies:
			if !ok {
				t.Fatal("channel of vacancies was closed")
			}
			for _, k := range keys {
				delete(want, k)
			}
		case <-timeout:
			t.Fatalf("not told of %v", want)
		}
	}
}

func vacancies(t *testing.T, store *etcdstore.Store) <-chan []lease.Key {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return store.Vacancies(ctx)
}

// Claim of a watch: "a watch that is compacted or lost recovers by itself", and no vacancy is missed.
func TestWatchRecovers(t *testing.T) {
	for name, compact := range map[string]bool{"lost": false, "compacted": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			other := start(t, r.client)
			for _, name := range []string{"freed", "freed-and-claimed", "same-holder", "stays"} {
				ok(t, other.ClaimLease(key(name), request("h/0", time.Minute), nil))
			}
			ok(t, other.PinLease(key("stays"), "old", nil))
			ok(t, r.store.Refresh())
			told := vacancies(t, r.store)
			r.blind(t)

			for _, name := range []string{"freed", "freed-and-claimed", "same-holder"} {
				ok(t, other.RevokeLease(key(name), "h/0", nil))
			}
			ok(t, other.ClaimLease(key("freed-and-claimed"), request("h/1", time.Minute), nil))
			ok(t, other.ClaimLease(key("same-holder"), request("h/0", time.Minute), nil))
			ok(t, other.ClaimLease(key("new"), request("h/2", time.Minute), nil))
			ok(t, other.PinLease(key("stays"), "e", nil))
			ok(t, other.UnpinLease(key("stays"), "old", nil))
			if compact {
				etcdtest.Compact(t, r.client)
			}
			if got := holder(r.store, "freed"); got != "h/0" {
				t.Fatalf("the store is not blind: it shows %q", got)
			}
			r.wire.set(nil)

			wantVacancies(t, told, "freed", "freed-and-claimed", "same-holder")
			eventually(t, "the newest is shown", func() bool { return holder(r.store, "new") == "h/2" })
			if got := r.store.Pinned()[key("stays")]; len(got) != 1 || got[0] != "e" {
				t.Errorf("pins: got %q", got)
			}
			for name, want := range map[string]string{"freed": "", "freed-and-claimed": "h/1", "same-holder": "h/0", "stays": "h/0"} {
				if got := holder(r.store, name); got != want {
					t.Errorf("holder of %s: got %q, want %q", name, got, want)
				}
			}
			if !fenced(t, r.client, fenceOf(t, r.store, "same-holder")) {
				t.Error("the fence shown for the new term is not its")
			}
			// And it goes on.
			ok(t, other.RevokeLease(key("new"), "h/2", nil))
			wantVacancies(t, told, "new")
		})
	}
}

// What an operation or a refresh finds out while the watch is lost counts at once, and is not undone by what the watch tells afterwards.
func TestCacheNeverGoesBack(t *testing.T) {
	r := newRig(t)
	other := start(t, r.client)
	told := vacancies(t, r.store)
	ok(t, other.ClaimLease(key("a"), request("h/1", time.Minute), nil))
	ok(t, r.store.Refresh())
	r.blind(t)
	ok(t, other.RevokeLease(key("a"), "h/1", nil))
	// The store still takes it for held, but asks before it says so.
	ok(t, r.store.ClaimLease(key("a"), request("h/0", time.Minute), nil))
	wantVacancies(t, told, "a")
	ok(t, r.store.RevokeLease(key("a"), "h/0", nil))
	wantVacancies(t, told, "a")
	ok(t, r.store.PinLease(key("b"), "e", nil))
	ok(t, r.store.UnpinLease(key("b"), "e", nil))
	ok(t, other.ClaimLease(key("end"), request("h/1", time.Minute), nil))

	stop := make(chan struct{})
	seen := make(chan string, 1)
	go func() {
		defer close(seen)
		for {
			select {
			case <-stop:
				return
			default:
				if got := holder(r.store, "a"); got != "" {
					seen <- got
					return
				}
				if len(r.store.Pinned()) > 0 {
					seen <- "a pin"
					return
				}
			}
		}
	}()
	r.wire.set(nil)
	eventually(t, "the watch catches up", func() bool { return holder(r.store, "end") == "h/1" })
	close(stop)
	if got, ok := <-seen; ok {
		t.Errorf("the past came back: %q", got)
	}
}

// Refresh reads from the cluster, not from the watch.
func TestRefreshWithoutAWatch(t *testing.T) {
	for _, n := range []int{1, 200} { // few are read one by one, many at once
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			r := newRig(t)
			other := start(t, r.client)
			ok(t, other.ClaimLease(key("freed"), request("h/0", time.Minute), nil))
			ok(t, other.PinLease(key("unpinned"), "e", nil))
			ok(t, r.store.Refresh())
			told := vacancies(t, r.store)
			r.blind(t)
			for i := range n {
				ok(t, other.ClaimLease(key(fmt.Sprint("a-", i)), request("h/0", time.Minute), nil))
				ok(t, other.PinLease(key(fmt.Sprint("a-", i)), "e", nil))
			}
			ok(t, other.RevokeLease(key("freed"), "h/0", nil))
			ok(t, other.UnpinLease(key("unpinned"), "e", nil))
			ok(t, r.store.Refresh())
			if got := len(r.store.Leases()); got != n {
				t.Errorf("%d leases are shown, want %d", got, n)
			}
			if got := len(r.store.Pinned()); got != n {
				t.Errorf("%d pins are shown, want %d", got, n)
			}
			wantVacancies(t, told, "freed")
		})
	}
}

// Others hear of a renewal, so that what they show as Expiry is true.
func TestRenewalIsSeenElsewhere(t *testing.T) {
	r := newRig(t)
	other := start(t, r.client)
	ok(t, r.store.ClaimLease(key("a"), request("h/0", 2*time.Second), nil))
	for range 4 {
		time.Sleep(time.Second)
		begin := time.Now()
		ok(t, r.store.ExtendLease(key("a"), request("h/0", 2*time.Second), nil))
		eventually(t, "renewal seen elsewhere", func() bool {
			return !other.Leases(key("a"))[key("a")].Expiry.Before(begin.Add(2 * time.Second))
		})
	}
	// A pin, which is no renewal, does not move it.
	before := other.Leases(key("a"))[key("a")].Expiry
	ok(t, r.store.PinLease(key("a"), "e", nil))
	eventually(t, "pin seen elsewhere", func() bool { return len(other.Pinned()) == 1 })
	if after := other.Leases(key("a"))[key("a")].Expiry; !after.Equal(before) {
		t.Errorf("a pin moved Expiry by %v", after.Sub(before))
	}
}

// A cluster that refuses the store ends it: nothing would come of trying again.
func TestRefusalEndsTheStore(t *testing.T) {
	t.Parallel()
	client := etcdtest.NewCluster(t, 1).Client()
	ctx := testContext(t)
	store, err := etcdstore.New(etcdstore.Config{Client: client, Prefix: prefix, Clock: wallClock, Logger: quiet})
	ok(t, err)
	told := store.Vacancies(context.Background())
	for _, step := range []func() error{
		func() error { _, err := client.RoleAdd(ctx, "root"); return err },
		func() error { _, err := client.UserAdd(ctx, "root", "secret"); return err },
		func() error { _, err := client.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := client.AuthEnable(ctx); return err },
	} {
		ok(t, step())
	}
	if err := store.ClaimLease(key("a"), request("h/0", time.Minute), nil); err == nil || lease.IsTimeout(err) || lease.IsInvalid(err) {
		t.Errorf("claim without permission: got error %v", err)
	}
	if err := store.Refresh(); err == nil || lease.IsTimeout(err) {
		t.Errorf("refresh without permission: got error %v", err)
	}
	_, err = etcdstore.New(etcdstore.Config{Client: client, Prefix: prefix, Clock: wallClock, Logger: quiet})
	if err == nil || lease.IsTimeout(err) {
		t.Errorf("new store without permission: got error %v", err)
	}
	store.Kill()
	ok(t, store.Wait())
	if _, open := <-told; open {
		t.Error("vacancies of a stopped store are still told")
	}
	if _, open := <-store.Vacancies(context.Background()); open {
		t.Error("a stopped store tells of vacancies")
	}
}

// Without a cluster there is no store.
func TestNewWithoutACluster(t *testing.T) {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"127.0.0.1:1"}, Logger: zapQuiet})
	ok(t, err)
	defer client.Close()
	_, err = etcdstore.New(etcdstore.Config{
		Client: client, Prefix: prefix, Clock: wallClock, Logger: quiet, OperationTimeout: 50 * time.Millisecond,
	})
	wantTimeout(t, err, "New")
}

// "A restored or migrated store may count from lower numbers."
func TestClusterThatCountsFromLowerNumbers(t *testing.T) {
	t.Parallel()
	old, restored := etcdtest.NewCluster(t, 1), etcdtest.NewCluster(t, 1)
	client, _ := wired(t, old.Endpoints()...)
	store := start(t, client)
	told := vacancies(t, store)
	for _, name := range []string{"gone", "other-term", "kept"} {
		ok(t, store.ClaimLease(key(name), request("h/0", time.Minute), nil))
		ok(t, store.PinLease(key(name), "old", nil))
	}
	for range 50 {
		ok(t, store.ExtendLease(key("kept"), request("h/0", time.Minute), nil))
	}

	later := start(t, restored.Client())
	ok(t, later.ClaimLease(key("kept"), request("h/0", time.Minute), nil))
	ok(t, later.ClaimLease(key("other-term"), request("h/1", time.Minute), nil))
	ok(t, later.PinLease(key("kept"), "new", nil))
	client.SetEndpoints(restored.Endpoints()...)
	old.Members()[0].Kill()

	eventually(t, "the store finds out", func() bool {
		return store.Refresh() == nil && holder(store, "other-term") == "h/1"
	})
	if got := holder(store, "kept") + holder(store, "gone"); got != "h/0" {
		t.Errorf("holders: got %q", got)
	}
	if got := store.Pinned(); len(got) != 1 || len(got[key("kept")]) != 1 || got[key("kept")][0] != "new" {
		t.Errorf("pins: got %v", got)
	}
	wantVacancies(t, told, "gone", "other-term")
	if !fenced(t, restored.Client(), fenceOf(t, store, "kept")) {
		t.Error("the fence shown is of the old history")
	}
	// And the watch goes on.
	ok(t, later.RevokeLease(key("other-term"), "h/1", nil))
	wantVacancies(t, told, "other-term")
	ok(t, store.ClaimLease(key("gone"), request("h/0", time.Minute), nil))
}
