package model

import (
	"context"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// RemoveUnit asks a unit to go. A unit that no agent ever took up is gone at once; the agent of any other ends its
// relations, runs its last hooks and calls RemoveDeadUnit.
func (m *Model) RemoveUnit(ctx context.Context, unit string) error {
	application, err := applicationOf(unit)
	if err != nil {
		return err
	}
	_, err = m.transact(ctx, nil, func(d *draft) error {
		record, ok, err := read[unitRecord](d, m.keys.unitMeta(unit))
		if err != nil {
			return err
		}
		if !ok {
			return &NotFoundError{Noun: unitNoun(unit)}
		}
		gone, err := m.letUnitGo(d, unit, record)
		if err != nil || !gone {
			return err
		}
		return m.finishApplication(d, application)
	})
	return err
}

// letUnitGo makes a unit dying, or removes it if no agent ever took it up.
func (m *Model) letUnitGo(d *draft, unit string, record unitRecord) (gone bool, err error) {
	if !record.Taken {
		m.removeUnitKeys(d, unit, record)
		return true, nil
	}
	if record.Life != Alive {
		return false, nil
	}
	record.Life = Dying
	return false, write(d, m.keys.unitMeta(unit), record)
}

// inScope returns a relation that the unit is in the scope of. The unit must not be alive: then it enters no other one.
func (m *Model) inScope(d *draft, unit string, relations []Relation) (Relation, bool, error) {
	bags := make([]string, len(relations))
	for i, relation := range relations {
		bags[i] = m.keys.member(relation.Id, unit)
	}
	if err := d.load(bags...); err != nil {
		return Relation{}, false, err
	}
	for i, bag := range bags {
		if d.seen[bag] != nil {
			return relations[i], true, nil
		}
	}
	return Relation{}, false, nil
}

func (m *Model) removeUnitKeys(d *draft, unit string, record unitRecord) {
	d.removeAll(m.keys.unit(unit))
	if record.Machine != "" {
		d.remove(m.keys.machineUnit(record.Machine, unit))
	}
}

// RemoveDeadUnit removes a unit that ran its last hook. It removes the application too if that is dying and this
// was its last unit. A unit that is gone already is no error; one that is alive or still in the scope of a relation
// is.
func (m *Model) RemoveDeadUnit(ctx context.Context, unit string) error {
	application, err := applicationOf(unit)
	if err != nil {
		return err
	}
	_, err = m.transact(ctx, nil, func(d *draft) error {
		record, ok, err := read[unitRecord](d, m.keys.unitMeta(unit))
		if err != nil || !ok {
			return err
		}
		if record.Life == Alive {
			return fmt.Errorf("cannot remove unit %q: it is still alive", unit)
		}
		relations, err := m.relationsOf(d, application)
		if err != nil {
			return err
		}
		if relation, in, err := m.inScope(d, unit, relations); err != nil {
			return err
		} else if in {
			return fmt.Errorf("cannot remove unit %q: it is still in the scope of %s %q", unit, relationName(relation.Id), relation)
		}
		m.removeUnitKeys(d, unit, record)
		return m.finishApplication(d, application)
	})
	return err
}

// RemoveApplication asks an application, its units and its relations to go. What no agent ever took up is gone at once.
func (m *Model) RemoveApplication(ctx context.Context, application string) error {
	_, err := m.transact(ctx, nil, func(d *draft) error { return m.removeApplication(d, application) })
	return err
}

func (m *Model) removeApplication(d *draft, application string) error {
	record, err := m.wantApplication(d, application)
	if err != nil {
		return err
	}
	relations, err := m.relationsOf(d, application)
	if err != nil {
		return err
	}
	unitsLeft, err := m.letUnitsGo(d, application)
	if err != nil {
		return err
	}
	relationsLeft, err := m.letRelationsGo(d, application, relations)
	if err != nil {
		return err
	}
	// A unit or a relation that is added meanwhile must not be overlooked: it was added to an application that was
	// alive.
	if _, err := d.get(m.keys.unitSequence(application)); err != nil {
		return err
	}
	d.guardRange(m.keys.index(application))
	if unitsLeft+relationsLeft == 0 {
		d.removeAll(m.keys.application(application))
		return nil
	}
	record.Life = Dying
	return write(d, m.keys.applicationMeta(application), record)
}

// letUnitsGo lets all units of an application go and returns how many are left.
func (m *Model) letUnitsGo(d *draft, application string) (left int, err error) {
	records, err := m.unitRecords(d, application)
	if err != nil {
		return 0, err
	}
	for unit, record := range records {
		gone, err := m.letUnitGo(d, unit, record)
		if err != nil {
			return 0, err
		}
		if !gone {
			left++
		}
	}
	return left, nil
}

// unitRecords reads the records of all units of an application.
func (m *Model) unitRecords(d *draft, application string) (map[string]unitRecord, error) {
	prefix := m.keys.unitsOf(application)
	found, err := d.list(prefix, clientv3.WithKeysOnly())
	if err != nil {
		return nil, err
	}
	var metas []string
	for _, kv := range found {
		if _, suffix, ok := splitPart(strings.TrimPrefix(string(kv.Key), prefix), 1); ok && suffix == metaSuffix {
			metas = append(metas, string(kv.Key))
		}
	}
	if err := d.load(metas...); err != nil {
		return nil, err
	}
	records := make(map[string]unitRecord, len(metas))
	for _, meta := range metas {
		unit, _, _ := splitPart(strings.TrimPrefix(meta, m.keys.units()), 2)
		record, ok, err := read[unitRecord](d, meta)
		if err != nil {
			return nil, err
		}
		if ok {
			records[unit] = record
		}
	}
	return records, nil
}

// letRelationsGo lets all relations of an application go and returns how many are left. An application on the other
// side that waited for nothing else goes with them.
func (m *Model) letRelationsGo(d *draft, application string, relations []Relation) (left int, err error) {
	for _, relation := range relations {
		gone, err := m.letRelationGo(d, relation)
		if err != nil {
			return 0, err
		}
		if !gone {
			left++
		}
	}
	for _, relation := range relations {
		if remote, ok := relation.Remote(application); ok && remote.Application != application {
			if err := m.finishApplication(d, remote.Application); err != nil {
				return 0, err
			}
		}
	}
	return left, nil
}

// finishApplication removes a dying application that has no unit and no relation left. While it has, the
// transaction makes sure that what is left is still there when it lands, so that of two last ones that go at the
// same time one sees that it is the last.
func (m *Model) finishApplication(d *draft, application string) error {
	record, ok, err := read[applicationRecord](d, m.keys.applicationMeta(application))
	if err != nil || !ok || record.Life == Alive {
		return err
	}
	left, err := d.remaining(m.keys.unitsOf(application))
	if err != nil {
		return err
	}
	if left != "" {
		unit, _, _ := splitPart(strings.TrimPrefix(left, m.keys.units()), 2)
		d.guardExists(m.keys.unitMeta(unit))
		return nil
	}
	if left, err = d.remaining(m.keys.index(application)); err != nil {
		return err
	}
	if left != "" {
		d.guardExists(left)
		return nil
	}
	d.removeAll(m.keys.application(application))
	return nil
}
