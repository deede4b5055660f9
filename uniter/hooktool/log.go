package hooktool

import (
	"context"
	"log/slog"
	"strings"
)

// Levels of a charm's log that slog has no name for.
const (
	LevelTrace    = slog.LevelDebug - 4
	LevelCritical = slog.LevelError + 4
)

var levels = map[string]slog.Level{
	"TRACE":    LevelTrace,
	"DEBUG":    slog.LevelDebug,
	"INFO":     slog.LevelInfo,
	"WARN":     slog.LevelWarn,
	"WARNING":  slog.LevelWarn,
	"ERROR":    slog.LevelError,
	"CRITICAL": LevelCritical,
}

var logTools = []tool{
	{"juju-log", func(c *Context) command { return &jujuLog{hook: c} }},
}

// jujuLog logs a message, at once.
type jujuLog struct {
	hook    *Context
	level   string
	debug   bool
	format  string
	message string
}

func (cmd *jujuLog) flags(fs *flagSet) {
	cmd.level = "INFO"
	fs.text(&cmd.level, "log-level", "l")
	fs.boolean(&cmd.debug, "debug")
	fs.text(&cmd.format, "format")
}

func (cmd *jujuLog) args(args []string) error {
	if len(args) == 0 {
		return usagef("no message specified")
	}
	cmd.message = strings.Join(args, " ")
	return nil
}

func (cmd *jujuLog) run(context.Context, *result) error {
	c := cmd.hook
	module := "unit." + c.config.Unit + ".juju-log"
	prefix := ""
	if c.inRelation() {
		prefix = c.relationName(c.config.Hook.RelationId) + ": "
	}
	level, ok := levels[strings.ToUpper(cmd.level)]
	if !ok {
		// A message is never lost for want of a level.
		level = slog.LevelInfo
		c.config.Log(slog.LevelWarn, module, prefix+"juju-log: unknown level "+cmd.level+", INFO is used")
	}
	if cmd.debug {
		level = slog.LevelDebug
	}
	c.config.Log(level, module, prefix+cmd.message)
	return nil
}
