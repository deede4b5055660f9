package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/juju/clock"
	"github.com/juju/worker/v3"
	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/machine"
)

// shownLease is the leadership of an application.
type shownLease struct {
	Application string   `json:"application" yaml:"application"`
	Holder      string   `json:"holder,omitempty" yaml:"holder,omitempty"`
	Expiry      string   `json:"expiry,omitempty" yaml:"expiry,omitempty"`
	Pins        []string `json:"pins,omitempty" yaml:"pins,omitempty"`
}

func (p *program) leasesCommand() *cobra.Command {
	var out formatFlag
	command := &cobra.Command{
		Use:     "leases",
		GroupID: groupSee,
		Short:   "Show who leads each application, until when, and what is pinned",
		Example: `  unit-agent leases
  unit-agent leases --format json`,
		Args: cobra.NoArgs,
	}
	out.add(command, "tabular", "tabular", "json", "yaml")
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.withLeases(cmd.Context(), func(_ *session, leases *machine.Leases) error {
			held, err := leases.List()
			if err != nil {
				return err
			}
			shown := []shownLease{}
			for _, application := range slices.Sorted(maps.Keys(held)) {
				shown = append(shown, describeLease(held[application]))
			}
			return out.write(p.stdout, shown, func(w io.Writer) error {
				return printLeases(w, shown, held)
			})
		})
	}
	return command
}

func describeLease(held machine.Held) shownLease {
	shown := shownLease{Application: held.Application, Holder: held.Info.Holder, Pins: held.Pins}
	if held.Info.Holder != "" {
		shown.Expiry = held.Info.Expiry.UTC().Format(time.RFC3339)
	}
	return shown
}

func printLeases(w io.Writer, shown []shownLease, held map[string]machine.Held) error {
	if len(shown) == 0 {
		_, err := fmt.Fprintln(w, "No application is led.")
		return err
	}
	t := newTable("Application", "Leader", "Ends in", "Pinned by")
	for _, l := range shown {
		left := ""
		if l.Holder != "" {
			left = time.Until(held[l.Application].Info.Expiry).Round(100 * time.Millisecond).String()
		}
		if len(l.Pins) > 0 && l.Holder != "" {
			left = "pinned"
		}
		t.add(l.Application, l.Holder, left, strings.Join(l.Pins, ", "))
	}
	return t.print(w)
}

// pinEntity is who pins from the command line.
const pinEntity = "operator"

func (p *program) pinCommand() *cobra.Command {
	return p.pinningCommand("pin", "Keep the leadership of an application from moving",
		`Keep the leadership of an application from moving: its leader stays leader even if
it cannot be heard of, until 'unit-agent unpin'. If nobody leads it now, the next
leader stays. A leader that is stopped cleanly gives leadership up all the same.`,
		lease.Pinner.Pin)
}

func (p *program) unpinCommand() *cobra.Command {
	return p.pinningCommand("unpin", "Let the leadership of an application move again",
		`Let the leadership of an application move again: it ends when its leader's last
claim said, or at once if that is past.`,
		lease.Pinner.Unpin)
}

func (p *program) pinningCommand(verb, short, long string, change func(lease.Pinner, string, string) error) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " APPLICATION",
		GroupID: groupModel,
		Short:   short,
		Long:    long,
		Example: "  unit-agent " + verb + " mysql",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withLeases(cmd.Context(), func(s *session, leases *machine.Leases) error {
				if _, err := s.Application(cmd.Context(), args[0]); err != nil {
					return err
				}
				pinner, err := leases.Pinner()
				if err != nil {
					return err
				}
				return change(pinner, args[0], pinEntity)
			})
		},
	}
}

// withLeases opens a session with the leases of its model for one short piece of
// work.
func (p *program) withLeases(ctx context.Context, work func(*session, *machine.Leases) error) error {
	return p.with(ctx, func(s *session) error {
		leases, err := machine.NewLeases(s.Model, clock.WallClock, p.logger)
		if err != nil {
			return err
		}
		defer worker.Stop(leases)
		return work(s, leases)
	})
}
