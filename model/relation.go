package model

import (
	"fmt"
	"slices"
	"strings"

	jujucharm "github.com/juju/charm/v12"
)

// Endpoint is one side of a relation.
type Endpoint struct {
	Application string                  `json:"application"`
	Name        string                  `json:"name"`
	Interface   string                  `json:"interface"`
	Role        jujucharm.RelationRole  `json:"role"`
	Scope       jujucharm.RelationScope `json:"scope"`
}

func newEndpoint(application string, declared jujucharm.Relation) Endpoint {
	return Endpoint{
		Application: application, Name: declared.Name, Interface: declared.Interface, Role: declared.Role, Scope: declared.Scope,
	}
}

// String returns the endpoint as "application:name".
func (e Endpoint) String() string { return e.Application + ":" + e.Name }

// Relation is a relation between two applications, or among the units of one.
type Relation struct {
	Id   int
	Life Life
	// Endpoints are the requirer and the provider, in this order, or the one endpoint of a peer relation.
	Endpoints []Endpoint
}

// newRelation puts two endpoints in their order.
func newRelation(id int, a, b Endpoint) Relation {
	if a.Role == jujucharm.RoleProvider {
		a, b = b, a
	}
	return Relation{Id: id, Life: Alive, Endpoints: []Endpoint{a, b}}
}

func relationFrom(id int, record relationRecord) Relation {
	return Relation{Id: id, Life: record.Life, Endpoints: record.Endpoints}
}

// String returns the relation's key: "wordpress:db mysql:server", "mysql:cluster".
func (r Relation) String() string {
	sides := make([]string, len(r.Endpoints))
	for i, endpoint := range r.Endpoints {
		sides[i] = endpoint.String()
	}
	return strings.Join(sides, " ")
}

// Key is String under the name that juju has for it.
func (r Relation) Key() string { return r.String() }

// Peer tells whether the relation is among the units of one application.
func (r Relation) Peer() bool { return len(r.Endpoints) == 1 }

// Scope is container if either endpoint's is. In a relation of container scope a unit sees only the units that have
// the same principal.
func (r Relation) Scope() jujucharm.RelationScope {
	for _, endpoint := range r.Endpoints {
		if endpoint.Scope == jujucharm.ScopeContainer {
			return jujucharm.ScopeContainer
		}
	}
	return jujucharm.ScopeGlobal
}

// Endpoint returns the endpoint of the named application.
func (r Relation) Endpoint(application string) (Endpoint, bool) {
	i := slices.IndexFunc(r.Endpoints, func(e Endpoint) bool { return e.Application == application })
	if i < 0 {
		return Endpoint{}, false
	}
	return r.Endpoints[i], true
}

// Remote returns the endpoint whose units the units of the named application see: the other one, or a peer
// relation's only one.
func (r Relation) Remote(application string) (Endpoint, bool) {
	own, ok := r.Endpoint(application)
	if !ok || r.Peer() {
		return own, ok
	}
	i := slices.IndexFunc(r.Endpoints, func(e Endpoint) bool { return e.Application != application })
	if i < 0 {
		return Endpoint{}, false
	}
	return r.Endpoints[i], true
}

// UnitRelation is a relation as one of its units sees it.
type UnitRelation struct {
	Id       int
	Life     Life
	Endpoint Endpoint
	// Remote is the other side; in a peer relation it equals Endpoint.
	Remote Endpoint
	Peer   bool
}

func unitRelation(relation Relation, application string) (UnitRelation, bool) {
	own, ok := relation.Endpoint(application)
	if !ok {
		return UnitRelation{}, false
	}
	remote, ok := relation.Remote(application)
	return UnitRelation{Id: relation.Id, Life: relation.Life, Endpoint: own, Remote: remote, Peer: relation.Peer()}, ok
}

// writeRelation writes a relation in its own place and in the index of each of its applications.
func (m *Model) writeRelation(d *draft, relation Relation) error {
	record := relationRecord{Life: relation.Life, Endpoints: relation.Endpoints}
	if err := write(d, m.keys.relationMeta(relation.Id), record); err != nil {
		return err
	}
	for _, endpoint := range relation.Endpoints {
		if err := write(d, m.keys.indexed(endpoint.Application, relation.Id), record); err != nil {
			return err
		}
	}
	return nil
}

// relationsOf lists the relations of an application from its index, by id.
func (m *Model) relationsOf(d *draft, application string) ([]Relation, error) {
	found, err := d.list(m.keys.index(application))
	if err != nil {
		return nil, err
	}
	relations := make([]Relation, len(found))
	for i, kv := range found {
		id, err := relationId(strings.TrimPrefix(string(kv.Key), m.keys.index(application)))
		if err != nil {
			return nil, err
		}
		record, err := decode[relationRecord](string(kv.Key), kv.Value)
		if err != nil {
			return nil, err
		}
		relations[i] = relationFrom(id, record)
	}
	slices.SortFunc(relations, func(a, b Relation) int { return a.Id - b.Id })
	return relations, nil
}

// wantRelation returns a relation, or an error that satisfies IsNotFound.
func (m *Model) wantRelation(d *draft, id int) (Relation, error) {
	record, ok, err := read[relationRecord](d, m.keys.relationMeta(id))
	if err == nil && !ok {
		err = &NotFoundError{Noun: relationName(id)}
	}
	return relationFrom(id, record), err
}

// sideOf returns the endpoints that a unit's application has and sees in a relation.
func sideOf(relation Relation, unit string) (own, remote Endpoint, err error) {
	application, err := applicationOf(unit)
	if err != nil {
		return own, remote, err
	}
	own, ok := relation.Endpoint(application)
	if !ok {
		return own, remote, fmt.Errorf("%s is not in %s %q", applicationNoun(application), relationName(relation.Id), relation)
	}
	remote, _ = relation.Remote(application)
	return own, remote, nil
}
