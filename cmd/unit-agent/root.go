package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// exitCodes ends the help of every command.
const exitCodes = `
Exit codes: 0 done, 1 failed, 2 the command line makes no sense.
`

// A usageError is a command line that makes no sense, whatever the model holds.
type usageError struct{ error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// program is what all commands share: where the data is, and where output goes.
type program struct {
	dataDir string
	cluster cluster
	verbose bool

	stdin          io.Reader
	stdout, stderr io.Writer
	// progress is for commands that take a while; what is logged goes through it.
	progress *progressLine
	logger   *slog.Logger
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{stdin: stdin, stdout: stdout, stderr: stderr}
	root := p.rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(stderr, "ERROR", oneLine(err)+advice(err))
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}

// oneLine writes an error in one line, whatever it holds.
func oneLine(err error) string {
	var line strings.Builder
	for part := range strings.Lines(err.Error()) {
		part = strings.Join(strings.Fields(singleLine(part)), " ")
		if part == "" {
			continue
		}
		switch {
		case line.Len() == 0:
		case strings.HasSuffix(line.String(), ":"):
			line.WriteByte(' ')
		default:
			line.WriteString("; ")
		}
		line.WriteString(part)
	}
	return line.String()
}

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "unit-agent",
		Short: "Run the units of charmed applications",
		Long: `unit-agent runs the units of charmed applications: it watches the model that they
share, works out which hook must run next, runs it, and records what ran. It needs
no controller. The model is kept in an etcd inside the agent, or in a cluster of
your own.`,
		Example: `  unit-agent up bundle.yaml          run a bundle of charms on this machine
  unit-agent deploy ./mysql -n 2     add an application to the model
  unit-agent status --watch          see what happens`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return p.prepare()
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w: see '%s --help'", err, cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVar(&p.dataDir, "data-dir", "", "directory of units and of the embedded store (default $UNIT_AGENT_DATA_DIR, else "+defaultDataDir()+")")
	p.cluster.add(flags)
	flags.BoolVarP(&p.verbose, "verbose", "v", false, "log more to standard error")
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80") + exitCodes)
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.DisableDefaultCmd = true
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.MarkPersistentFlagDirname("data-dir")
	root.AddGroup(
		&cobra.Group{ID: groupRun, Title: "Run units:"},
		&cobra.Group{ID: groupModel, Title: "Change the model:"},
		&cobra.Group{ID: groupSee, Title: "See what happens:"},
		&cobra.Group{ID: groupHelp, Title: "Get help:"},
	)
	root.SetHelpCommand(helpCommand())
	for _, command := range p.commands() {
		if command.Args != nil {
			command.Args = usageArgs(command.Args)
		}
		root.AddCommand(command)
	}
	return root
}

const (
	groupRun   = "run"
	groupModel = "model"
	groupSee   = "see"
	groupHelp  = "help"
)

// prepare fills in what the command line left open.
func (p *program) prepare() error {
	level := slog.LevelWarn
	if p.verbose {
		level = slog.LevelDebug
	}
	p.progress = newProgressLine(p.stderr)
	p.logger = slog.New(slog.NewTextHandler(p.progress, &slog.HandlerOptions{Level: level}))
	if p.dataDir == "" {
		p.dataDir = os.Getenv("UNIT_AGENT_DATA_DIR")
	}
	if p.dataDir == "" {
		p.dataDir = defaultDataDir()
	}
	if len(p.cluster.endpoints) == 0 {
		if text := os.Getenv("UNIT_AGENT_ENDPOINTS"); text != "" {
			p.cluster.endpoints = strings.Split(text, ",")
		}
	}
	absolute, err := filepath.Abs(p.dataDir)
	if err != nil {
		return fmt.Errorf("cannot find the data directory: %w", err)
	}
	p.dataDir = absolute
	return nil
}

func defaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/unit-agent"
	}
	if state := os.Getenv("XDG_STATE_HOME"); state != "" {
		return filepath.Join(state, "unit-agent")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "unit-agent"
	}
	return filepath.Join(home, ".local", "state", "unit-agent")
}
