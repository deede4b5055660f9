package model

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// Snapshot is the whole model at one revision of the store, as status shows it.
type Snapshot struct {
	Name     string
	UUID     string
	Revision int64
	// Time is when the snapshot was made.
	Time         time.Time
	Applications map[string]ApplicationSnapshot
	Units        map[string]Unit
	Relations    map[int]Relation
	Machines     map[string]Machine
}

// ApplicationSnapshot is an application with what is known of its state.
type ApplicationSnapshot struct {
	Application
	// Status is what the leader set, or else the worst status of the units.
	Status StatusInfo
	// Leader is the unit that holds the leadership lease, or empty.
	Leader string
	// WorkloadVersion is what a unit's charm reported last.
	WorkloadVersion string
}

// UnitsOf returns the units of an application by number.
func (s *Snapshot) UnitsOf(application string) []Unit {
	var units []Unit
	for _, unit := range s.Units {
		if unit.Application == application {
			units = append(units, unit)
		}
	}
	slices.SortFunc(units, func(a, b Unit) int { return cmp.Compare(a.Number, b.Number) })
	return units
}

// RelationsOf returns the relations of an application by id.
func (s *Snapshot) RelationsOf(application string) []Relation {
	var relations []Relation
	for _, relation := range s.Relations {
		if _, ok := relation.Endpoint(application); ok {
			relations = append(relations, relation)
		}
	}
	slices.SortFunc(relations, func(a, b Relation) int { return cmp.Compare(a.Id, b.Id) })
	return relations
}

// Status returns the whole model as it was at one moment.
func (m *Model) Status(ctx context.Context) (*Snapshot, error) {
	for attempt := range maxAttempts {
		if err := m.pause(ctx, attempt); err != nil {
			return nil, err
		}
		snapshot, err := m.snapshot(ctx)
		if !errors.Is(err, rpctypes.ErrCompacted) {
			return snapshot, err
		}
	}
	return nil, errors.New("cannot read the model: the store forgets faster than it can be read")
}

func (m *Model) snapshot(ctx context.Context) (*Snapshot, error) {
	s := &Snapshot{
		Name: m.name, UUID: m.uuid, Time: m.now(),
		Applications: map[string]ApplicationSnapshot{}, Relations: map[int]Relation{}, Machines: map[string]Machine{},
	}
	applications, revision, err := m.list(ctx, m.keys.applications(), 0)
	if err != nil {
		return nil, err
	}
	s.Revision = revision
	machines, _, err := m.list(ctx, m.keys.machines(), revision)
	if err != nil {
		return nil, err
	}
	units, _, err := m.list(ctx, m.keys.units(), revision)
	if err != nil {
		return nil, err
	}
	if s.Units, err = unitsFrom(m.keys.units(), units); err != nil {
		return nil, err
	}
	if err := s.setMachines(m.keys.machines(), machines); err != nil {
		return nil, err
	}
	return s, s.setApplications(m.keys.applications(), applications)
}

// unitsFrom makes units of the keys under the prefix of them all.
func unitsFrom(prefix string, found []*mvccpb.KeyValue) (map[string]Unit, error) {
	units := map[string]Unit{}
	for _, kv := range found {
		name, suffix, ok := splitPart(strings.TrimPrefix(string(kv.Key), prefix), 2)
		if !ok {
			continue
		}
		unit, seen := units[name]
		if !seen {
			var err error
			if unit, err = newUnit(name); err != nil {
				return nil, err
			}
		}
		if err := unit.set(string(kv.Key), suffix, kv.Value); err != nil {
			return nil, err
		}
		units[name] = unit
	}
	for name, unit := range units {
		units[name] = unit.withDefaults()
	}
	// What has no life is a key without a unit, such as a claim that outlived it.
	maps.DeleteFunc(units, func(_ string, unit Unit) bool { return unit.Life == "" })
	return units, nil
}

func (s *Snapshot) setMachines(prefix string, found []*mvccpb.KeyValue) error {
	alive := map[string]bool{}
	for _, kv := range found {
		id, suffix, ok := splitPart(strings.TrimPrefix(string(kv.Key), prefix), 1)
		switch {
		case ok && suffix == aliveSuffix:
			alive[id] = true
		case ok && suffix == metaSuffix:
			record, err := decode[machineRecord](string(kv.Key), kv.Value)
			if err != nil {
				return err
			}
			s.Machines[id] = machineFrom(id, record, false)
		}
	}
	for id, machine := range s.Machines {
		machine.AgentAlive = alive[id]
		s.Machines[id] = machine
	}
	return nil
}

func (s *Snapshot) setApplications(prefix string, found []*mvccpb.KeyValue) error {
	for _, kv := range found {
		name, suffix, ok := splitPart(strings.TrimPrefix(string(kv.Key), prefix), 1)
		if !ok {
			continue
		}
		application := s.Applications[name]
		if err := s.setApplication(&application, name, string(kv.Key), suffix, kv.Value); err != nil {
			return err
		}
		s.Applications[name] = application
	}
	maps.DeleteFunc(s.Applications, func(_ string, a ApplicationSnapshot) bool { return a.Life == "" })
	for name, application := range s.Applications {
		s.Applications[name] = s.withUnits(application)
	}
	return nil
}

// setApplication puts into an application what one of its keys says.
func (s *Snapshot) setApplication(application *ApplicationSnapshot, name, key, suffix string, value []byte) (err error) {
	switch {
	case suffix == metaSuffix:
		var record applicationRecord
		if record, err = decode[applicationRecord](key, value); err == nil {
			application.Application = applicationFrom(name, record, application.Charm)
		}
	case suffix == charmSuffix:
		application.Charm, err = decode[Charm](key, value)
	case suffix == statusSuffix:
		application.Status, err = decode[StatusInfo](key, value)
	case suffix == leaderSuffix:
		application.Leader = leaderHolder(value)
	case strings.HasPrefix(suffix, relationsInfix):
		var id int
		if id, err = relationId(strings.TrimPrefix(suffix, relationsInfix)); err != nil {
			return err
		}
		var record relationRecord
		if record, err = decode[relationRecord](key, value); err == nil {
			s.Relations[id] = relationFrom(id, record)
		}
	}
	return err
}

// withUnits fills in what an application's units tell of it.
func (s *Snapshot) withUnits(application ApplicationSnapshot) ApplicationSnapshot {
	var statuses []StatusInfo
	var newest time.Time
	for _, unit := range s.UnitsOf(application.Name) {
		workload, _ := unit.Shown()
		statuses = append(statuses, workload)
		if unit.WorkloadVersion != "" && !unit.VersionSince.Before(newest) {
			application.WorkloadVersion, newest = unit.WorkloadVersion, unit.VersionSince
		}
	}
	if application.Status.Status == "" {
		application.Status = WorstStatus(statuses)
	}
	return application
}
