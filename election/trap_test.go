package election_test

import (
	"context"
	"errors"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/election"
	"github.com/unit-agent/unit-agent/store/etcdtest"
)

// etcd #11456, #19597: a campaign returned though the candidate's own key was gone.
func TestTrapNoOpWithoutItsKey(t *testing.T) {
	client := etcdtest.Start(t)
	first := run(t, candidate(t, client, "a"))
	first.leads()
	s := session(t, client, 60)
	second := run(t, election.New(s, place, endpoint("b")))
	waits(t, client, 2)
	_, err := client.Revoke(testContext(t), s.Lease())
	ok(t, err)
	if err := second.ends(); !errors.Is(err, election.ErrLost) {
		t.Errorf("who waited on a session that expired got %v, want ErrLost", err)
	}
	first.finish <- nil
	ok(t, first.ends())
	if len(second.began) > 0 {
		t.Error("the op was started")
	}
	wantKeys(t, client, 0)
}

// The key goes between the moment that it is the oldest and the start of the op.
func TestTrapKeyGoesWhileLeadershipBegins(t *testing.T) {
	client, w, other := wired(t)
	s := session(t, client, 60)
	e := election.New(s, place, endpoint("a"))
	txns := 0
	w.set(func(method string) fault {
		if method != "Txn" {
			return nil
		}
		if txns++; txns != 3 { // join, look, and the look that decides
			return nil
		}
		return func(ctx context.Context, call func(context.Context) error) error {
			_, err := other.Revoke(ctx, s.Lease())
			ok(t, err)
			return call(ctx)
		}
	})
	err := e.Run(testContext(t), func(context.Context) error { t.Error("the op was started"); return nil })
	if !errors.Is(err, election.ErrLost) || txns < 3 {
		t.Errorf("error is %v", err)
	}
	wantKeys(t, other, 0)
}

// A waiter whose key somebody removed stands anew: it is neither a zombie nor a phantom.
func TestAWaiterWhoseKeyIsRemovedStandsAnew(t *testing.T) {
	client := etcdtest.Start(t)
	first := run(t, candidate(t, client, "a"))
	first.leads()
	second := run(t, candidate(t, client, "b"))
	waits(t, client, 2)
	_, err := client.Delete(testContext(t), place+"/"+keys(t, client)[1])
	ok(t, err)
	waits(t, client, 2)
	first.finish <- nil
	second.leads()
	second.finish <- nil
	ok(t, second.ends())
}

// etcd #21128: a campaign that failed left its key, and everybody waited for a ghost.
// etcd #22123: to resign was a silent no-op after one failed try.
func TestTrapNoKeyIsLeftWhenAnswersAreLost(t *testing.T) {
	client, w, other := wired(t)
	for name, lost := range map[string]fault{"reply": replyLost, "request": requestLost} {
		t.Run(name, func(t *testing.T) {
			s := session(t, client, 60)
			e := election.New(s, place, endpoint("a"))
			w.next("Txn", lost, lost, lost)
			err := e.Run(testContext(t), func(context.Context) error {
				wantKeys(t, other, 1)
				w.next("Txn", lost, lost, lost) // to resign
				return nil
			})
			ok(t, err)
			wantKeys(t, other, 0)
			s.Orphan() // so that nobody goes on looking for late keys
		})
	}
}

// A campaign that is cancelled while the answer to its first write is out leaves no key, even if it is written after Run has returned.
func TestTrapAKeyThatIsWrittenLate(t *testing.T) {
	client, w, other := wired(t)
	s := session(t, client, 60)
	e := election.New(s, place, endpoint("a"))
	ctx, cancel := context.WithCancel(testContext(t))
	var late func() error
	w.next("Txn", func(ctx context.Context, call func(context.Context) error) error {
		late = func() error { return call(context.WithoutCancel(ctx)) }
		cancel()
		return ctx.Err()
	})
	if err := e.Run(ctx, election.WaitForever); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	wantKeys(t, other, 0)
	ok(t, late())
	eventually(t, "the late key is removed", func() bool { return len(keys(t, other)) == 0 })
	ok(t, e.Run(testContext(t), func(context.Context) error { return nil }))
	wantKeys(t, other, 0)
}

// A leader that cannot resign for a while does so once it can, though its session lives on.
func TestResigningGoesOnInTheBackground(t *testing.T) {
	client, w, other := wired(t)
	e := election.New(session(t, client, 60), place, endpoint("a"))
	err := e.Run(testContext(t), func(context.Context) error {
		w.set(func(method string) fault {
			if method == "Txn" {
				return requestLost
			}
			return nil
		})
		return nil
	})
	ok(t, err)
	wantKeys(t, other, 1)
	w.set(nil)
	next := run(t, candidate(t, other, "b"))
	next.leads()
	wantKeys(t, other, 1)
}

// A key that an earlier process left on the session's lease is not taken for one's own.
func TestAKeyThatWasLeftIsReplaced(t *testing.T) {
	client := etcdtest.Start(t)
	s := session(t, client, 60)
	e := election.New(s, place, endpoint("a"))
	old := ""
	ok(t, e.Run(testContext(t), func(context.Context) error { old = keys(t, client)[0]; return nil }))
	put, err := client.Put(testContext(t), place+"/"+old, "old", clientv3.WithLease(s.Lease()))
	ok(t, err)
	r := run(t, e)
	r.leads()
	response, err := client.Get(testContext(t), place+"/"+old)
	ok(t, err)
	if response.Kvs[0].CreateRevision <= put.Header.Revision {
		t.Error("it stands on the old key")
	}
}

// Session.Done is later than the server's expiry: the op's context ends before the server can let the lease expire.
func TestTrapTheOpsContextEndsBeforeTheLease(t *testing.T) {
	cluster := etcdtest.NewCluster(t, 1)
	const ttl = 3
	r := run(t, election.New(session(t, cluster.Client(), ttl), place, endpoint("a")))
	ctx := r.leads()
	cluster.Members()[0].Isolate()
	// What was renewed last was sent before now.
	cut := time.Now()
	receive(t, ctx.Done())
	if took := time.Since(cut); took >= ttl*time.Second {
		t.Errorf("the context ended %v after the cluster was out of reach, the lease is for %ds", took, ttl)
	}
	if !errors.Is(context.Cause(ctx), election.ErrLost) {
		t.Errorf("it ended for %v", context.Cause(ctx))
	}
	cluster.Members()[0].Heal()
	if err := r.ends(); !errors.Is(err, election.ErrLost) {
		t.Errorf("error is %v", err)
	}
	wantKeys(t, cluster.Client(), 0)
}

// A leader that is far from the cluster for less than its time stays.
func TestLeadershipOutlivesMembers(t *testing.T) {
	cluster := etcdtest.NewCluster(t, 3)
	r := run(t, election.New(session(t, cluster.Client(), 20), place, endpoint("a")))
	ctx := r.leads()
	second := run(t, election.New(session(t, cluster.Client(), 20), place, endpoint("b")))
	waits(t, cluster.Client(), 2)
	leader := cluster.Leader()
	leader.Kill()
	waits(t, cluster.Client(), 2)
	leader.Start()
	leader = cluster.Leader()
	leader.IsolateFromPeers()
	cluster.Leader()
	waits(t, cluster.Client(), 2)
	leader.Heal()
	if ctx.Err() != nil || len(second.began) > 0 {
		t.Fatalf("lost it: %v", context.Cause(ctx))
	}
	etcdtest.Compact(t, cluster.Client())
	r.finish <- nil
	ok(t, r.ends())
	second.leads()
	second.finish <- nil
	ok(t, second.ends())
	wantKeys(t, cluster.Client(), 0)
}
