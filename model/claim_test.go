package model

import (
	"context"
	"errors"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/store/etcdtest"
)

func (r *rig) claim(unit, machine string) *UnitClaim {
	r.t.Helper()
	claim, err := r.ClaimUnit(r.ctx, unit, machine)
	r.check(err)
	return claim
}

// holds tells whether a fence holds.
func (r *rig) holds(fence []clientv3.Cmp) bool {
	r.t.Helper()
	response, err := r.client.Txn(r.ctx).If(fence...).Commit()
	r.check(err)
	return response.Succeeded
}

// leases returns how many leases there are in the store.
func leases(t *testing.T, client *clientv3.Client) int {
	t.Helper()
	response, err := client.Leases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(response.Leases)
}

func TestClaimIsExclusive(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	claim := r.claim("mysql/0", "1")
	if !r.holds(claim.Fence()) {
		t.Error("the fence of a fresh claim does not hold")
	}
	unit, err := r.Unit(r.ctx, "mysql/0")
	r.check(err)
	if !unit.AgentAlive || !unit.Taken {
		t.Errorf("the unit is alive %t, taken %t", unit.AgentAlive, unit.Taken)
	}
	other := r.again()
	_, err = other.ClaimUnit(r.ctx, "mysql/0", "2")
	wantError(t, err, "unit mysql/0 is already run by an agent on machine 1")
	var claimed *ClaimedError
	if !errors.As(err, &claimed) || claimed.Machine != "1" || claimed.Unit != "mysql/0" {
		t.Errorf("got %#v", err)
	}

	claim.Kill()
	r.check(claim.Wait())
	if r.holds(claim.Fence()) {
		t.Error("the fence of a claim that was given up holds")
	}
	unit, err = r.Unit(r.ctx, "mysql/0")
	r.check(err)
	if unit.AgentAlive || !unit.Taken {
		t.Errorf("after it was given up the unit is alive %t, taken %t", unit.AgentAlive, unit.Taken)
	}
	next, err := other.ClaimUnit(r.ctx, "mysql/0", "2")
	r.check(err)
	other.stop(next)
}

// TestClaimOfOwnMachine takes over what an agent of the same machine left behind; what that one still wants to
// write is refused.
func TestClaimOfOwnMachine(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	left := r.claim("mysql/0", "1")
	next := r.again().claim("mysql/0", "1")
	if r.holds(left.Fence()) || !r.holds(next.Fence()) {
		t.Error("the old fence holds, or the new one does not")
	}
	left.Kill()
	r.check(left.Wait())
	if !r.holds(next.Fence()) {
		t.Error("the end of the old claim ended the new one")
	}
	next.Kill()
	r.check(next.Wait())
}

func TestClaimRefuses(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	r.unchanged(func() {
		_, err := r.ClaimUnit(r.ctx, "mysql/1", "0")
		wantError(t, err, `unit "mysql/1" not found`)
		if !IsNotFound(err) {
			t.Errorf("%v does not satisfy IsNotFound", err)
		}
		_, err = r.ClaimUnit(r.ctx, "mysql", "0")
		wantError(t, err, `invalid unit name "mysql"`)
		_, err = r.ClaimUnit(r.ctx, "mysql/0", "")
		wantError(t, err, "cannot claim a unit for a machine without an id")
		_, err = r.AnnounceMachine(r.ctx, "7")
		wantError(t, err, `machine "7" not found`)
	})
}

// TestClaimsShareOneLease counts the leases of many claims, and that none is left.
func TestClaimsShareOneLease(t *testing.T) {
	r := openRig(t, Config{Client: etcdtest.Start(t), Logger: silent})
	units := r.deploy(mysql, 20)
	claims := make([]*UnitClaim, len(units))
	failed := make(chan error, len(units))
	for i, unit := range units {
		go func() {
			var err error
			claims[i], err = r.ClaimUnit(r.ctx, unit, "0")
			failed <- err
		}()
	}
	for range units {
		r.check(<-failed)
	}
	if n := leases(t, r.client); n != 1 {
		t.Errorf("there are %d leases, want 1", n)
	}
	for i, claim := range claims {
		claim.Kill()
		r.check(claim.Wait())
		if n := leases(t, r.client); i < len(claims)-1 && n != 1 {
			t.Fatalf("there are %d leases while there are claims", n)
		}
	}
	if n := leases(t, r.client); n != 0 {
		t.Errorf("%d leases are left", n)
	}
	// A session can begin after one has ended.
	claim := r.claim("mysql/0", "0")
	claim.Kill()
	r.check(claim.Wait())
	if n := leases(t, r.client); n != 0 {
		t.Errorf("%d leases are left", n)
	}
}

// loseSession ends the lease of the model's session, as it ends when a machine sleeps.
func (r *rig) loseSession() {
	r.t.Helper()
	r.mu.Lock()
	lease := r.session.lease
	r.mu.Unlock()
	_, err := r.client.Revoke(r.ctx, lease)
	r.check(err)
}

// eventually waits until something is true.
func (r *rig) eventually(about string, true func() bool) {
	r.t.Helper()
	for !true() {
		if r.ctx.Err() != nil {
			r.t.Fatalf("it did not become true that %s", about)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestClaimIsTakenAnewWhenTheSessionIsLost(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 2)
	machine, err := r.AddMachine(r.ctx, Machine{})
	r.check(err)
	first, second := r.claim("mysql/0", machine), r.claim("mysql/1", machine)
	presence, err := r.AnnounceMachine(r.ctx, machine)
	r.check(err)
	for _, w := range []ending{first, second, presence} {
		r.stop(w)
	}
	before := first.Fence()
	r.loseSession()
	if r.holds(before) {
		t.Error("the fence holds though the claim is lost")
	}
	for _, claim := range []*UnitClaim{first, second} {
		r.eventually("the claim holds again", func() bool { return r.holds(claim.Fence()) })
	}
	if r.holds(before) {
		t.Error("a fence of before the loss holds again")
	}
	r.eventually("the machine is alive again", func() bool {
		got, err := r.Machine(r.ctx, machine)
		r.check(err)
		return got.AgentAlive
	})
}

func TestClaimEndsWhenAnotherHasIt(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	claim := r.claim("mysql/0", "1")
	r.loseSession()
	other := r.again()
	successor := other.claim("mysql/0", "2")
	other.stop(successor)
	err := wait(t, claim)
	wantError(t, err, `cannot take the claim on unit "mysql/0" anew after the session with the store was lost: unit mysql/0 is already run by an agent on machine 2`)
}

// TestClaimEndsWhenItsOwnMachineHasIt: what another agent of this machine took is not ours any more.
func TestClaimEndsWhenAnotherOfItsMachineHasIt(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	claim := r.claim("mysql/0", "1")
	other := r.again()
	other.stop(other.claim("mysql/0", "1"))
	r.loseSession()
	var claimed *ClaimedError
	if err := wait(t, claim); !errors.As(err, &claimed) {
		t.Errorf("got error %v, want a ClaimedError", err)
	}
}

func TestClaimEndsWhenTheUnitIsGone(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	claim := r.claim("mysql/0", "1")
	r.check(r.RemoveUnit(r.ctx, "mysql/0"))
	r.check(r.RemoveDeadUnit(r.ctx, "mysql/0"))
	r.loseSession()
	if err := wait(t, claim); !IsNotFound(err) {
		t.Errorf("got error %v, want one that satisfies IsNotFound", err)
	}
	if n := r.count(r.keys.unit("mysql/0")); n != 0 {
		t.Errorf("%d keys of the unit came back", n)
	}
}

// TestClaimSurvivesStore stops the store for a while.
func TestClaimSurvivesStore(t *testing.T) {
	server := etcdtest.NewServer(t)
	r := openRig(t, Config{Client: server.Client(), Logger: silent})
	r.deploy(mysql, 1)
	claim := r.claim("mysql/0", "0")
	r.stop(claim)
	server.Restart()
	r.eventually("the claim holds", func() bool { return r.holds(claim.Fence()) })
}

func TestClaimCancelled(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	ctx, cancel := context.WithCancel(r.ctx)
	cancel()
	if _, err := r.ClaimUnit(ctx, "mysql/0", "0"); err == nil {
		t.Error("the claim was taken with a cancelled context")
	}
	// A claim outlives the context that it was asked for with.
	ctx, cancel = context.WithCancel(r.ctx)
	claim, err := r.ClaimUnit(ctx, "mysql/0", "0")
	r.check(err)
	r.stop(claim)
	cancel()
	if !r.holds(claim.Fence()) {
		t.Error("the claim ended with the context")
	}
}

func TestPresence(t *testing.T) {
	r := newRig(t)
	id, err := r.AddMachine(r.ctx, Machine{})
	r.check(err)
	alive := func() bool {
		t.Helper()
		machine, err := r.Machine(r.ctx, id)
		r.check(err)
		return machine.AgentAlive
	}
	presence, err := r.AnnounceMachine(r.ctx, id)
	r.check(err)
	if !alive() {
		t.Error("the machine is not alive")
	}
	presence.Kill()
	r.check(presence.Wait())
	if alive() {
		t.Error("the machine is still alive")
	}
}
