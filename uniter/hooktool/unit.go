package hooktool

import (
	"context"
	"fmt"

	"github.com/unit-agent/unit-agent/model"
)

var unitTools = []tool{
	{"unit-get", func(c *Context) command { return &unitGet{hook: c} }},
}

// addresses are what unit-get knows.
var addresses = map[string]func(model.Unit) string{
	"private-address": func(u model.Unit) string { return u.PrivateAddress },
	"public-address":  func(u model.Unit) string { return u.PublicAddress },
}

// unitGet prints an address of the unit.
type unitGet struct {
	printer
	hook    *Context
	setting string
}

func (cmd *unitGet) args(args []string) error {
	if len(args) == 0 {
		return usagef("no setting specified")
	}
	cmd.setting = args[0]
	if addresses[cmd.setting] == nil {
		return usagef("unknown setting %q", cmd.setting)
	}
	return noMoreArgs(args[1:])
}

func (cmd *unitGet) run(ctx context.Context, res *result) error {
	name := cmd.hook.config.Unit
	unit, err := cmd.hook.config.View.Unit(ctx, name)
	if err != nil {
		return fmt.Errorf("cannot read addresses of unit %s: %w", name, err)
	}
	address := addresses[cmd.setting](unit)
	if address == "" {
		return fmt.Errorf("unit %s has no %s", name, cmd.setting)
	}
	return cmd.print(res, address)
}
