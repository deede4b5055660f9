package leadership_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/juju/clock"
	"github.com/juju/names/v4"
	"github.com/juju/worker/v3"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/memstore"
	"github.com/unit-agent/unit-agent/uniter/leadership"
)

const modelUUID = "9f484882-2f18-4fd2-967d-db9663db7bea"

// house is three units' trackers over one lease manager, as an agent builds them. Time is synctest's.
type house struct {
	t       *testing.T
	manager *lease.ManagerWorker
	claimer leadership.ContextClaimer
	checker leadership.Checker
	revoker lease.Revoker
	units   []*leadership.TrackerWorker
}

func inHouse(t *testing.T, test func(h *house)) {
	synctest.Test(t, func(t *testing.T) {
		manager, err := lease.NewManager(lease.ManagerConfig{Store: memstore.New(clock.WallClock), Clock: clock.WallClock})
		if err != nil {
			t.Fatal(err)
		}
		claimer, err1 := manager.Claimer(lease.ApplicationLeadershipNamespace, modelUUID)
		checker, err2 := manager.Checker(lease.ApplicationLeadershipNamespace, modelUUID)
		revoker, err3 := manager.Revoker(lease.ApplicationLeadershipNamespace, modelUUID)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		h := &house{
			t: t, manager: manager, revoker: revoker,
			claimer: leadership.NewLeaseClaimer(claimer), checker: leadership.NewLeaseChecker(checker),
		}
		for i := range 3 {
			tag := names.NewUnitTag(unitName(i))
			retrying := leadership.NewRetryingClaimer(h.claimer, clock.WallClock)
			h.units = append(h.units, leadership.NewTracker(tag, retrying, clock.WallClock, duration))
		}
		test(h)
		for _, w := range h.units {
			if err := worker.Stop(w); err != nil {
				t.Error(err)
			}
		}
		if err := worker.Stop(manager); err != nil {
			t.Error(err)
		}
	})
}

func unitName(i int) string { return fmt.Sprint("wordpress/", i) }

// leader waits until one of the units that are left leads, checks that no other does, and returns it.
func (h *house) leader(except int) int {
	h.t.Helper()
	leads := make(chan int, len(h.units))
	for i, tracker := range h.units {
		if i != except {
			ticket := tracker.WaitLeader()
			go func() {
				if ticket.Wait() {
					leads <- i
				}
			}()
		}
	}
	leader := <-leads
	synctest.Wait()
	for i, tracker := range h.units {
		if says := tracker.ClaimLeader().Wait(); says != (i == leader) {
			h.t.Errorf("%s leads, but %s says %v", unitName(leader), unitName(i), says)
		}
		err := h.checker.LeadershipCheck("wordpress", unitName(i)).Check(nil)
		if held := err == nil; held != (i == leader) {
			h.t.Errorf("%s leads, but the check of %s says %v", unitName(leader), unitName(i), err)
		}
	}
	return leader
}

// A leader that stops and then gives its lease up is followed at once.
func TestHandoverOverALeaseManager(t *testing.T) {
	inHouse(t, func(h *house) {
		first := h.leader(-1)
		time.Sleep(10 * duration) // it renews
		if now := h.leader(-1); now != first {
			t.Errorf("%s follows %s, which works", unitName(now), unitName(first))
		}
		if err := worker.Stop(h.units[first]); err != nil {
			t.Error(err)
		}
		stopped := time.Now()
		if err := h.revoker.Revoke("wordpress", unitName(first)); err != nil {
			t.Error(err)
		}
		h.leader(first)
		if took := time.Since(stopped); took > 100*time.Millisecond {
			t.Errorf("handover took %s", took)
		}
	})
}

// A leader that stops without that is followed when its lease ends.
func TestStoppedLeaderIsFollowedWhenItsLeaseEnds(t *testing.T) {
	inHouse(t, func(h *house) {
		first := h.leader(-1)
		stopped := time.Now()
		if err := worker.Stop(h.units[first]); err != nil {
			t.Error(err)
		}
		h.leader(first)
		if took := time.Since(stopped); took > leased+250*time.Millisecond {
			t.Errorf("the lease of %s was followed after %s", leased, took)
		}
	})
}

// A manager that stops stops its trackers too, with its error: the leader's when its guarantee is over, the others'
// when they have tried in vain to wait.
func TestManagerThatStopsStopsItsTrackers(t *testing.T) {
	inHouse(t, func(h *house) {
		h.leader(-1)
		trackers := h.units
		h.units = nil
		if err := worker.Stop(h.manager); err != nil {
			t.Error(err)
		}
		for i, tracker := range trackers {
			if err := tracker.Wait(); !errors.Is(err, lease.ErrManagerStopped) {
				t.Errorf("%s: got error %v, want %v", unitName(i), err, lease.ErrManagerStopped)
			}
		}
	})
}
