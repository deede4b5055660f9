package model

import (
	"context"
	"errors"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// UnitClaim is a worker that holds the right to run a unit. It ends with an error if the right went to somebody
// else, as it can after the machine slept or the store was away for longer than the session lasts. Killing it gives
// the right up.
type UnitClaim struct{ hold hold }

// ClaimUnit takes the right to run a unit for an agent on the given machine. If an agent of another machine has it,
// the error is a *ClaimedError. What an agent of the same machine left behind is taken over: that there is only one
// of them is for the caller to see to. The error of a unit that is not there satisfies IsNotFound.
func (m *Model) ClaimUnit(ctx context.Context, unit, machine string) (*UnitClaim, error) {
	if _, err := applicationOf(unit); err != nil {
		return nil, err
	}
	if machine == "" {
		return nil, errors.New("cannot claim a unit for a machine without an id")
	}
	key := m.keys.unitPart(unit, claimSuffix)
	take := func(ctx context.Context, lease clientv3.LeaseID, mine int64) (int64, error) {
		return m.transact(ctx, nil, func(d *draft) error {
			if err := d.load(key, m.keys.unitMeta(unit)); err != nil {
				return err
			}
			record, ok, err := read[unitRecord](d, m.keys.unitMeta(unit))
			if err != nil {
				return err
			}
			if !ok {
				return &NotFoundError{Noun: unitNoun(unit)}
			}
			holder, held, err := read[holdRecord](d, key)
			if err != nil {
				return err
			}
			if held && (holder.Machine != machine || mine != 0 && mine != d.seen[key].ModRevision) {
				return &ClaimedError{Unit: unit, Machine: holder.Machine}
			}
			record.Taken = true
			if err := write(d, m.keys.unitMeta(unit), record); err != nil {
				return err
			}
			return bind(d, key, holdRecord{Machine: machine, Since: m.now()}, lease)
		})
	}
	claim := &UnitClaim{hold{m: m, noun: "the claim on " + unitNoun(unit), key: key, take: take}}
	if err := claim.hold.start(ctx); err != nil {
		return nil, err
	}
	return claim, nil
}

// Fence returns what holds for as long as the claim does. A write that compares it cannot land after the claim was
// lost.
func (c *UnitClaim) Fence() []clientv3.Cmp { return c.hold.fence() }

// Kill is part of worker.Worker.
func (c *UnitClaim) Kill() { c.hold.tomb.Kill(nil) }

// Wait is part of worker.Worker.
func (c *UnitClaim) Wait() error { return c.hold.tomb.Wait() }

// Dead is closed when Wait would return at once.
func (c *UnitClaim) Dead() <-chan struct{} { return c.hold.tomb.Dead() }

// MachinePresence is a worker that shows others that the agents of a machine run.
type MachinePresence struct{ hold hold }

// AnnounceMachine shows that the agents of the machine run until the worker is killed. The error of a machine that is
// not there satisfies IsNotFound.
func (m *Model) AnnounceMachine(ctx context.Context, id string) (*MachinePresence, error) {
	key := m.keys.machineAlive(id)
	take := func(ctx context.Context, lease clientv3.LeaseID, _ int64) (int64, error) {
		return m.transact(ctx, nil, func(d *draft) error {
			if err := m.wantMachine(d, id); err != nil {
				return err
			}
			return bind(d, key, holdRecord{Machine: id, Since: m.now()}, lease)
		})
	}
	presence := &MachinePresence{hold{m: m, noun: "the presence of machine " + id, key: key, take: take}}
	if err := presence.hold.start(ctx); err != nil {
		return nil, err
	}
	return presence, nil
}

// Kill is part of worker.Worker.
func (p *MachinePresence) Kill() { p.hold.tomb.Kill(nil) }

// Wait is part of worker.Worker.
func (p *MachinePresence) Wait() error { return p.hold.tomb.Wait() }
