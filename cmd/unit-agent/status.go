package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/model"
)

const clearScreen = "\x1b[H\x1b[2J"

// watchPause is the least time between two pictures of a watched status.
const watchPause = 100 * time.Millisecond

func (p *program) statusCommand() *cobra.Command {
	var out formatFlag
	var watch, relations bool
	command := &cobra.Command{
		Use:     "status [APPLICATION|UNIT...]",
		GroupID: groupSee,
		Short:   "Show applications, units and machines",
		Long: `Show the applications, units and machines of the model, or those applications and
units that are named. A star marks the unit that leads its application.`,
		Example: `  unit-agent status
  unit-agent status --watch
  unit-agent status mysql --format json`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: p.completeAny,
	}
	out.add(command, "tabular", "tabular", "json", "yaml")
	command.Flags().BoolVar(&watch, "watch", false, "show it again whenever it changes, until stopped")
	command.Flags().BoolVar(&relations, "integrations", false, "show relations as well")
	command.Flags().BoolVar(&relations, "relations", false, "the same as --integrations")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		return p.with(cmd.Context(), func(s *session) error {
			show := func(ctx context.Context) error {
				snapshot, err := s.Status(ctx)
				if err != nil {
					return err
				}
				if err := keepNamed(snapshot, args); err != nil {
					return err
				}
				return p.showStatus(&out, snapshot, relations)
			}
			if !watch {
				return show(cmd.Context())
			}
			return p.watchStatus(cmd.Context(), s, out.separator(), show)
		})
	}
	return command
}

func (p *program) showStatus(out *formatFlag, snapshot *model.Snapshot, relations bool) error {
	return out.write(p.stdout, describeStatus(snapshot), func(w io.Writer) error {
		return printStatus(w, snapshot, relations)
	})
}

// watchStatus shows the status again whenever something in it changes. On a
// terminal each picture takes the place of the one before; elsewhere separator
// stands between two.
func (p *program) watchStatus(ctx context.Context, s *session, separator string, show func(context.Context) error) error {
	changes := s.WatchAll(ctx)
	before := ""
	if screenOf(p.stdout).cursor {
		before = clearScreen
		separator = clearScreen
	}
	for {
		fmt.Fprint(p.stdout, before)
		before = separator
		if err := show(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-changes:
			if !ok {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchPause):
		}
	}
}

// keepNamed takes everything out of the snapshot that is neither named nor needed
// to show what is.
func keepNamed(snapshot *model.Snapshot, names []string) error {
	if len(names) == 0 {
		return nil
	}
	apps, units := map[string]bool{}, map[string]bool{}
	for _, name := range names {
		_, isApp := snapshot.Applications[name]
		unit, isUnit := snapshot.Units[name]
		switch {
		case isApp:
			apps[name] = true
			for _, unit := range snapshot.UnitsOf(name) {
				units[unit.Name] = true
			}
		case isUnit:
			apps[unit.Application], units[name] = true, true
		default:
			return fmt.Errorf("nothing matches %q: it is neither an application nor a unit", name)
		}
	}
	machines := map[string]bool{}
	for name, unit := range snapshot.Units {
		if units[name] {
			machines[unit.Machine] = true
		} else {
			delete(snapshot.Units, name)
		}
	}
	for name := range snapshot.Applications {
		if !apps[name] {
			delete(snapshot.Applications, name)
		}
	}
	for id, relation := range snapshot.Relations {
		named := false
		for _, endpoint := range relation.Endpoints {
			named = named || apps[endpoint.Application]
		}
		if !named {
			delete(snapshot.Relations, id)
		}
	}
	for id := range snapshot.Machines {
		if !machines[id] {
			delete(snapshot.Machines, id)
		}
	}
	return nil
}
