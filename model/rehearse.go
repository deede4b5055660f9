package model

import (
	"errors"
	"fmt"

	"github.com/juju/names/v4"

	"github.com/unit-agent/unit-agent/charm"
)

// Rehearse tells whether applications, and then relations among them and those that are there, could be added to the model
// as it was in the snapshot: if not, it returns an error as Deploy or AddRelation would. A relation that is there already
// is no error. The rehearsal knows nothing of the store's limits nor of what others change meanwhile.
func (s *Snapshot) Rehearse(applications []DeployArgs, relations [][2]string) error {
	r := rehearsal{applications: map[string]rehearsed{}}
	for name, application := range s.Applications {
		parsed, err := charm.Parse(application.Charm.Documents)
		if err != nil {
			return fmt.Errorf("the charm of %s: %w", applicationNoun(name), err)
		}
		r.applications[name] = rehearsed{applicationRecord{Life: application.Life, Subordinate: application.Subordinate}, parsed}
	}
	for _, relation := range s.Relations {
		r.relations = append(r.relations, relation)
	}
	for _, args := range applications {
		if err := r.deploy(s, args); err != nil {
			return fmt.Errorf("cannot add application %q: %w", args.Application, err)
		}
	}
	for _, pair := range relations {
		if err := r.relate(pair[0], pair[1]); err != nil && !IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

// rehearsal is what would be in the model.
type rehearsal struct {
	applications map[string]rehearsed
	relations    []Relation
}

type rehearsed struct {
	record applicationRecord
	charm  *charm.Charm
}

func (r *rehearsal) deploy(s *Snapshot, args DeployArgs) error {
	if !names.IsValidApplication(args.Application) {
		return errors.New("invalid application name")
	}
	parsed, _, _, err := args.parse()
	if err != nil {
		return err
	}
	if existing, ok := r.applications[args.Application]; ok && existing.record.Life != Alive {
		return errBeingRemoved
	} else if ok {
		return &AlreadyExistsError{Noun: "application"}
	}
	if args.NumUnits > 0 && parsed.Meta.Subordinate {
		return errSubordinateUnits
	}
	if _, ok := s.Machines[args.Machine]; !ok && args.Machine != "" {
		return &NotFoundError{Noun: fmt.Sprintf("machine %q", args.Machine)}
	}
	r.applications[args.Application] = rehearsed{applicationRecord{Life: Alive, Subordinate: parsed.Meta.Subordinate}, parsed}
	return nil
}

func (r *rehearsal) relate(a, b string) error {
	var candidates [2][]candidate
	var records [2]applicationRecord
	for i, text := range []string{a, b} {
		wanted, err := parseSide(text)
		if err != nil {
			return err
		}
		application, ok := r.applications[wanted.application]
		if !ok {
			return &NotFoundError{Noun: applicationNoun(wanted.application)}
		}
		records[i] = application.record
		if candidates[i], err = candidatesFor(wanted, application.charm); err != nil {
			return err
		}
	}
	pair, err := infer(a, b, candidates[0], candidates[1])
	if err != nil {
		return fmt.Errorf("cannot add relation %q: %w", a+" "+b, err)
	}
	relation := newRelation(0, pair[0].Endpoint, pair[1].Endpoint)
	if err := checkRelation(relation, pair, records, r.relationsOf); err != nil {
		return fmt.Errorf("cannot add relation %q: %w", relation, err)
	}
	r.relations = append(r.relations, relation)
	return nil
}

func (r *rehearsal) relationsOf(application string) ([]Relation, error) {
	var relations []Relation
	for _, relation := range r.relations {
		if _, ok := relation.Endpoint(application); ok {
			relations = append(relations, relation)
		}
	}
	return relations, nil
}
