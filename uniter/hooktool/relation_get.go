package hooktool

import (
	"context"
	"errors"
	"fmt"

	"github.com/juju/names/v4"

	"github.com/unit-agent/unit-agent/model"
)

var relationTools = []tool{
	{"relation-get", func(c *Context) command { return &relationGet{hook: c, relation: relationFlag{hook: c}} }},
	{"relation-set", func(c *Context) command { return &relationSet{hook: c, relation: relationFlag{hook: c}} }},
	{"relation-ids", func(c *Context) command { return &relationIds{hook: c} }},
	{"relation-list", func(c *Context) command { return &relationList{hook: c, relation: relationFlag{hook: c}} }},
}

// allKeys stands for no key where a key and something after it can be given.
const allKeys = "-"

// relationGet prints settings of a unit or an application.
type relationGet struct {
	printer
	hook          *Context
	relation      relationFlag
	ofApplication bool

	key  string // empty for all
	name string // of a unit, or of an application if ofApplication
}

func (cmd *relationGet) flags(fs *flagSet) {
	cmd.printer.flags(fs)
	cmd.relation.flags(fs)
	fs.boolean(&cmd.ofApplication, "app")
}

func (cmd *relationGet) args(args []string) error {
	if err := cmd.relation.check(); err != nil {
		return err
	}
	if len(args) > 0 {
		if args[0] != allKeys {
			cmd.key = args[0]
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return cmd.defaultName()
	}
	cmd.name = args[0]
	if err := cmd.checkName(); err != nil {
		return err
	}
	return noMoreArgs(args[1:])
}

// defaultName settles on what the hook is about.
func (cmd *relationGet) defaultName() error {
	if unit := cmd.hook.config.Hook.RemoteUnit; unit != "" && !cmd.ofApplication {
		cmd.name = unit
		return nil
	}
	cmd.name, cmd.ofApplication = cmd.hook.hookRemoteApplication(), true
	if cmd.name == "" {
		return usagef("no unit or application specified")
	}
	return nil
}

func (cmd *relationGet) checkName() error {
	isUnit, isApplication := names.IsValidUnit(cmd.name), names.IsValidApplication(cmd.name)
	switch {
	case cmd.ofApplication && isUnit:
		cmd.name, _ = names.UnitApplication(cmd.name)
	case cmd.ofApplication && !isApplication:
		return usagef("invalid application name %q", cmd.name)
	case !cmd.ofApplication && isApplication:
		return usagef("expected unit name, got application name %q", cmd.name)
	case !cmd.ofApplication && !isUnit:
		return usagef("invalid unit name %q", cmd.name)
	}
	return nil
}

func (cmd *relationGet) run(ctx context.Context, res *result) error {
	read := cmd.hook.unitSettings
	if cmd.ofApplication {
		read = cmd.hook.applicationSettings
	}
	settings, err := read(ctx, cmd.relation.id, cmd.name)
	if err != nil {
		return err
	}
	if cmd.key == "" {
		return cmd.print(res, settings)
	}
	if value, ok := settings[cmd.key]; ok {
		return cmd.print(res, value)
	}
	return cmd.print(res, nil)
}

// unitSettings returns what a unit shows in a relation: what it showed last, if it has left.
func (c *Context) unitSettings(ctx context.Context, id int, unit string) (map[string]string, error) {
	settings, err := c.config.View.UnitSettings(ctx, id, unit)
	if err != nil && !(model.IsNotFound(err) && unit == c.config.Unit) {
		return nil, c.noSettings(ctx, err, id, unit)
	}
	if unit == c.config.Unit {
		c.unitBase[id] = settings
		return c.unitChanges[id].over(settings), nil
	}
	return changes(nil).over(settings), nil
}

// applicationSettings returns what an application shows in a relation. What the own one shows
// to the other side is for its leader's eyes.
func (c *Context) applicationSettings(ctx context.Context, id int, application string) (map[string]string, error) {
	relation, _ := c.relation(id)
	switch application {
	case relation.Remote.Application:
	case c.application:
		leader, err := c.isLeader()
		if err != nil {
			return nil, err
		}
		if !leader {
			return nil, errors.New("permission denied")
		}
	default:
		return nil, fmt.Errorf("unknown application %s", application)
	}
	settings, err := c.config.View.ApplicationSettings(ctx, id, application)
	if err != nil && !model.IsNotFound(err) {
		return nil, c.noSettings(ctx, err, id, application)
	}
	if application == c.application {
		return c.appChanges[id].over(settings), nil
	}
	return changes(nil).over(settings), nil
}

// noSettings says why settings could not be read: a name that is in no such relation is another
// thing to a charm than a relation that is gone.
func (c *Context) noSettings(ctx context.Context, err error, id int, name string) error {
	if !model.IsNotFound(err) {
		return fmt.Errorf("cannot read settings of %s in relation %s: %w", name, c.relationName(id), err)
	}
	if _, err := c.config.View.RelationMembers(ctx, id); model.IsNotFound(err) {
		return errRelationNotFound
	}
	return fmt.Errorf("unknown unit %s", name)
}
