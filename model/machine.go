package model

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/juju/names/v4"
)

// Machine is a place that units run on.
type Machine struct {
	Id        string
	Hostname  string
	Addresses []string
	// AgentAlive is true while the agents of the machine run.
	AgentAlive bool
	// Since is when the machine was added.
	Since time.Time
}

// AddMachine adds a machine and returns its id: "0", "1" and so on. The other members of machine that say how it is
// are ignored.
func (m *Model) AddMachine(ctx context.Context, machine Machine) (string, error) {
	var id string
	_, err := m.transact(ctx, nil, func(d *draft) error {
		n, err := d.next(m.keys.machineSequence(), 1)
		if err != nil {
			return err
		}
		id = strconv.Itoa(n)
		return write(d, m.keys.machineMeta(id), machineRecord{
			Hostname: machine.Hostname, Addresses: machine.Addresses, Since: m.now(),
		})
	})
	if err != nil {
		return "", fmt.Errorf("cannot add a machine: %w", err)
	}
	return id, nil
}

// UpdateMachine sets the host name and the addresses of a machine. The error of a machine that is not there
// satisfies IsNotFound.
func (m *Model) UpdateMachine(ctx context.Context, machine Machine) error {
	_, err := m.transact(ctx, nil, func(d *draft) error {
		if err := m.wantMachine(d, machine.Id); err != nil {
			return err
		}
		record, _, err := read[machineRecord](d, m.keys.machineMeta(machine.Id))
		if err != nil {
			return err
		}
		record.Hostname, record.Addresses = machine.Hostname, machine.Addresses
		return write(d, m.keys.machineMeta(machine.Id), record)
	})
	return err
}

// Machine returns a machine. The error of one that is not there satisfies IsNotFound.
func (m *Model) Machine(ctx context.Context, id string) (Machine, error) {
	var machine Machine
	_, err := m.transact(ctx, nil, func(d *draft) error {
		if err := d.load(m.keys.machineMeta(id), m.keys.machineAlive(id)); err != nil {
			return err
		}
		if err := m.wantMachine(d, id); err != nil {
			return err
		}
		record, _, err := read[machineRecord](d, m.keys.machineMeta(id))
		if err != nil {
			return err
		}
		machine = machineFrom(id, record, d.seen[m.keys.machineAlive(id)] != nil)
		return nil
	})
	return machine, err
}

func machineFrom(id string, record machineRecord, alive bool) Machine {
	return Machine{Id: id, Hostname: record.Hostname, Addresses: record.Addresses, AgentAlive: alive, Since: record.Since}
}

// wantMachine returns an error if there is no such machine.
func (m *Model) wantMachine(d *draft, id string) error {
	if !names.IsValidMachine(id) {
		return fmt.Errorf("invalid machine id %q", id)
	}
	value, err := d.get(m.keys.machineMeta(id))
	if err != nil {
		return err
	}
	if value == nil {
		return &NotFoundError{Noun: fmt.Sprintf("machine %q", id)}
	}
	return nil
}

// next takes n numbers from a sequence and returns the first one. No number is ever given twice.
func (d *draft) next(key string, n int) (int, error) {
	sequence, _, err := read[sequenceRecord](d, key)
	if err != nil {
		return 0, err
	}
	first := sequence.Next
	sequence.Next += n
	return first, write(d, key, sequence)
}
