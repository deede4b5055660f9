package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

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
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeUnits(1),
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
			return printHooks(w, entries, len(args) > 0)
		})
	}
	return command
}

func printHooks(w io.Writer, entries []journal.Entry, oneUnit bool) error {
	if len(entries) == 0 {
		_, err := fmt.Fprintln(w, "No hook has run on this machine.")
		return err
	}
	start := startFormat(entries, screenOf(w), time.Now())
	return hookTable(entries, oneUnit, start).print(w)
}

// hookTable shows hooks of one unit or of several. start is the format of the
// time of their start.
func hookTable(entries []journal.Entry, oneUnit bool, start string) *table {
	t := newTable("Start", "Unit", "Hook", "Relation", "Remote", "Version", "Duration", "Exit", "Outcome")
	t.right = map[int]bool{5: true, 6: true, 7: true}
	// The hook's name has the relation's endpoint in it, and its outcome the code.
	t.spare = []int{5, 3, 7, 6}
	if oneUnit {
		t.spare = append([]int{1}, t.spare...)
	}
	for _, entry := range entries {
		version, exit := "", ""
		if entry.Version != 0 {
			version = strconv.FormatInt(entry.Version, 10)
		}
		if entry.ExitCode != nil {
			exit = strconv.Itoa(*entry.ExitCode)
		}
		t.addCells(
			cell{text: entry.Start.Local().Format(start)},
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
	return t
}

// startFormat leaves the day out on a screen if all hooks ran today.
func startFormat(entries []journal.Entry, s screen, now time.Time) string {
	const day, clock = "2006-01-02 ", "15:04:05.000"
	today := now.Local().Format(day)
	for _, entry := range entries {
		if s.width == 0 || entry.Start.Local().Format(day) != today {
			return day + clock
		}
	}
	return clock
}

// outcome says how a hook ended, and what to know about that.
func outcome(entry journal.Entry) string {
	switch {
	case entry.Outcome == journal.Done && entry.Script == "":
		return "done (no hook)"
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
