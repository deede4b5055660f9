package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	jujucharm "github.com/juju/charm/v12"
	"github.com/juju/names/v4"

	"github.com/unit-agent/unit-agent/charm"
)

// DeployArgs says what to deploy.
type DeployArgs struct {
	// Application is the name of the new application.
	Application string
	Charm       Charm
	// Config holds settings as people type them.
	Config map[string]string
	// NumUnits is how many units to begin with. A subordinate begins with none.
	NumUnits int
	// Machine is where the units are placed; they are placed nowhere if it is empty.
	Machine string
	Trust   bool
}

var (
	errBeingRemoved     = errors.New("an application of this name is still being removed: try again when it is gone")
	errSubordinateUnits = errors.New("the units of a subordinate application come with those that it is related to")
)

// Deploy adds an application with its settings, its peer relations and its first units, whose names it returns.
func (m *Model) Deploy(ctx context.Context, args DeployArgs) ([]string, error) {
	if !names.IsValidApplication(args.Application) {
		return nil, fmt.Errorf("cannot add application %q: invalid application name", args.Application)
	}
	var units []string
	_, err := m.transact(ctx, nil, func(d *draft) (err error) {
		units, err = m.deploy(d, args)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot add application %q: %w", args.Application, err)
	}
	return units, nil
}

// parse returns the charm, and the settings and the trust that the application is to have.
func (a DeployArgs) parse() (parsed *charm.Charm, settings map[string]json.RawMessage, trust bool, err error) {
	if parsed, err = charm.Parse(a.Charm.Documents); err != nil {
		return nil, nil, false, err
	}
	typed, trust := maps.Clone(a.Config), a.Trust
	if err := takeTrust(parsed.Config, typed, &trust); err != nil {
		return nil, nil, false, err
	}
	settings, err = parseSettings(parsed.Config, typed)
	return parsed, settings, trust, err
}

func (m *Model) deploy(d *draft, args DeployArgs) ([]string, error) {
	parsed, settings, trust, err := args.parse()
	if err != nil {
		return nil, err
	}
	if err := d.load(m.keys.applicationMeta(args.Application), m.keys.charm(args.Application), m.keys.config(args.Application),
		m.keys.unitSequence(args.Application)); err != nil {
		return nil, err
	}
	if existing, ok, err := read[applicationRecord](d, m.keys.applicationMeta(args.Application)); err != nil {
		return nil, err
	} else if ok && existing.Life != Alive {
		return nil, errBeingRemoved
	} else if ok {
		return nil, &AlreadyExistsError{Noun: "application"}
	}
	application := applicationRecord{Life: Alive, Subordinate: parsed.Meta.Subordinate, Trust: trust, Created: m.now()}
	if err := write(d, m.keys.applicationMeta(args.Application), application); err != nil {
		return nil, err
	}
	if err := write(d, m.keys.charm(args.Application), args.Charm); err != nil {
		return nil, err
	}
	if err := write(d, m.keys.config(args.Application), configRecord{Settings: settings}); err != nil {
		return nil, err
	}
	if err := m.addPeerRelations(d, args.Application, parsed.Meta.Peers); err != nil {
		return nil, err
	}
	if args.NumUnits == 0 {
		return nil, nil
	}
	return m.addUnits(d, args.Application, application, args.NumUnits, args.Machine)
}

func (m *Model) addPeerRelations(d *draft, application string, peers map[string]jujucharm.Relation) error {
	if len(peers) == 0 {
		return nil
	}
	id, err := d.next(m.keys.relationSequence(), len(peers))
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(peers)) {
		relation := Relation{Id: id, Life: Alive, Endpoints: []Endpoint{newEndpoint(application, peers[name])}}
		if err := m.writeRelation(d, relation); err != nil {
			return err
		}
		id++
	}
	return nil
}

// AddUnits adds n units to an application and returns their names in the order of their numbers.
func (m *Model) AddUnits(ctx context.Context, application string, n int, machine string) ([]string, error) {
	var units []string
	_, err := m.transact(ctx, nil, func(d *draft) error {
		if err := d.load(m.keys.applicationMeta(application), m.keys.unitSequence(application)); err != nil {
			return err
		}
		record, err := m.wantApplication(d, application)
		if err != nil {
			return err
		}
		units, err = m.addUnits(d, application, record, n, machine)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot add unit to application %q: %w", application, err)
	}
	return units, nil
}

func (m *Model) addUnits(d *draft, application string, record applicationRecord, n int, machine string) ([]string, error) {
	switch {
	case n <= 0:
		return nil, fmt.Errorf("the number of units must be at least 1, not %d", n)
	case record.Subordinate:
		return nil, errSubordinateUnits
	case record.Life != Alive:
		return nil, fmt.Errorf("%s is %w", applicationNoun(application), ErrDying)
	case n > d.m.maxOps:
		return nil, tooManyOperations(n, d.m.maxOps)
	}
	if machine != "" {
		if err := m.wantMachine(d, machine); err != nil {
			return nil, err
		}
	}
	first, err := d.next(m.keys.unitSequence(application), n)
	if err != nil {
		return nil, err
	}
	units := make([]string, n)
	for i := range units {
		units[i] = application + "/" + strconv.Itoa(first+i)
		if err := create(d, m.keys.unitMeta(units[i]), unitRecord{Life: Alive, Machine: machine, Created: m.now()}); err != nil {
			return nil, err
		}
		if machine != "" {
			d.touch(m.keys.machineUnit(machine, units[i]))
		}
	}
	return units, nil
}

// wantApplication returns an application's record, or an error that satisfies IsNotFound.
func (m *Model) wantApplication(d *draft, application string) (applicationRecord, error) {
	if !names.IsValidApplication(application) {
		return applicationRecord{}, fmt.Errorf("invalid application name %q", application)
	}
	record, ok, err := read[applicationRecord](d, m.keys.applicationMeta(application))
	if err == nil && !ok {
		err = &NotFoundError{Noun: applicationNoun(application)}
	}
	return record, err
}

// create writes a record to a key that is new because its number is.
func create[T any](d *draft, key string, record T) error {
	value, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("cannot write key %q: %w", key, err)
	}
	d.puts[key] = string(value)
	return nil
}
