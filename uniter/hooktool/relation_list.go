package hooktool

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/unit-agent/unit-agent/model"
)

// relationIds prints the relations of an endpoint.
type relationIds struct {
	printer
	hook     *Context
	endpoint string
}

func (cmd *relationIds) args(args []string) error {
	if len(args) > 0 {
		cmd.endpoint, args = args[0], args[1:]
	} else if cmd.hook.inRelation() {
		relation, _ := cmd.hook.relation(cmd.hook.config.Hook.RelationId)
		cmd.endpoint = relation.Endpoint.Name
	}
	if cmd.endpoint == "" {
		return usagef("no endpoint name specified")
	}
	return noMoreArgs(args)
}

func (cmd *relationIds) run(ctx context.Context, res *result) error {
	ids := []string{}
	relations := cmd.hook.config.Relations
	for _, id := range slices.Sorted(maps.Keys(relations)) {
		relation := relations[id]
		if relation.Endpoint.Name != cmd.endpoint {
			continue
		}
		broken, err := cmd.hook.broken(ctx, relation)
		if err != nil {
			return err
		}
		if !broken {
			ids = append(ids, cmd.hook.relationName(id))
		}
	}
	slices.Sort(ids) // as strings, as charms have always got them
	return cmd.print(res, ids)
}

// broken says whether all is over in a relation, so that a charm is not told of it any more. It
// can still be named.
func (c *Context) broken(ctx context.Context, relation model.UnitRelation) (bool, error) {
	if relation.Life == model.Dead {
		return true, nil
	}
	if relation.Life == model.Alive || relation.Peer {
		return false, nil
	}
	members, err := c.members(ctx, relation.Id)
	if errors.Is(err, errRelationNotFound) {
		return true, nil
	}
	return len(members) == 0, err
}

// relationList prints the units, or the application, on the other side of a relation.
type relationList struct {
	printer
	hook          *Context
	relation      relationFlag
	ofApplication bool
}

func (cmd *relationList) flags(fs *flagSet) {
	cmd.printer.flags(fs)
	cmd.relation.flags(fs)
	fs.boolean(&cmd.ofApplication, "app")
}

func (cmd *relationList) args(args []string) error {
	if err := cmd.relation.check(); err != nil {
		return err
	}
	return noMoreArgs(args)
}

func (cmd *relationList) run(ctx context.Context, res *result) error {
	if cmd.ofApplication {
		relation, _ := cmd.hook.relation(cmd.relation.id)
		return cmd.print(res, relation.Remote.Application)
	}
	members, err := cmd.hook.members(ctx, cmd.relation.id)
	if err != nil {
		return err
	}
	return cmd.print(res, members)
}
