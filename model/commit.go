package model

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Flush is everything that one hook changes, to be written together.
type Flush struct {
	// Unit is the unit that the hook ran for.
	Unit string
	// RelationUnit and RelationApp hold changes to the settings of the unit and of its application by relation id;
	// an empty value removes the setting.
	RelationUnit map[int]map[string]string
	RelationApp  map[int]map[string]string
	// ClosePorts are closed before OpenPorts are opened.
	OpenPorts  []PortRange
	ClosePorts []PortRange
	// WorkloadStatus and AgentStatus are set if not nil.
	WorkloadStatus *StatusInfo
	AgentStatus    *StatusInfo
	// Fence holds comparisons that must be true for anything to be written: the claim's, and the leadership's if
	// the flush needs it.
	Fence []clientv3.Cmp
}

// Empty tells whether the flush would write nothing.
func (f Flush) Empty() bool {
	return len(f.RelationUnit) == 0 && len(f.RelationApp) == 0 && len(f.ClosePorts) == 0 && len(f.OpenPorts) == 0 &&
		f.WorkloadStatus == nil && f.AgentStatus == nil
}

// Commit writes a hook's changes in one transaction, all of them or none. Only what is different from what is there
// is written, so that committing a flush again does nothing. The errors: ErrFenced if the fence does not hold,
// ErrTooLarge if the store would not take the transaction, and one that satisfies IsNotFound if the unit, or a
// relation that it changes, is not there or has no place for the unit. Nothing is written in these cases. After any
// other error it is unknown whether the flush was written; committing it again settles that.
func (m *Model) Commit(ctx context.Context, flush Flush) error {
	application, err := applicationOf(flush.Unit)
	if err != nil {
		return err
	}
	// One moment for all attempts.
	now := m.now()
	_, err = m.transact(ctx, flush.Fence, func(d *draft) error {
		if err := d.load(m.flushKeys(flush, application)...); err != nil {
			return err
		}
		if d.seen[m.keys.unitMeta(flush.Unit)] == nil {
			return &NotFoundError{Noun: unitNoun(flush.Unit)}
		}
		d.guardExists(m.keys.unitMeta(flush.Unit))
		if err := m.flushUnitSettings(d, flush); err != nil {
			return err
		}
		if err := m.flushApplicationSettings(d, flush, application); err != nil {
			return err
		}
		if err := m.flushPorts(d, flush, application); err != nil {
			return err
		}
		for suffix, status := range map[string]*StatusInfo{workloadSuffix: flush.WorkloadStatus, agentSuffix: flush.AgentStatus} {
			if status == nil {
				continue
			}
			if err := write(d, m.keys.unitPart(flush.Unit, suffix), status.at(now)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot commit the changes of unit %s: %w", flush.Unit, err)
	}
	return nil
}

// flushKeys returns what a flush has to read.
func (m *Model) flushKeys(flush Flush, application string) []string {
	wanted := []string{m.keys.unitMeta(flush.Unit)}
	for id := range flush.RelationUnit {
		wanted = append(wanted, m.keys.member(id, flush.Unit))
	}
	for id := range flush.RelationApp {
		wanted = append(wanted, m.keys.relationMeta(id), m.keys.applicationBag(id, application))
	}
	if len(flush.OpenPorts)+len(flush.ClosePorts) > 0 {
		wanted = append(wanted, m.keys.unitPart(flush.Unit, portsSuffix))
	}
	if flush.WorkloadStatus != nil {
		wanted = append(wanted, m.keys.unitPart(flush.Unit, workloadSuffix))
	}
	if flush.AgentStatus != nil {
		wanted = append(wanted, m.keys.unitPart(flush.Unit, agentSuffix))
	}
	return wanted
}

func (m *Model) flushUnitSettings(d *draft, flush Flush) error {
	for _, id := range slices.Sorted(maps.Keys(flush.RelationUnit)) {
		key := m.keys.member(id, flush.Unit)
		bag, ok, err := read[bagRecord](d, key)
		if err != nil {
			return err
		}
		if !ok {
			return &NotFoundError{Noun: fmt.Sprintf("the settings of unit %q in %s", flush.Unit, relationName(id))}
		}
		settings, different := bag.changed(flush.RelationUnit[id])
		if !different {
			continue
		}
		bag.Settings = settings
		if err := write(d, key, bag); err != nil {
			return err
		}
	}
	return nil
}

func (m *Model) flushApplicationSettings(d *draft, flush Flush, application string) error {
	for _, id := range slices.Sorted(maps.Keys(flush.RelationApp)) {
		if d.seen[m.keys.relationMeta(id)] == nil {
			return &NotFoundError{Noun: relationName(id)}
		}
		d.guardExists(m.keys.relationMeta(id))
		key := m.keys.applicationBag(id, application)
		bag, _, err := read[bagRecord](d, key)
		if err != nil {
			return err
		}
		settings, different := bag.changed(flush.RelationApp[id])
		if !different {
			continue
		}
		if bag.Writer != flush.Unit {
			if kv := d.seen[key]; kv != nil {
				bag.Foreign = kv.ModRevision
			}
			bag.Writer = flush.Unit
		}
		bag.Settings = settings
		if err := write(d, key, bag); err != nil {
			return err
		}
	}
	return nil
}

func (m *Model) flushPorts(d *draft, flush Flush, application string) error {
	if len(flush.OpenPorts)+len(flush.ClosePorts) == 0 {
		return nil
	}
	key := m.keys.unitPart(flush.Unit, portsSuffix)
	record, _, err := read[portsRecord](d, key)
	if err != nil {
		return err
	}
	var endpoints []string
	if slices.ContainsFunc(flush.ClosePorts, func(p PortRange) bool { return len(p.Endpoints) > 0 }) {
		parsed, err := m.wantCharm(d, application)
		if err != nil {
			return err
		}
		endpoints = append(slices.Collect(maps.Keys(parsed.Meta.CombinedRelations())), slices.Collect(maps.Keys(parsed.Meta.ExtraBindings))...)
	}
	ports := ApplyPorts(record.Ranges, flush.OpenPorts, flush.ClosePorts, endpoints)
	if len(ports) == len(record.Ranges) && (len(ports) == 0 || reflect.DeepEqual(ports, record.Ranges)) {
		return nil
	}
	record.Ranges = ports
	return write(d, key, record)
}
