package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/juju/names/v4"
	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/uniter"
	"github.com/unit-agent/unit-agent/unitlog"
)

func (p *program) debugLogCommand() *cobra.Command {
	var include []string
	var limit int
	var follow bool
	var level string
	command := &cobra.Command{
		Use:     "debug-log",
		GroupID: groupSee,
		Short:   "Show what the units of this machine logged",
		Long: `Show what the units of this machine and their hooks logged, the oldest first. It
needs no store.`,
		Example: `  unit-agent debug-log --include mysql/0 --limit 100
  unit-agent debug-log -f --level WARNING`,
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.StringSliceVarP(&include, "include", "i", nil, "show these units only")
	flags.IntVar(&limit, "limit", 0, "show the last so many lines only")
	flags.BoolVarP(&follow, "follow", "f", false, "go on with new lines until stopped")
	flags.StringVarP(&level, "level", "l", "DEBUG", "show what is as severe as this: DEBUG, INFO, WARNING, ERROR")
	command.RegisterFlagCompletionFunc("include", p.completeUnits(0))
	command.RegisterFlagCompletionFunc("level",
		cobra.FixedCompletions([]string{"DEBUG", "INFO", "WARNING", "ERROR"}, cobra.ShellCompDirectiveNoFileComp))
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		if limit < 0 {
			return usagef("--limit must not be negative, got %d", limit)
		}
		least, ok := levelOf(level)
		if !ok {
			return usagef("unknown level %q, expected one of DEBUG, INFO, WARNING, ERROR", level)
		}
		for i, unit := range include {
			// juju's own way to name a unit here is unit-mysql-0.
			if tag, err := names.ParseUnitTag(unit); err == nil {
				include[i] = tag.Id()
			}
		}
		if follow {
			return p.followLog(cmd.Context(), include, least, limit)
		}
		units, err := p.localUnits(include)
		if err != nil {
			return err
		}
		logs := make([][]unitlog.Record, 0, len(units))
		for _, unit := range units {
			read, err := unitlog.Read(unit, uniter.HomeOf(p.dataDir, unit).LogFile())
			if err != nil {
				return err
			}
			logs = append(logs, read)
		}
		p.showLog(unitlog.Merge(logs...), least, limit)
		return nil
	}
	return command
}

// followLog shows the logs of the named units, or of all units of this machine
// and of those that come, until the context ends.
func (p *program) followLog(ctx context.Context, named []string, least slog.Level, limit int) error {
	logs := unitlog.Logs{Paths: map[string]string{}}
	if len(named) == 0 {
		logs.Dir = p.unitsDir()
		if err := os.MkdirAll(logs.Dir, 0o755); err != nil {
			return fmt.Errorf("cannot make the data directory: %w", err)
		}
		logs.Home = func(name string) (unit, path string, ok bool) {
			unit, ok = unitOfHome(name)
			return unit, uniter.HomeOf(p.dataDir, unit).LogFile(), ok
		}
	}
	units, err := p.localUnits(named)
	if err != nil {
		return err
	}
	for _, unit := range units {
		logs.Paths[unit] = uniter.HomeOf(p.dataDir, unit).LogFile()
	}
	return unitlog.Follow(ctx, logs,
		func(past []unitlog.Record) { p.showLog(past, least, limit) },
		func(record unitlog.Record) { p.showLog([]unitlog.Record{record}, least, 0) })
}

// showLog prints the records that are severe enough, the last limit of them.
func (p *program) showLog(records []unitlog.Record, least slog.Level, limit int) {
	var lines []string
	colours := screenOf(p.stdout).colours
	for _, record := range records {
		if record.Level < least {
			continue
		}
		text := record.Message
		if record.Rest != "" {
			text += " " + record.Rest
		}
		lines = append(lines, fmt.Sprintf("unit-%s: %s %s %s %s",
			strings.ReplaceAll(record.Unit, "/", "-"),
			record.Time.Local().Format("15:04:05"),
			paint(levelName(record.Level), levelColour(record.Level), colours),
			record.Module, singleLine(text)))
	}
	if limit > 0 && len(lines) > limit {
		lines = lines[len(lines)-limit:]
	}
	for _, line := range lines {
		fmt.Fprintln(p.stdout, line)
	}
}

func levelOf(name string) (slog.Level, bool) {
	switch strings.ToUpper(name) {
	case "TRACE", "DEBUG":
		return slog.LevelDebug, true
	case "INFO":
		return slog.LevelInfo, true
	case "WARNING", "WARN":
		return slog.LevelWarn, true
	case "ERROR", "CRITICAL":
		return slog.LevelError, true
	}
	return 0, false
}

func levelName(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "ERROR"
	case level >= slog.LevelWarn:
		return "WARNING"
	case level >= slog.LevelInfo:
		return "INFO"
	}
	return "DEBUG"
}

func levelColour(level slog.Level) colour {
	switch {
	case level >= slog.LevelError:
		return red
	case level >= slog.LevelWarn:
		return yellow
	}
	return plain
}
