package model

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	jujucharm "github.com/juju/charm/v12"
	"github.com/juju/names/v4"

	"github.com/unit-agent/unit-agent/charm"
)

// side is one of the two things that a person asked to relate.
type side struct {
	application string
	// endpoint is empty if the person left it open.
	endpoint string
}

func parseSide(text string) (side, error) {
	application, endpoint, named := strings.Cut(text, ":")
	if !names.IsValidApplication(application) || named && endpoint == "" || strings.Contains(endpoint, ":") {
		return side{}, fmt.Errorf("invalid endpoint %q: it must be APPLICATION or APPLICATION:ENDPOINT", text)
	}
	return side{application, endpoint}, nil
}

func relationId(text string) (int, error) {
	id, err := strconv.Atoi(text)
	if err != nil || id < 0 {
		return 0, fmt.Errorf("invalid relation id %q", text)
	}
	return id, nil
}

// candidate is an endpoint that a relation may be made with, and how many relations it takes (0: any number).
type candidate struct {
	Endpoint
	limit    int
	implicit bool
}

// AddRelation relates two applications, each named as "application" or "application:endpoint". An endpoint that is
// left open is inferred from what the charms provide and require.
func (m *Model) AddRelation(ctx context.Context, a, b string) (Relation, error) {
	var relation Relation
	_, err := m.transact(ctx, nil, func(d *draft) (err error) {
		relation, err = m.addRelation(d, a, b)
		return err
	})
	return relation, err
}

func (m *Model) addRelation(d *draft, a, b string) (Relation, error) {
	var candidates [2][]candidate
	var records [2]applicationRecord
	for i, text := range []string{a, b} {
		wanted, err := parseSide(text)
		if err != nil {
			return Relation{}, err
		}
		if err := d.load(m.keys.applicationMeta(wanted.application), m.keys.charm(wanted.application)); err != nil {
			return Relation{}, err
		}
		if records[i], err = m.wantApplication(d, wanted.application); err != nil {
			return Relation{}, err
		}
		parsed, err := m.wantCharm(d, wanted.application)
		if err != nil {
			return Relation{}, err
		}
		if candidates[i], err = candidatesFor(wanted, parsed); err != nil {
			return Relation{}, err
		}
	}
	pair, err := infer(a, b, candidates[0], candidates[1])
	if err != nil {
		return Relation{}, err
	}
	relation := newRelation(0, pair[0].Endpoint, pair[1].Endpoint)
	existing := func(application string) ([]Relation, error) { return m.relationsOf(d, application) }
	if err := checkRelation(relation, pair, records, existing); err != nil {
		return Relation{}, fmt.Errorf("cannot add relation %q: %w", relation, err)
	}
	if relation.Id, err = d.next(m.keys.relationSequence(), 1); err != nil {
		return Relation{}, err
	}
	return relation, m.writeRelation(d, relation)
}

// candidatesFor returns the endpoints of an application that may be meant.
func candidatesFor(wanted side, parsed *charm.Charm) ([]candidate, error) {
	add := func(declared jujucharm.Relation) candidate {
		_, explicit := parsed.Meta.CombinedRelations()[declared.Name]
		return candidate{newEndpoint(wanted.application, declared), declared.Limit, !explicit}
	}
	if wanted.endpoint != "" {
		declared, ok := parsed.Endpoint(wanted.endpoint)
		if !ok {
			return nil, fmt.Errorf("application %q has no %q relation", wanted.application, wanted.endpoint)
		}
		return []candidate{add(declared)}, nil
	}
	var candidates []candidate
	declared := parsed.Meta.CombinedRelations()
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		candidates = append(candidates, add(declared[name]))
	}
	if _, explicit := declared[charm.JujuInfo]; !explicit {
		if implicit, ok := parsed.Endpoint(charm.JujuInfo); ok {
			candidates = append(candidates, add(implicit))
		}
	}
	return candidates, nil
}

// infer returns the one pair of endpoints that can be meant by a and b. A pair with an implicit endpoint counts
// only where there is no other.
func infer(a, b string, as, bs []candidate) ([2]candidate, error) {
	var explicit, implicit [][2]candidate
	for _, x := range as {
		for _, y := range bs {
			switch {
			case !relatable(x.Endpoint, y.Endpoint):
			case x.implicit || y.implicit:
				implicit = append(implicit, [2]candidate{x, y})
			default:
				explicit = append(explicit, [2]candidate{x, y})
			}
		}
	}
	pairs := explicit
	if len(pairs) == 0 {
		pairs = implicit
	}
	switch len(pairs) {
	case 0:
		return [2]candidate{}, ErrNoRelations
	case 1:
		return pairs[0], nil
	}
	relations := make([]Relation, len(pairs))
	for i, pair := range pairs {
		relations[i] = newRelation(0, pair[0].Endpoint, pair[1].Endpoint)
	}
	return [2]candidate{}, ambiguous(a, b, relations)
}

// relatable tells whether one endpoint provides what the other one requires.
func relatable(a, b Endpoint) bool {
	provided := a.Role == jujucharm.RoleProvider && b.Role == jujucharm.RoleRequirer
	required := a.Role == jujucharm.RoleRequirer && b.Role == jujucharm.RoleProvider
	return (provided || required) && a.Interface == b.Interface && a.Application != b.Application
}

func ambiguous(a, b string, relations []Relation) error {
	meant := make([]string, len(relations))
	for i, relation := range relations {
		meant[i] = strconv.Quote(relation.String())
	}
	slices.Sort(meant)
	return fmt.Errorf("ambiguous relation: %q could refer to %s", strings.TrimSpace(a+" "+b), strings.Join(meant, "; "))
}

// checkRelation returns an error if the relation of two endpoints that fit cannot be made as things stand. existing
// returns the relations that an application has.
func checkRelation(relation Relation, pair [2]candidate, records [2]applicationRecord, existing func(string) ([]Relation, error)) error {
	if relation.Scope() == jujucharm.ScopeContainer && !records[0].Subordinate && !records[1].Subordinate {
		return errors.New("container scoped relation requires at least one subordinate application")
	}
	for i, endpoint := range pair {
		if records[i].Life != Alive {
			return fmt.Errorf("%s is %w", applicationNoun(endpoint.Application), ErrDying)
		}
		relations, err := existing(endpoint.Application)
		if err != nil {
			return err
		}
		if err := checkAgainst(relation, endpoint, relations); err != nil {
			return err
		}
	}
	return nil
}

// checkAgainst holds a relation and one of its endpoints against the relations that the endpoint's application has.
func checkAgainst(relation Relation, endpoint candidate, existing []Relation) error {
	taken := 0
	for _, other := range existing {
		if other.Key() == relation.Key() && other.Life == Alive {
			return &AlreadyExistsError{Noun: fmt.Sprintf("relation %s", relation)}
		}
		if other.Key() == relation.Key() {
			return fmt.Errorf("relation %s is dying, but not yet removed", relation)
		}
		if own, ok := other.Endpoint(endpoint.Application); ok && own.Name == endpoint.Name {
			taken++
		}
	}
	if endpoint.limit > 0 && taken >= endpoint.limit {
		return fmt.Errorf("establishing a new relation for %s would exceed its maximum relation limit of %d", endpoint, endpoint.limit)
	}
	return nil
}
