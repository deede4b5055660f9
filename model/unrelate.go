package model

import (
	"context"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// RemoveRelation asks the relation between two applications, each named as "application" or "application:endpoint",
// to go. A relation that no unit is in the scope of is gone at once. The error of a relation that is not there
// satisfies IsNotFound.
func (m *Model) RemoveRelation(ctx context.Context, a, b string) error {
	_, err := m.transact(ctx, nil, func(d *draft) error { return m.removeRelation(d, a, b) })
	return err
}

func (m *Model) removeRelation(d *draft, a, b string) error {
	var sides [2]side
	for i, text := range []string{a, b} {
		var err error
		if sides[i], err = parseSide(text); err != nil {
			return err
		}
		if _, err := m.wantApplication(d, sides[i].application); err != nil {
			return err
		}
	}
	existing, err := m.relationsOf(d, sides[0].application)
	if err != nil {
		return err
	}
	var meant []Relation
	for _, relation := range existing {
		if sides[0].isIn(relation) && sides[1].isIn(relation) {
			meant = append(meant, relation)
		}
	}
	switch {
	case len(meant) == 0:
		return &NotFoundError{Noun: fmt.Sprintf("relation %q", strings.TrimSpace(a+" "+b))}
	case len(meant) > 1:
		return ambiguous(a, b, meant)
	case meant[0].Peer():
		return fmt.Errorf("cannot remove relation %q: it is a peer relation, which lasts as long as its application", meant[0])
	}
	gone, err := m.letRelationGo(d, meant[0])
	if err != nil || !gone {
		return err
	}
	return m.finishApplications(d, meant[0])
}

// isIn tells whether a relation is one that the person may have meant.
func (s side) isIn(relation Relation) bool {
	endpoint, ok := relation.Endpoint(s.application)
	return ok && (s.endpoint == "" || s.endpoint == endpoint.Name)
}

// letRelationGo makes a relation dying, or removes it if no unit is in its scope.
func (m *Model) letRelationGo(d *draft, relation Relation) (gone bool, err error) {
	if relation, err = m.wantRelation(d, relation.Id); err != nil {
		return false, err
	}
	members := m.keys.members(relation.Id)
	member, err := d.first(members, clientv3.GetPrefixRangeEnd(members))
	if err != nil {
		return false, err
	}
	if member == "" {
		d.guardRange(members)
		m.removeRelationKeys(d, relation)
		return true, nil
	}
	if relation.Life != Alive {
		return false, nil
	}
	// If this member were to leave in between, as the last one, nobody would remove the relation.
	d.guardExists(member)
	relation.Life = Dying
	return false, m.writeRelation(d, relation)
}

func (m *Model) removeRelationKeys(d *draft, relation Relation) {
	d.removeAll(m.keys.relation(relation.Id))
	for _, endpoint := range relation.Endpoints {
		d.remove(m.keys.indexed(endpoint.Application, relation.Id))
	}
}

// finishApplications removes those applications of a relation that just goes which waited for nothing else.
func (m *Model) finishApplications(d *draft, relation Relation) error {
	for _, endpoint := range relation.Endpoints {
		if err := m.finishApplication(d, endpoint.Application); err != nil {
			return err
		}
	}
	return nil
}
