package etcdstore_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/store/etcdtest"
)

// process is a manager over a store of its own, as each agent has it.
type process struct {
	claimer lease.Claimer
	checker lease.Checker
	pinner  lease.Pinner
	revoker lease.Revoker
	manager *lease.ManagerWorker
}

const uuid = "deadbeef"

func newProcess(t *testing.T, client *clientv3.Client) *process {
	t.Helper()
	manager, err := lease.NewManager(lease.ManagerConfig{Store: start(t, client), Clock: wallClock, Logger: quiet})
	ok(t, err)
	t.Cleanup(func() {
		manager.Kill()
		ok(t, manager.Wait())
	})
	p := &process{manager: manager}
	p.claimer, err = manager.Claimer(lease.ApplicationLeadershipNamespace, uuid)
	ok(t, err)
	p.checker, err = manager.Checker(lease.ApplicationLeadershipNamespace, uuid)
	ok(t, err)
	p.pinner, err = manager.Pinner(lease.ApplicationLeadershipNamespace, uuid)
	ok(t, err)
	p.revoker, err = manager.Revoker(lease.ApplicationLeadershipNamespace, uuid)
	ok(t, err)
	return p
}

// A manager makes of the store what its own package comment promises.
func TestManager(t *testing.T) {
	t.Parallel()
	client := etcdtest.Start(t)
	a, b := newProcess(t, client), newProcess(t, client)

	ok(t, a.claimer.Claim("mysql", "mysql/0", 30*time.Second))
	ok(t, a.claimer.Claim("mysql", "mysql/0", 30*time.Second))
	if err := b.claimer.Claim("mysql", "mysql/1", 30*time.Second); !errors.Is(err, lease.ErrClaimDenied) {
		t.Fatalf("claim of another's lease: got error %v", err)
	}
	var fence []clientv3.Cmp
	ok(t, a.checker.Token("mysql", "mysql/0").Check(0, &fence))
	if !fenced(t, client, fence) {
		t.Error("the leader's write did not land")
	}
	if err := b.checker.Token("mysql", "mysql/1").Check(0, nil); !errors.Is(err, lease.ErrNotHeld) {
		t.Errorf("check of a lease that is another's: got error %v", err)
	}

	released := make(chan error, 1)
	go func() { released <- b.claimer.WaitUntilExpired("mysql", nil) }()
	ok(t, a.claimer.Claim("mysql", "mysql/0", 30*time.Second))
	select {
	case err := <-released:
		t.Fatalf("the wait for a lease that is held ended with %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	begin := time.Now()
	ok(t, a.revoker.Revoke("mysql", "mysql/0"))
	ok(t, <-released)
	ok(t, b.claimer.Claim("mysql", "mysql/1", 30*time.Second))
	t.Logf("clean handover took %v", time.Since(begin).Round(10*time.Microsecond))
	if fenced(t, client, fence) {
		t.Error("a write of the ex-leader landed")
	}
	if err := a.claimer.Claim("mysql", "mysql/0", 30*time.Second); !errors.Is(err, lease.ErrClaimDenied) {
		t.Errorf("claim of the ex-leader: got error %v", err)
	}
	ok(t, a.pinner.Pin("mysql", "upgrade"))
	ok(t, b.revoker.Revoke("mysql", "mysql/1"))
	ok(t, a.claimer.WaitUntilExpired("mysql", nil))
	ok(t, a.claimer.Claim("mysql", "mysql/0", 30*time.Second))
	ok(t, b.pinner.Unpin("mysql", "upgrade"))
	ok(t, a.revoker.Revoke("mysql", "mysql/0"))
	wantCounters(t, client, 0)
}

// Of many processes that wait, one follows a leader that is killed, when its lease is over.
func TestManagerFailover(t *testing.T) {
	t.Parallel()
	client := etcdtest.Start(t)
	leader := newProcess(t, client)
	const term = 5 * time.Second
	begin := time.Now()
	ok(t, leader.claimer.Claim("mysql", "mysql/0", term))
	leader.manager.Kill() // it is not heard of any more, and gives nothing up
	var group sync.WaitGroup
	for _, unit := range []string{"mysql/1", "mysql/2", "mysql/3"} {
		p := newProcess(t, client)
		group.Go(func() {
			for {
				err := p.claimer.Claim("mysql", unit, term)
				switch {
				case err == nil:
					took := time.Since(begin)
					t.Logf("%s follows %v after the claim of %v", unit, took.Round(time.Millisecond), term)
					if took < term {
						t.Error("that is too soon")
					}
					ok(t, p.revoker.Revoke("mysql", unit))
					return
				case errors.Is(err, lease.ErrClaimDenied):
					ok(t, p.claimer.WaitUntilExpired("mysql", nil))
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	wantCounters(t, client, 0)
}
