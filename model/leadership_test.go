package model

import (
	"context"
	"errors"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/store/etcdtest"
	"github.com/unit-agent/unit-agent/uniter/leadership"
)

func TestLeadershipIsExclusive(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 2)
	l := r.Leadership()
	r.check(l.ClaimLeadership("mysql", "mysql/0", time.Minute))
	if err := l.ClaimLeadership("mysql", "mysql/1", time.Minute); !errors.Is(err, leadership.ErrClaimDenied) {
		t.Errorf("got error %v, want ErrClaimDenied", err)
	}
	snapshot, err := r.Status(r.ctx)
	r.check(err)
	if got := snapshot.Applications["mysql"].Leader; got != "mysql/0" {
		t.Errorf("status shows leader %q, want mysql/0", got)
	}
	if err := l.LeadershipCheck("mysql", "mysql/1").Check(nil); err == nil {
		t.Error("a unit that does not lead passes the check")
	}
}

// TestLeadershipFence: a renewal does not spoil the fence of a term, the end of the term does.
func TestLeadershipFence(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 2)
	l := r.Leadership()
	r.check(l.ClaimLeadership("mysql", "mysql/0", time.Minute))
	var fence []clientv3.Cmp
	var first, second int64
	r.check(l.LeadershipCheck("mysql", "mysql/0").Check(&fence))
	r.check(l.LeadershipCheck("mysql", "mysql/0").Check(&first))
	status := StatusInfo{Status: StatusActive}
	r.check(r.SetApplicationStatus(r.ctx, "mysql", status, fence...))
	r.check(l.ClaimLeadership("mysql", "mysql/0", time.Minute))
	r.check(r.SetApplicationStatus(r.ctx, "mysql", status, fence...))

	r.check(l.Release("mysql", "mysql/1"))
	r.check(r.SetApplicationStatus(r.ctx, "mysql", status, fence...))
	r.check(l.Release("mysql", "mysql/0"))
	r.check(l.ClaimLeadership("mysql", "mysql/0", time.Minute))
	if err := r.SetApplicationStatus(r.ctx, "mysql", status, fence...); !errors.Is(err, ErrFenced) {
		t.Errorf("got error %v, want ErrFenced", err)
	}
	r.check(l.LeadershipCheck("mysql", "mysql/0").Check(&second))
	if second <= first {
		t.Errorf("the second term has number %d, the first %d", second, first)
	}
	if err := l.LeadershipCheck("mysql", "mysql/0").Check("text"); err == nil {
		t.Error("a check was copied into a string")
	}
}

func TestLeadershipReleaseWakes(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 2)
	l := r.Leadership()
	r.check(l.WaitLeadershipReleased(r.ctx, "mysql"))
	r.check(l.ClaimLeadership("mysql", "mysql/0", time.Minute))
	waited := make(chan error, 2)
	ctx, cancel := context.WithCancel(r.ctx)
	go func() { waited <- l.WaitLeadershipReleased(ctx, "mysql") }()
	cancel()
	if err := receive(t, waited); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want that it was cancelled", err)
	}
	go func() { waited <- l.BlockUntilLeadershipReleased("mysql") }()
	r.check(l.ClaimLeadership("mysql", "mysql/0", time.Minute))
	select {
	case err := <-waited:
		t.Errorf("a renewal woke who waits, with %v", err)
	default:
	}
	r.check(l.Release("mysql", "mysql/0"))
	r.check(receive(t, waited))
}

// TestLeadershipEnds lets a term run out, and counts what it leaves in the store.
func TestLeadershipEnds(t *testing.T) {
	r := openRig(t, Config{Client: etcdtest.Start(t), Logger: silent})
	r.deploy(mysql, 2)
	l := r.Leadership()
	for range 3 {
		r.check(l.ClaimLeadership("mysql", "mysql/0", time.Second))
	}
	if n := leases(t, r.client); n != 1 {
		t.Errorf("after three claims there are %d leases, want 1", n)
	}
	if err := l.ClaimLeadership("mysql", "mysql/1", time.Second); !errors.Is(err, leadership.ErrClaimDenied) {
		t.Errorf("got error %v, want ErrClaimDenied", err)
	}
	if n := leases(t, r.client); n != 1 {
		t.Errorf("after a denied claim there are %d leases, want 1", n)
	}
	r.check(l.WaitLeadershipReleased(r.ctx, "mysql"))
	r.check(l.ClaimLeadership("mysql", "mysql/1", time.Minute))
	r.check(l.Release("mysql", "mysql/1"))
	if n := leases(t, r.client); n != 0 {
		t.Errorf("%d leases are left", n)
	}
}
