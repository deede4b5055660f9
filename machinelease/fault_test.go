package machinelease_test

import (
	"context"
	"errors"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/unit-agent/unit-agent/machinelease"
	"github.com/unit-agent/unit-agent/store/etcdtest"
)

// "An error is returned only if there is a failure communicating with the Registry": a lost answer is not one, if the cluster can be asked again.
func TestAnswersThatAreLost(t *testing.T) {
	m, w, client := wired(t)
	for name, lost := range map[string]fault{"reply": replyLost, "request": requestLost} {
		t.Run(name, func(t *testing.T) {
			w.next("LeaseGrant", lost)
			w.next("Range", lost)
			w.next("Txn", lost)
			l := acquire(t, m, "a", "m1", 1, minute)
			wantLease(t, l, client, "a", "m1", 1)
			w.next("Txn", lost)
			w.next("LeaseRevoke", lost)
			ok(t, l.Renew(minute))
			wantLease(t, l, client, "a", "m1", 1)
			w.next("Txn", lost)
			l, err := m.StealLease("a", "m2", 2, minute, l.Index())
			ok(t, err)
			wantLease(t, l, client, "a", "m2", 2)
			wantEtcdLeases(t, client, 1)
			w.next("Txn", lost)
			ok(t, l.Release())
			if l := get(t, m, "a"); l != nil {
				t.Error("it is still there")
			}
			wantEtcdLeases(t, client, 0)
		})
	}
}

// What happens between the look and the transaction is seen by the transaction.
func TestSomebodyIsFaster(t *testing.T) {
	m, w, client := wired(t)
	other := machinelease.NewManager(client, prefix)
	var theirs machinelease.Lease
	w.next("Txn", first(func() { theirs = acquire(t, other, "a", "m2", 2, minute) }))
	if l, err := m.AcquireLease("a", "m1", 1, minute); l != nil || err != nil {
		t.Errorf("acquired %v, %v", l, err)
	}
	wantEtcdLeases(t, client, 1)
	w.next("Txn", first(func() { ok(t, theirs.Renew(minute)) }))
	if l, err := m.StealLease("a", "m1", 1, minute, theirs.Index()); l != nil || !errors.Is(err, machinelease.ErrMoved) {
		t.Errorf("stole %v, %v", l, err)
	}
	wantEtcdLeases(t, client, 1)
	mine := get(t, m, "a")
	w.next("Txn", first(func() { ok(t, theirs.Release()) }))
	if err := mine.Renew(minute); !errors.Is(err, machinelease.ErrExpired) {
		t.Errorf("renewed: %v", err)
	}
	wantEtcdLeases(t, client, 0)
}

// A lease that is renewed, or ends, between the two requests of a look is not shown with the time of another.
func TestGetLeaseWhileItChanges(t *testing.T) {
	m, w, client := wired(t)
	l := acquire(t, m, "a", "m1", 1, minute)
	w.next("LeaseTimeToLive", first(func() { ok(t, l.Renew(time.Hour)) }))
	seen := get(t, m, "a")
	if seen.Index() != l.Index() || seen.TimeRemaining() < minute {
		t.Errorf("index %d has %v, want index %d", seen.Index(), seen.TimeRemaining(), l.Index())
	}
	w.next("LeaseTimeToLive", first(func() { expire(t, client, "a") }))
	if l := get(t, m, "a"); l != nil {
		t.Error("it is there after it ended")
	}
}

// A renewal of unknown outcome does not end the lease that was held before.
func TestARenewalThatIsCutShortEndsNothing(t *testing.T) {
	t.Parallel()
	m, w, client := wired(t)
	l := acquire(t, m, "a", "m1", 1, minute)
	hang := func(ctx context.Context, _ func(context.Context) error) error {
		<-ctx.Done()
		return ctx.Err()
	}
	w.next("Txn", func(ctx context.Context, send func(context.Context) error) error {
		ok(t, send(ctx))
		return hang(ctx, nil)
	}, hang, hang, hang, hang, hang, hang)
	err := l.Renew(minute)
	if err == nil || errors.Is(err, machinelease.ErrExpired) || errors.Is(err, machinelease.ErrMoved) {
		t.Errorf("error is %v, want one that says that it is not known", err)
	}
	if seen := get(t, m, "a"); seen == nil || seen.MachineID() != "m1" {
		t.Errorf("there is %v", seen)
	}
	wantEtcdLeases(t, client, 2) // one ends by itself
}

// "A lease record that is not in our format is read as a plain machine ID with version 0", and can be renewed, stolen and released.
func TestRecordsOfOthers(t *testing.T) {
	m, client := start(t)
	ctx := testContext(t)
	for _, value := range []string{"machine-7", `{"some":"json"}`, "", "null"} {
		theirs, err := client.Grant(ctx, 60)
		ok(t, err)
		for _, key := range []string{prefix + "/a", "/another/key"} {
			_, err = client.Put(ctx, key, value, clientv3.WithLease(theirs.ID))
			ok(t, err)
		}
		l := get(t, m, "a")
		wantLease(t, l, client, "a", value, 0)
		if left := l.TimeRemaining(); left > minute || left < minute/2 {
			t.Errorf("%v remain", left)
		}
		if l, err := m.AcquireLease("a", "m1", 1, minute); l != nil || err != nil {
			t.Errorf("acquired %v, %v", l, err)
		}
		old := machinelease.Fence(l)
		ok(t, l.Renew(minute))
		wantLease(t, get(t, m, "a"), client, "a", value, 0)
		if holds(t, client, old) || !holds(t, client, machinelease.Fence(l)) {
			t.Error("fence does not tell the index")
		}
		stolen, err := m.StealLease("a", "m1", 1, minute, l.Index())
		ok(t, err)
		wantLease(t, stolen, client, "a", "m1", 1)
		ok(t, stolen.Release())
		// Their etcd lease is not ours to revoke.
		if response, err := client.Get(ctx, "/another/key"); err != nil || len(response.Kvs) != 1 {
			t.Errorf("the other key of their etcd lease is gone: %v", err)
		}
	}
	_, err := client.Put(ctx, prefix+"/a", "for ever")
	ok(t, err)
	if left := get(t, m, "a").TimeRemaining(); left < 24*time.Hour {
		t.Errorf("%v remain of a lease that does not end", left)
	}
}

func TestFenceHoldsForATerm(t *testing.T) {
	m, client := start(t)
	l := acquire(t, m, "a", "m1", 1, minute)
	fence := machinelease.Fence(l)
	ok(t, l.Renew(minute))
	ok(t, get(t, m, "a").Renew(minute))
	if !holds(t, client, fence) {
		t.Error("it fails after a renewal")
	}
	stolen, err := m.StealLease("a", "m1", 1, minute, get(t, m, "a").Index())
	ok(t, err)
	if holds(t, client, fence) {
		t.Error("it holds after a theft by the same machine and version")
	}
	ok(t, stolen.Release())
	acquire(t, m, "a", "m1", 1, minute)
	if holds(t, client, fence) || holds(t, client, machinelease.Fence(stolen)) {
		t.Error("it holds in another term")
	}
}

func holds(t *testing.T, client *clientv3.Client, fence []clientv3.Cmp) bool {
	t.Helper()
	response, err := client.Txn(testContext(t)).If(fence...).Commit()
	ok(t, err)
	return response.Succeeded
}

// "Every call ends within 10 s when the cluster cannot be reached."
func TestCallsEndWhenTheClusterCannotBeReached(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.NewCluster(t, 1)
	m := machinelease.NewManager(cluster.Client(), prefix)
	l := acquire(t, m, "a", "m1", 1, minute)
	nowhere, err := clientv3.New(clientv3.Config{Endpoints: []string{"http://127.0.0.1:1"}, Logger: zap.NewNop()})
	ok(t, err)
	t.Cleanup(func() { nowhere.Close() })
	m2 := machinelease.NewManager(nowhere, prefix)
	cluster.Members()[0].Isolate()
	defer cluster.Members()[0].Heal()
	index := l.Index()
	calls := map[string]func() error{
		"renew":   func() error { return l.Renew(minute) },
		"get":     func() error { _, err := m.GetLease("a"); return err },
		"acquire": func() error { _, err := m.AcquireLease("b", "m1", 1, minute); return err },
		"steal":   func() error { _, err := m.StealLease("a", "m2", 1, minute, index); return err },
		"refused": func() error { _, err := m2.AcquireLease("a", "m1", 1, minute); return err },
	}
	type outcome struct {
		what string
		err  error
		took time.Duration
	}
	outcomes := make(chan outcome)
	for what, call := range calls {
		go func() {
			begin := time.Now()
			err := call()
			outcomes <- outcome{what, err, time.Since(begin)}
		}()
	}
	for range calls {
		o := <-outcomes
		if o.err == nil || errors.Is(o.err, machinelease.ErrExpired) || errors.Is(o.err, machinelease.ErrMoved) {
			t.Errorf("%s: error is %v", o.what, o.err)
		}
		if o.took > 10*time.Second {
			t.Errorf("%s took %v", o.what, o.took)
		}
	}
}

func TestAClosedClientEndsCallsAtOnce(t *testing.T) {
	cluster := etcdtest.NewCluster(t, 1)
	client := cluster.Client()
	m := machinelease.NewManager(client, prefix)
	l := acquire(t, m, "a", "m1", 1, minute)
	client.Close()
	if err := l.Renew(minute); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// The leases go on while members of a cluster fail.
func TestLeasesOutliveMembers(t *testing.T) {
	cluster := etcdtest.NewCluster(t, 3)
	m := machinelease.NewManager(cluster.Client(), prefix)
	l := acquire(t, m, "a", "m1", 1, minute)
	renew := func(what string) {
		t.Helper()
		ok(t, l.Renew(minute))
		if seen := get(t, m, "a"); seen == nil || seen.Index() != l.Index() {
			t.Errorf("%s: got %v", what, seen)
		}
	}
	leader := cluster.Leader()
	leader.Kill()
	renew("leader killed")
	leader.Start()
	leader = cluster.Leader()
	leader.IsolateFromPeers()
	cluster.Leader()
	renew("leader isolated")
	leader.Heal()
	if other, err := m.AcquireLease("a", "m2", 1, minute); other != nil || err != nil {
		t.Errorf("acquired %v, %v", other, err)
	}
	ok(t, l.Release())
	acquire(t, m, "a", "m2", 1, minute)
}
