package model

import (
	"context"
	"strings"

	jujucharm "github.com/juju/charm/v12"

	"github.com/unit-agent/unit-agent/uniter/relation"
)

// UnitState returns what a UnitWatcher would deliver first. The error of a unit that is not there satisfies IsNotFound.
func (m *Model) UnitState(ctx context.Context, unit string) (UnitState, error) {
	v := m.View(unit)
	found, err := v.Unit(ctx, unit)
	if err != nil {
		return UnitState{}, err
	}
	facts := newApplicationFacts(m, found.Application)
	v.mu.Lock()
	defer v.mu.Unlock()
	listed, err := v.list(ctx, facts.prefix, false)
	if err != nil {
		return UnitState{}, err
	}
	var changes []change
	for _, kv := range listed {
		if rest := strings.TrimPrefix(string(kv.Key), facts.prefix); facts.wanted(rest) {
			changes = append(changes, change{rest, kv.ModRevision, kv.Value})
		}
	}
	if err := facts.apply(changes); err != nil {
		return UnitState{}, err
	}
	if facts.view == nil {
		return UnitState{}, &NotFoundError{Noun: applicationNoun(found.Application)}
	}
	return newUnitState(found, facts.view), nil
}

// RelationUnits returns what a RelationUnitsWatcher would deliver first, and whether the unit itself is in the
// scope of the relation. The error of a relation or a unit that is not there satisfies IsNotFound.
func (m *Model) RelationUnits(ctx context.Context, relationId int, unit string) (present relation.RelationUnitsChange, inScope bool, err error) {
	v := m.View(unit)
	found, err := v.Unit(ctx, unit)
	if err != nil {
		return present, false, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.load(ctx, m.keys.relationMeta(relationId)); err != nil {
		return present, false, err
	}
	record, err := v.relation(relationId)
	if err != nil {
		return present, false, err
	}
	eyes, err := sightOf(record, unit)
	if err != nil {
		return present, false, err
	}
	eyes.principal = principalOf(unit, found.Principal)
	whole := delta{whole: true}
	if inScope, err = v.addMembers(ctx, &whole, eyes, relationId); err != nil {
		return present, false, err
	}
	if err := v.addBags(ctx, &whole, eyes, relationId); err != nil {
		return present, false, err
	}
	return whole.change(), inScope, nil
}

// addMembers puts the units in the scope of a relation into a delta.
func (v *View) addMembers(ctx context.Context, whole *delta, eyes sight, relationId int) (inScope bool, err error) {
	prefix := v.m.keys.members(relationId)
	listed, err := v.list(ctx, prefix, !eyes.container)
	if err != nil {
		return false, err
	}
	for _, kv := range listed {
		name, m := strings.TrimPrefix(string(kv.Key), prefix), member{version: kv.ModRevision}
		if eyes.container {
			bag, err := decode[bagRecord](string(kv.Key), kv.Value)
			if err != nil {
				return false, err
			}
			m.principal = bag.Principal
		}
		if eyes.sees(name, m) {
			whole.enter(name, m.version)
		}
		inScope = inScope || name == eyes.unit
	}
	return inScope, nil
}

// addBags puts the settings of applications in a relation into a delta.
func (v *View) addBags(ctx context.Context, whole *delta, eyes sight, relationId int) error {
	prefix := v.m.keys.applicationBags(relationId)
	listed, err := v.list(ctx, prefix, false)
	if err != nil {
		return err
	}
	for _, kv := range listed {
		bag, err := decode[bagRecord](string(kv.Key), kv.Value)
		if err != nil {
			return err
		}
		application := strings.TrimPrefix(string(kv.Key), prefix)
		version := bagVersion{kv.ModRevision, bag.Writer, bag.Foreign}.seenBy(eyes.unit)
		if application == eyes.remote && version != 0 {
			whole.write(application, version)
		}
	}
	return nil
}

// sight says what one unit sees of a relation.
type sight struct {
	unit string
	// remote is the application that it sees.
	remote string
	// In a relation of container scope it sees only the units of its principal.
	container bool
	principal string
}

// sightOf leaves the principal to be filled in.
func sightOf(record Relation, unit string) (sight, error) {
	_, remote, err := sideOf(record, unit)
	return sight{unit: unit, remote: remote.Application, container: record.Scope() == jujucharm.ScopeContainer}, err
}

// sees tells whether a unit of the relation is one that this unit sees.
func (s sight) sees(unit string, m member) bool {
	application, _, _ := strings.Cut(unit, "/")
	return application == s.remote && unit != s.unit && (!s.container || m.principal == s.principal)
}
