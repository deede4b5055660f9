package hooktool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/unit-agent/unit-agent/uniter/hooktool/client"
)

// tool is a hook tool by its name.
type tool struct {
	name string
	// command makes the command of one call.
	command func(*Context) command
}

// command is one call of a tool. The agent calls flags and args as the call arrives and run
// when it is the call's turn, so only run may touch what the hook has changed.
type command interface {
	// flags declares the tool's flags.
	flags(*flagSet)
	// args takes the arguments that are not flags. Its errors are usage errors.
	args([]string) error
	// run does the tool's work.
	run(context.Context, *result) error
}

// inputReader is a command that reads files or standard input, which the program that the
// charm started opens and sends.
type inputReader interface {
	// inputs names them, after flags and args; client.Stdin is standard input.
	inputs() []string
	// take is given the content of each, before run.
	take(name string, content []byte) error
}

// result is what a call prints.
type result struct {
	stdout, stderr bytes.Buffer
	// file takes what is printed to stdout, if not empty.
	file string
}

// families lists every tool.
var families = [][]tool{
	relationTools,
	configTools,
	leadershipTools,
	statusTools,
	logTools,
	portTools,
	unitTools,
}

// Names returns the name of every tool that is served.
func Names() []string {
	var names []string
	for _, family := range families {
		for _, t := range family {
			names = append(names, t.name)
		}
	}
	return names
}

func findTool(name string) (tool, bool) {
	for _, family := range families {
		for _, t := range family {
			if t.name == name {
				return t, true
			}
		}
	}
	return tool{}, false
}

// usageError is a call in a wrong way, which has an exit code of its own.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...)}
}

// parse reads a call's arguments into a new command. The error is errHelp if the call asks
// for help.
func (t tool) parse(hook *Context, args []string) (command, error) {
	cmd := t.command(hook)
	flags := newFlagSet()
	cmd.flags(flags)
	positional, err := flags.parse(args)
	if err != nil {
		return nil, err
	}
	if err := cmd.args(positional); err != nil {
		return nil, usageError{err.Error()}
	}
	return cmd, nil
}

// noMoreArgs refuses arguments that a tool has no use for.
func noMoreArgs(args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usagef("unrecognized args: %q", args)
}

// answer is what the client is sent for a call that printed res and ended with err.
func answer(t tool, res *result, err error) client.Answer {
	a := client.Answer{Stdout: res.stdout.Bytes(), Stderr: res.stderr.Bytes(), OutputFile: res.file}
	switch {
	case err == nil:
		return a
	case errors.Is(err, errHelp):
		return client.Answer{Stdout: []byte(client.Usage(t.name))}
	case errors.As(err, new(usageError)):
		return refusal(client.ExitUsage, res.stderr.Bytes(), err)
	default:
		return refusal(client.ExitFailed, res.stderr.Bytes(), err)
	}
}

// refusal is an answer with an error in one line.
func refusal(code byte, stderr []byte, err error) client.Answer {
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", " ")
	return client.Answer{Code: code, Stderr: append(stderr, "ERROR "+text+"\n"...)}
}
