package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/juju/names/v4"
	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/uniter"
	"github.com/unit-agent/unit-agent/uniter/journal"
)

func (p *program) hooksCommand() *cobra.Command {
	var out formatFlag
	var limit int
	command := &cobra.Command{
		Use:     "hooks [UNIT]",
		GroupID: groupSee,
		Short:   "Show the hooks that ran on this machine",
		Long: `Show the hooks that ran for one unit, or for all units of this machine, the
oldest first: when, which, how long it took and how it ended. It needs no store.`,
		Example: `  unit-agent hooks
  unit-agent hooks mysql/0 --limit 20
  unit-agent hooks --format json`,
		Args: cobra.MaximumNArgs(1),
	}
	out.add(command, "tabular", "tabular", "json", "yaml")
	command.Flags().IntVar(&limit, "limit", 0, "show the last so many only")
	command.RunE = func(_ *cobra.Command, args []string) error {
		if limit < 0 {
			return usagef("--limit must not be negative, got %d", limit)
		}
		units, err := p.localUnits(args)
		if err != nil {
			return err
		}
		entries := []journal.Entry{}
		for _, unit := range units {
			read, err := journal.Read(uniter.HomeOf(p.dataDir, unit).JournalFile())
			if err != nil {
				return err
			}
			entries = append(entries, read...)
		}
		slices.SortStableFunc(entries, func(a, b journal.Entry) int { return a.Start.Compare(b.Start) })
		if limit > 0 && len(entries) > limit {
			entries = entries[len(entries)-limit:]
		}
		return out.write(p.stdout, entries, func(w io.Writer) error {
			return printHooks(w, entries)
		})
	}
	return command
}

func printHooks(w io.Writer, entries []journal.Entry) error {
	if len(entries) == 0 {
		_, err := fmt.Fprintln(w, "No hook has run on this machine.")
		return err
	}
	t := newTable("Start", "Unit", "Hook", "Relation", "Remote", "Version", "Duration", "Exit", "Outcome")
	t.right = map[int]bool{5: true, 6: true, 7: true}
	for _, entry := range entries {
		version, exit := "", ""
		if entry.Version != 0 {
			version = strconv.FormatInt(entry.Version, 10)
		}
		if entry.ExitCode != nil {
			exit = strconv.Itoa(*entry.ExitCode)
		}
		t.addCells(
			cell{text: entry.Start.Local().Format("2006-01-02 15:04:05.000")},
			cell{text: entry.Unit},
			cell{text: entry.Hook},
			cell{text: entry.Relation},
			cell{text: cmp.Or(entry.RemoteUnit, entry.RemoteApplication)},
			cell{text: version},
			cell{text: duration(entry.Duration)},
			cell{text: exit},
			cell{outcome(entry), outcomeColour(entry.Outcome)},
		)
	}
	return t.print(w)
}

// outcome says how a hook ended, and what to know about that.
func outcome(entry journal.Entry) string {
	switch {
	case entry.Outcome == journal.Done && entry.Script == "":
		return "done (the charm has no such hook)"
	case entry.Reason != "":
		return fmt.Sprintf("%s: %s", entry.Outcome, entry.Reason)
	}
	return string(entry.Outcome)
}

func outcomeColour(o journal.Outcome) colour {
	switch o {
	case journal.Done:
		return plain
	case journal.Failed:
		return red
	}
	return yellow
}

func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d == 0:
		return ""
	case d < time.Second:
		return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
	}
	return d.Round(10 * time.Millisecond).String()
}

// localUnits returns the units that have a home in the data directory, or the
// one that is named.
func (p *program) localUnits(named []string) ([]string, error) {
	if len(named) > 0 {
		if err := checkUnitNames(named); err != nil {
			return nil, err
		}
		for _, unit := range named {
			if _, err := os.Stat(uniter.HomeOf(p.dataDir, unit).Dir); errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("unit %q has never run here (in %s)", unit, p.dataDir)
			} else if err != nil {
				return nil, err
			}
		}
		return named, nil
	}
	entries, err := os.ReadDir(filepath.Join(p.dataDir, "units"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the units of this machine: %w", err)
	}
	var units []string
	for _, entry := range entries {
		cut := strings.LastIndexByte(entry.Name(), '-')
		if cut < 0 {
			continue
		}
		if unit := entry.Name()[:cut] + "/" + entry.Name()[cut+1:]; names.IsValidUnit(unit) {
			units = append(units, unit)
		}
	}
	slices.SortFunc(units, compareUnits)
	return units, nil
}

// compareUnits puts units in the order of their applications and numbers.
func compareUnits(a, b string) int {
	appA, numberA, _ := strings.Cut(a, "/")
	appB, numberB, _ := strings.Cut(b, "/")
	return cmp.Or(strings.Compare(appA, appB), compareIds(numberA, numberB))
}
