package model

import (
	"context"
	"fmt"
	"maps"

	jujucharm "github.com/juju/charm/v12"
)

// EnterScope brings a unit into the scope of a relation with its first settings, so that the other side sees it. A
// unit that is in the scope already keeps its settings. The error satisfies errors.Is(err, ErrDying) if the
// relation or the unit is not alive, and IsNotFound if it is not there.
func (m *Model) EnterScope(ctx context.Context, relationId int, unit string, settings map[string]string) error {
	if _, err := applicationOf(unit); err != nil {
		return err
	}
	_, err := m.transact(ctx, nil, func(d *draft) error { return m.enterScope(d, relationId, unit, settings) })
	if err != nil {
		return fmt.Errorf("unit %s cannot enter the scope of %s: %w", unit, relationName(relationId), err)
	}
	return nil
}

func (m *Model) enterScope(d *draft, relationId int, unit string, settings map[string]string) error {
	bag, left := m.keys.member(relationId, unit), m.keys.departed(relationId, unit)
	if err := d.load(m.keys.relationMeta(relationId), m.keys.unitMeta(unit), bag, left); err != nil {
		return err
	}
	relation, err := m.wantRelation(d, relationId)
	if err != nil {
		return err
	}
	if _, _, err := sideOf(relation, unit); err != nil {
		return err
	}
	if present, err := d.get(bag); err != nil || present != nil {
		return err
	}
	record, ok, err := read[unitRecord](d, m.keys.unitMeta(unit))
	switch {
	case err != nil:
		return err
	case !ok:
		return &NotFoundError{Noun: unitNoun(unit)}
	case relation.Life != Alive:
		return fmt.Errorf("%s is %w", relationName(relationId), ErrDying)
	case record.Life != Alive:
		return fmt.Errorf("%s is %w", unitNoun(unit), ErrDying)
	}
	fresh := bagRecord{Settings: map[string]string{}}
	for name, value := range settings {
		if value != "" {
			fresh.Settings[name] = value
		}
	}
	if relation.Scope() == jujucharm.ScopeContainer {
		fresh.Principal = principalOf(unit, record.Principal)
	}
	if d.seen[left] != nil {
		d.remove(left)
	}
	// A unit that was not taken up is in no scope, so that it can be removed at once.
	record.Taken = true
	if err := write(d, m.keys.unitMeta(unit), record); err != nil {
		return err
	}
	return create(d, bag, fresh)
}

// principalOf returns the unit that a unit shares a container with others by: its principal, or itself.
func principalOf(unit, principal string) string {
	if principal == "" {
		return unit
	}
	return principal
}

// LeaveScope takes a unit out of the scope of a relation; its settings stay readable while the relation exists. The
// last unit to leave a dying relation removes the relation, and with it a dying application that has nothing left.
// A unit that is not in the scope is no error.
func (m *Model) LeaveScope(ctx context.Context, relationId int, unit string) error {
	if _, err := applicationOf(unit); err != nil {
		return err
	}
	_, err := m.transact(ctx, nil, func(d *draft) error { return m.leaveScope(d, relationId, unit) })
	if err != nil {
		return fmt.Errorf("unit %s cannot leave the scope of %s: %w", unit, relationName(relationId), err)
	}
	return nil
}

func (m *Model) leaveScope(d *draft, relationId int, unit string) error {
	bag, left := m.keys.member(relationId, unit), m.keys.departed(relationId, unit)
	if err := d.load(m.keys.relationMeta(relationId), bag, left); err != nil {
		return err
	}
	settings, in, err := read[bagRecord](d, bag)
	if err != nil || !in {
		return err
	}
	relation, err := m.wantRelation(d, relationId)
	if err != nil {
		return err
	}
	d.remove(bag)
	if relation.Life == Alive {
		return write(d, left, settings)
	}
	members := m.keys.members(relationId)
	other, err := d.remaining(members)
	if err != nil {
		return err
	}
	if other != "" {
		// Of two last ones that leave at the same time one sees that it is the last.
		d.guardExists(other)
		return write(d, left, settings)
	}
	m.removeRelationKeys(d, relation)
	return m.finishApplications(d, relation)
}

// changed returns a bag's settings with changes, of which an empty value removes; ok is false if nothing is different.
func (b bagRecord) changed(changes map[string]string) (settings map[string]string, ok bool) {
	settings = maps.Clone(b.Settings)
	if settings == nil {
		settings = map[string]string{}
	}
	for name, value := range changes {
		old, present := settings[name]
		switch {
		case value == "" && present:
			delete(settings, name)
			ok = true
		case value != "" && (!present || old != value):
			settings[name] = value
			ok = true
		}
	}
	return settings, ok
}
