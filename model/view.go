package model

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	jujucharm "github.com/juju/charm/v12"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// View is one hook's look at the model. The first read fixes the moment; all later ones show the model as it was
// then, so that what a hook reads fits together. Only if the store has forgotten that moment, later reads show a
// newer one. What was read is kept, so that reading it again costs nothing. A View may be used by several
// goroutines, which wait for each other.
type View struct {
	m    *Model
	unit string

	mu       sync.Mutex
	revision int64
	values   map[string][]byte
	ranges   map[string][]*mvccpb.KeyValue
}

// View returns a look at the model through the eyes of a unit, which need not exist.
func (m *Model) View(unit string) *View {
	return &View{m: m, unit: unit, values: map[string][]byte{}, ranges: map[string][]*mvccpb.KeyValue{}}
}

// UnitSettings returns the settings of a unit in a relation, also of one that has left it. The error of a unit that
// never was in it satisfies IsNotFound. The map is the caller's.
func (v *View) UnitSettings(ctx context.Context, relationId int, unit string) (map[string]string, error) {
	if _, err := applicationOf(unit); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	present, left := v.m.keys.member(relationId, unit), v.m.keys.departed(relationId, unit)
	if err := v.load(ctx, present, left); err != nil {
		return nil, err
	}
	for _, key := range []string{present, left} {
		if value := v.values[key]; value != nil {
			return settingsFrom(key, value)
		}
	}
	return nil, &NotFoundError{Noun: fmt.Sprintf("unit %q in %s", unit, relationName(relationId))}
}

// ApplicationSettings returns the settings of an application in a relation, empty if they were never written. The
// error of an application that is not in the relation satisfies IsNotFound. The map is the caller's.
func (v *View) ApplicationSettings(ctx context.Context, relationId int, application string) (map[string]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := v.m.keys.applicationBag(relationId, application)
	if err := v.load(ctx, key, v.m.keys.relationMeta(relationId)); err != nil {
		return nil, err
	}
	relation, err := v.relation(relationId)
	if err != nil {
		return nil, err
	}
	if _, ok := relation.Endpoint(application); !ok {
		return nil, &NotFoundError{Noun: fmt.Sprintf("application %q in %s", application, relationName(relationId))}
	}
	if v.values[key] == nil {
		return map[string]string{}, nil
	}
	return settingsFrom(key, v.values[key])
}

func settingsFrom(key string, value []byte) (map[string]string, error) {
	bag, err := decode[bagRecord](key, value)
	if err != nil {
		return nil, err
	}
	if bag.Settings == nil {
		bag.Settings = map[string]string{}
	}
	return bag.Settings, nil
}

// RelationMembers returns the units that the view's unit sees in the scope of a relation, sorted by name. The error
// of a relation that is not there satisfies IsNotFound.
func (v *View) RelationMembers(ctx context.Context, relationId int) ([]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.load(ctx, v.m.keys.relationMeta(relationId)); err != nil {
		return nil, err
	}
	relation, err := v.relation(relationId)
	if err != nil {
		return nil, err
	}
	_, remote, err := sideOf(relation, v.unit)
	if err != nil {
		return nil, err
	}
	container := relation.Scope() == jujucharm.ScopeContainer
	members := v.m.keys.members(relationId)
	found, err := v.list(ctx, members+remote.Application+"/", !container)
	if err != nil {
		return nil, err
	}
	principal := v.unit
	if container {
		unit, err := v.unitLocked(ctx, v.unit)
		if err != nil {
			return nil, err
		}
		principal = principalOf(unit.Name, unit.Principal)
	}
	units := []string{}
	for _, kv := range found {
		unit := strings.TrimPrefix(string(kv.Key), members)
		if unit == v.unit {
			continue
		}
		if container {
			bag, err := decode[bagRecord](string(kv.Key), kv.Value)
			if err != nil {
				return nil, err
			}
			if bag.Principal != principal {
				continue
			}
		}
		units = append(units, unit)
	}
	return units, nil
}

// Unit returns a unit. The error of one that is not there satisfies IsNotFound.
func (v *View) Unit(ctx context.Context, unit string) (Unit, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.unitLocked(ctx, unit)
}

func (v *View) unitLocked(ctx context.Context, unit string) (Unit, error) {
	if _, err := applicationOf(unit); err != nil {
		return Unit{}, err
	}
	result, err := newUnit(unit)
	if err != nil {
		return Unit{}, err
	}
	if err := v.load(ctx, v.m.unitPartKeys(unit)...); err != nil {
		return Unit{}, err
	}
	if v.values[v.m.keys.unitMeta(unit)] == nil {
		return Unit{}, &NotFoundError{Noun: unitNoun(unit)}
	}
	for _, suffix := range unitSuffixes {
		key := v.m.keys.unitPart(unit, suffix)
		if err := result.set(key, suffix, v.values[key]); err != nil {
			return Unit{}, err
		}
	}
	return result.withDefaults(), nil
}

// Application returns an application. The error of one that is not there satisfies IsNotFound.
func (v *View) Application(ctx context.Context, application string) (Application, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	meta, charmKey := v.m.keys.applicationMeta(application), v.m.keys.charm(application)
	if err := v.load(ctx, meta, charmKey); err != nil {
		return Application{}, err
	}
	if v.values[meta] == nil || v.values[charmKey] == nil {
		return Application{}, &NotFoundError{Noun: applicationNoun(application)}
	}
	record, err := decode[applicationRecord](meta, v.values[meta])
	if err != nil {
		return Application{}, err
	}
	charm, err := decode[Charm](charmKey, v.values[charmKey])
	if err != nil {
		return Application{}, err
	}
	return applicationFrom(application, record, charm), nil
}

// ApplicationStatus returns the status that the application's leader set, or else the worst one of its units, and
// the units' statuses as people are shown them. The error of an application that is not there satisfies IsNotFound.
func (v *View) ApplicationStatus(ctx context.Context, application string) (StatusInfo, map[string]StatusInfo, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	meta, statusKey := v.m.keys.applicationMeta(application), v.m.keys.status(application)
	if err := v.load(ctx, meta, statusKey); err != nil {
		return StatusInfo{}, nil, err
	}
	if v.values[meta] == nil {
		return StatusInfo{}, nil, &NotFoundError{Noun: applicationNoun(application)}
	}
	found, err := v.list(ctx, v.m.keys.unitsOf(application), false)
	if err != nil {
		return StatusInfo{}, nil, err
	}
	units, err := unitsFrom(v.m.keys.units(), found)
	if err != nil {
		return StatusInfo{}, nil, err
	}
	statuses := make(map[string]StatusInfo, len(units))
	for name, unit := range units {
		statuses[name], _ = unit.Shown()
	}
	if v.values[statusKey] == nil {
		return WorstStatus(slices.Collect(maps.Values(statuses))), statuses, nil
	}
	status, err := decode[StatusInfo](statusKey, v.values[statusKey])
	return status, statuses, err
}

// OpenPortsOnMachine returns what the units that are placed on a machine have open, by unit. Units with nothing
// open are left out.
func (v *View) OpenPortsOnMachine(ctx context.Context, machine string) (map[string][]PortRange, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	prefix := v.m.keys.machineUnits(machine)
	placed, err := v.list(ctx, prefix, true)
	if err != nil {
		return nil, err
	}
	wanted := make([]string, len(placed))
	for i, kv := range placed {
		wanted[i] = v.m.keys.unitPart(strings.TrimPrefix(string(kv.Key), prefix), portsSuffix)
	}
	if err := v.load(ctx, wanted...); err != nil {
		return nil, err
	}
	open := map[string][]PortRange{}
	for i, kv := range placed {
		if v.values[wanted[i]] == nil {
			continue
		}
		record, err := decode[portsRecord](wanted[i], v.values[wanted[i]])
		if err != nil {
			return nil, err
		}
		if len(record.Ranges) > 0 {
			open[strings.TrimPrefix(string(kv.Key), prefix)] = record.Ranges
		}
	}
	return open, nil
}
