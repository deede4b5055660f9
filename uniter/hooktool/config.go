package hooktool

import "context"

var configTools = []tool{
	{"config-get", func(c *Context) command { return &configGet{hook: c} }},
}

// configGet prints the application's configuration.
type configGet struct {
	printer
	hook *Context
	all  bool
	key  string // empty for all
}

func (cmd *configGet) flags(fs *flagSet) {
	cmd.printer.flags(fs)
	fs.boolean(&cmd.all, "all", "a")
}

func (cmd *configGet) args(args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.key = args[0]
	if cmd.key != "" && cmd.all {
		return usagef("cannot use argument --all together with key %q", cmd.key)
	}
	return noMoreArgs(args[1:])
}

func (cmd *configGet) run(_ context.Context, res *result) error {
	config := cmd.hook.config.Config
	if cmd.key != "" {
		return cmd.print(res, config[cmd.key])
	}
	if cmd.all {
		config = cmd.hook.config.ConfigAll
	}
	if config == nil {
		config = map[string]any{}
	}
	return cmd.print(res, config)
}
