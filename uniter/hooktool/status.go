package hooktool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/unit-agent/unit-agent/model"
)

var statusTools = []tool{
	{"status-set", func(c *Context) command { return &statusSet{hook: c} }},
	{"status-get", func(c *Context) command { return &statusGet{hook: c} }},
	{"application-version-set", func(c *Context) command { return &versionSet{hook: c} }},
}

// settable are the statuses that a charm may set.
var settable = []string{"maintenance", "blocked", "waiting", "active"}

// statusSet sets the status of the unit or the application, at once.
type statusSet struct {
	hook          *Context
	ofApplication bool
	status        string
	message       string
}

func (cmd *statusSet) flags(fs *flagSet) { fs.boolean(&cmd.ofApplication, "application") }

func (cmd *statusSet) args(args []string) error {
	if len(args) == 0 {
		return usagef("invalid args, require <status> [message]")
	}
	cmd.status, args = args[0], args[1:]
	if !slices.Contains(settable, cmd.status) {
		return usagef("invalid status %q, expected one of %v", cmd.status, settable)
	}
	if len(args) > 0 {
		cmd.message, args = args[0], args[1:]
	}
	return noMoreArgs(args)
}

func (cmd *statusSet) run(ctx context.Context, _ *result) error {
	c := cmd.hook
	// The time is that of the call, also for a status that was there already.
	status := model.StatusInfo{Status: cmd.status, Message: cmd.message, Since: c.config.Clock.Now()}
	if cmd.ofApplication {
		return c.setApplicationStatus(ctx, status)
	}
	if err := c.config.Model.SetWorkloadStatus(ctx, c.config.Unit, status); err != nil {
		return fmt.Errorf("cannot set status of unit %s: %w", c.config.Unit, err)
	}
	c.workloadStatus = &status
	return nil
}

func (c *Context) setApplicationStatus(ctx context.Context, status model.StatusInfo) error {
	fence, err := c.leaderFence()
	if err != nil {
		return err
	}
	err = c.config.Model.SetApplicationStatus(ctx, c.application, status, fence...)
	if errors.Is(err, model.ErrFenced) {
		return errNotLeader
	}
	if err != nil {
		return fmt.Errorf("cannot set status of application %s: %w", c.application, err)
	}
	c.applicationStatus = &status
	return nil
}

// statusGet prints the status of the unit, or of the application and its units.
type statusGet struct {
	printer
	hook          *Context
	ofApplication bool
	includeData   bool
}

func (cmd *statusGet) flags(fs *flagSet) {
	cmd.printer.flags(fs)
	fs.boolean(&cmd.ofApplication, "application")
	fs.boolean(&cmd.includeData, "include-data")
}

func (cmd *statusGet) args(args []string) error { return noMoreArgs(args) }

func (cmd *statusGet) run(ctx context.Context, res *result) error {
	if cmd.ofApplication {
		return cmd.application(ctx, res)
	}
	status, err := cmd.hook.unitStatus(ctx)
	if err != nil {
		return err
	}
	return cmd.printStatus(res, status, cmd.details(status))
}

func (cmd *statusGet) application(ctx context.Context, res *result) error {
	leader, err := cmd.hook.isLeader()
	if err == nil && !leader {
		err = errNotLeader
	}
	if err != nil {
		return fmt.Errorf("finding application status: %w", err)
	}
	status, units, err := cmd.hook.allStatuses(ctx)
	if err != nil {
		return err
	}
	unitDetails := make(map[string]any, len(units))
	for unit, status := range units {
		unitDetails[unit] = cmd.details(status)
	}
	details := cmd.details(status)
	details["units"] = unitDetails
	// The ops framework looks for the units beside the application's status, others in it.
	return cmd.printStatus(res, status, map[string]any{"application-status": details, "units": unitDetails})
}

// printStatus prints the details, or one word where that is all a script wants.
func (cmd *statusGet) printStatus(res *result, status model.StatusInfo, details map[string]any) error {
	if cmd.format == "smart" && !cmd.includeData {
		return cmd.print(res, status.Status)
	}
	return cmd.print(res, details)
}

func (cmd *statusGet) details(status model.StatusInfo) map[string]any {
	details := map[string]any{"status": status.Status}
	if cmd.includeData {
		data := status.Data
		if data == nil {
			data = map[string]any{}
		}
		details["message"], details["status-data"] = status.Message, data
	}
	return details
}

func (c *Context) unitStatus(ctx context.Context) (model.StatusInfo, error) {
	if c.workloadStatus != nil {
		return *c.workloadStatus, nil
	}
	unit, err := c.config.View.Unit(ctx, c.config.Unit)
	if err != nil {
		return model.StatusInfo{}, fmt.Errorf("cannot read status of unit %s: %w", c.config.Unit, err)
	}
	return unit.Workload, nil
}

func (c *Context) allStatuses(ctx context.Context) (model.StatusInfo, map[string]model.StatusInfo, error) {
	status, units, err := c.config.View.ApplicationStatus(ctx, c.application)
	if err != nil {
		return status, nil, fmt.Errorf("cannot read status of application %s: %w", c.application, err)
	}
	if c.applicationStatus != nil {
		status = *c.applicationStatus
	}
	if c.workloadStatus != nil {
		units = maps.Clone(units)
		units[c.config.Unit] = *c.workloadStatus
	}
	return status, units, nil
}

// versionSet sets the version of the workload, at once.
type versionSet struct {
	hook    *Context
	version string
}

func (cmd *versionSet) flags(*flagSet) {}

func (cmd *versionSet) args(args []string) error {
	if len(args) == 0 {
		return usagef("no version specified")
	}
	cmd.version = args[0]
	return noMoreArgs(args[1:])
}

func (cmd *versionSet) run(ctx context.Context, _ *result) error {
	c := cmd.hook
	if err := c.config.Model.SetWorkloadVersion(ctx, c.config.Unit, cmd.version); err != nil {
		return fmt.Errorf("cannot set version of unit %s: %w", c.config.Unit, err)
	}
	return nil
}
