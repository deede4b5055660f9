package hooktool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/juju/charm/v12/hooks"
	"github.com/juju/names/v4"

	"github.com/unit-agent/unit-agent/model"
)

// errRelationNotFound is how a charm is told that a relation is gone. Charms look for the text,
// and take it for no settings and no members.
var errRelationNotFound = errors.New("relation not found")

// relationFlag is the -r flag: a relation of the unit, by default that of the hook.
type relationFlag struct {
	hook *Context
	id   int
	set  bool
}

func (r *relationFlag) flags(fs *flagSet) {
	fs.bind(func(value string) error {
		id, err := r.hook.relationID(value)
		r.id, r.set = id, err == nil
		return err
	}, "relation", "r")
}

// check settles on the hook's relation if the flag was not there.
func (r *relationFlag) check() error {
	if r.set {
		return nil
	}
	if !r.hook.inRelation() {
		return usagef("no relation id specified")
	}
	r.id = r.hook.config.Hook.RelationId
	return nil
}

// relationID reads "7" or "db:7". An endpoint that is not the relation's is refused: to answer
// for another relation than the one that was meant would be worse than no answer.
func (c *Context) relationID(value string) (int, error) {
	number, endpoint := value, ""
	if i := strings.LastIndexByte(value, ':'); i >= 0 {
		endpoint, number = value[:i], value[i+1:]
	}
	id, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return 0, errors.New("invalid relation id")
	}
	relation, ok := c.relation(int(id))
	if !ok || endpoint != "" && endpoint != relation.Endpoint.Name {
		return 0, errRelationNotFound
	}
	return int(id), nil
}

// inRelation says whether the hook is one of a relation.
func (c *Context) inRelation() bool { return c.config.Hook.Kind.IsRelation() }

// relation returns a relation that the unit takes part in. The hook's own counts even if the
// model has let go of it.
func (c *Context) relation(id int) (model.UnitRelation, bool) {
	if relation, ok := c.config.Relations[id]; ok {
		return relation, true
	}
	if !c.inRelation() || c.config.Hook.RelationId != id {
		return model.UnitRelation{}, false
	}
	return model.UnitRelation{
		Id:       id,
		Life:     model.Dying,
		Endpoint: model.Endpoint{Application: c.application, Name: c.config.Endpoint},
		Remote:   model.Endpoint{Application: c.hookRemoteApplication()},
	}, true
}

// relationName returns the relation as relation-ids prints it.
func (c *Context) relationName(id int) string {
	relation, _ := c.relation(id)
	return fmt.Sprintf("%s:%d", relation.Endpoint.Name, id)
}

// hookRemoteApplication returns the remote application of the hook, or nothing if it has none.
func (c *Context) hookRemoteApplication() string {
	hi := c.config.Hook
	if hi.RemoteApplication != "" {
		return hi.RemoteApplication
	}
	if app, err := names.UnitApplication(hi.RemoteUnit); err == nil {
		return app
	}
	if !c.inRelation() {
		return ""
	}
	return c.config.Relations[hi.RelationId].Remote.Application
}

// members returns the units on the other side of a relation that the unit has met and not
// said good-bye to, sorted.
func (c *Context) members(ctx context.Context, id int) ([]string, error) {
	hi := c.config.Hook
	current := c.inRelation() && hi.RelationId == id
	if current && hi.Kind == hooks.RelationBroken {
		return []string{}, nil
	}
	members, known := []string(nil), false
	if c.config.Members != nil {
		members, known = c.config.Members(id)
	}
	if !known {
		var err error
		members, err = c.config.View.RelationMembers(ctx, id)
		if model.IsNotFound(err) {
			return nil, errRelationNotFound
		}
		if err != nil {
			return nil, fmt.Errorf("cannot list units of relation %s: %w", c.relationName(id), err)
		}
	}
	result := append([]string{}, members...)
	if current && hi.RemoteUnit != "" {
		result = slices.DeleteFunc(result, func(unit string) bool { return unit == hi.RemoteUnit })
		if hi.Kind != hooks.RelationDeparted {
			result = append(result, hi.RemoteUnit)
		}
	}
	slices.Sort(result)
	return result, nil
}
