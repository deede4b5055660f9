package hooktool

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/unit-agent/unit-agent/model"
)

var leadershipTools = []tool{
	{"is-leader", func(c *Context) command { return &isLeader{hook: c} }},
	{"leader-get", func(c *Context) command { return &leaderGet{hook: c} }},
	{"leader-set", func(c *Context) command { return &leaderSet{hook: c} }},
}

// isLeader prints whether the unit leads its application.
type isLeader struct {
	printer
	hook *Context
}

func (cmd *isLeader) args(args []string) error { return noMoreArgs(args) }

func (cmd *isLeader) run(_ context.Context, res *result) error {
	leader, err := cmd.hook.isLeader()
	if err != nil {
		return err
	}
	return cmd.print(res, leader)
}

// leaderGet prints what the leader shares with the units of the application.
type leaderGet struct {
	printer
	hook *Context
	key  string // empty for all
}

func (cmd *leaderGet) args(args []string) error {
	if len(args) == 0 {
		return nil
	}
	if args[0] != allKeys {
		cmd.key = args[0]
	}
	return noMoreArgs(args[1:])
}

func (cmd *leaderGet) run(ctx context.Context, res *result) error {
	c := cmd.hook
	settings, err := c.config.View.LeaderSettings(ctx, c.application)
	if err != nil {
		return fmt.Errorf("cannot read leadership settings: %w", err)
	}
	// The view is of the time before the hook's own writes.
	settings = c.leaderChanges.over(settings)
	if cmd.key == "" {
		return cmd.print(res, settings)
	}
	if value, ok := settings[cmd.key]; ok {
		return cmd.print(res, value)
	}
	return cmd.print(res, nil)
}

// leaderSet writes, at once, what the leader shares with the units of the application.
type leaderSet struct {
	hook *Context
	set  changes
}

func (cmd *leaderSet) flags(*flagSet) {}

func (cmd *leaderSet) args(args []string) (err error) {
	cmd.set, err = parsePairs(args)
	return err
}

func (cmd *leaderSet) run(ctx context.Context, _ *result) error {
	c := cmd.hook
	fence, err := c.leaderFence()
	if err == nil {
		err = c.config.Model.SetLeaderSettings(ctx, c.application, cmd.set, fence...)
	}
	if errors.Is(err, model.ErrFenced) {
		err = errNotLeader
	}
	if err != nil {
		return fmt.Errorf("cannot write leadership settings: %w", err)
	}
	if c.leaderChanges == nil {
		c.leaderChanges = make(changes)
	}
	maps.Copy(c.leaderChanges, cmd.set)
	return nil
}
