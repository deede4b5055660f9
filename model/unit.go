package model

import (
	"context"
	"fmt"
	"time"
)

// Unit is one unit of an application.
type Unit struct {
	Name        string
	Application string
	Number      int
	Life        Life
	// Machine is the id of the machine that the unit is placed on, or empty.
	Machine string
	// Principal is the unit that this unit is a subordinate of, or empty.
	Principal      string
	PublicAddress  string
	PrivateAddress string
	// Workload and Agent are what the charm and the agent said last, or what holds before they said anything.
	Workload        StatusInfo
	Agent           StatusInfo
	WorkloadVersion string
	// VersionSince is when WorkloadVersion was reported.
	VersionSince time.Time
	// Ports is sorted by protocol and number.
	Ports    []PortRange
	Resolved Resolved
	// ResolvedSince is when that was asked, and tells one time from another.
	ResolvedSince time.Time
	// Taken is true once an agent has run the unit, also if none does now.
	Taken bool
	// AgentAlive is true while an agent holds the claim on the unit.
	AgentAlive bool
	Created    time.Time
}

// unitSuffixes are the keys that a Unit is made of.
var unitSuffixes = []string{
	metaSuffix, addressesSuffix, workloadSuffix, agentSuffix, versionSuffix, portsSuffix, resolvedSuffix, claimSuffix,
}

// Unit returns a unit. The error of one that is not there satisfies IsNotFound.
func (m *Model) Unit(ctx context.Context, unit string) (Unit, error) {
	return m.View("").Unit(ctx, unit)
}

// unitPartKeys returns the keys that a Unit is made of.
func (m *Model) unitPartKeys(unit string) []string {
	wanted := make([]string, len(unitSuffixes))
	for i, suffix := range unitSuffixes {
		wanted[i] = m.keys.unitPart(unit, suffix)
	}
	return wanted
}

// newUnit returns a unit before any of its keys was read.
func newUnit(name string) (Unit, error) {
	application, number, ok := splitUnit(name)
	if !ok {
		return Unit{}, fmt.Errorf("invalid unit name %q", name)
	}
	return Unit{Name: name, Application: application, Number: number}, nil
}

// set puts into a unit what one of its keys says, nil if the key was removed. The key's suffix decides; what it
// does not know is left alone.
func (u *Unit) set(key, suffix string, value []byte) (err error) {
	if value == nil {
		value = []byte("{}")
		u.AgentAlive = u.AgentAlive && suffix != claimSuffix
	} else if suffix == claimSuffix {
		u.AgentAlive = true
	}
	switch suffix {
	case metaSuffix:
		var record unitRecord
		record, err = decode[unitRecord](key, value)
		u.Life, u.Machine, u.Principal, u.Taken, u.Created = record.Life, record.Machine, record.Principal, record.Taken, record.Created
	case addressesSuffix:
		var record addressesRecord
		record, err = decode[addressesRecord](key, value)
		u.PublicAddress, u.PrivateAddress = record.Public, record.Private
	case workloadSuffix:
		u.Workload, err = decode[StatusInfo](key, value)
	case agentSuffix:
		u.Agent, err = decode[StatusInfo](key, value)
	case versionSuffix:
		var record versionRecord
		record, err = decode[versionRecord](key, value)
		u.WorkloadVersion, u.VersionSince = record.Version, record.Since
	case portsSuffix:
		var record portsRecord
		record, err = decode[portsRecord](key, value)
		u.Ports = record.Ranges
	case resolvedSuffix:
		var record resolvedRecord
		record, err = decode[resolvedRecord](key, value)
		u.Resolved, u.ResolvedSince = record.Mode, record.Since
	}
	return err
}

// withDefaults returns the unit with the statuses that hold before anybody set one.
func (u Unit) withDefaults() Unit {
	if u.Workload.Status == "" {
		u.Workload = StatusInfo{Status: StatusWaiting, Message: "agent initialising", Since: u.Created}
		if u.Machine == "" {
			u.Workload.Message = "waiting for machine"
		}
	}
	if u.Agent.Status == "" {
		u.Agent = StatusInfo{Status: StatusAllocating, Since: u.Created}
	}
	return u
}

// Shown returns the statuses as people are shown them: a failed hook is an error of the workload, while the agent
// is idle; an agent that was there and is gone is lost.
func (u Unit) Shown() (workload, agent StatusInfo) {
	workload, agent = u.Workload, u.Agent
	if agent.Status == StatusError {
		workload = agent
		agent = StatusInfo{Status: StatusIdle, Since: workload.Since}
	}
	if u.Taken && !u.AgentAlive {
		agent = StatusInfo{Status: StatusLost, Message: "agent is not communicating with the store", Since: agent.Since}
	}
	return workload, agent
}
