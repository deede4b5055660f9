package main

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// run executes one command line as main does.
func run(args ...string) (code int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	code = execute(context.Background(), args, strings.NewReader(""), &out, &errOut)
	return code, out.String(), errOut.String()
}

func eachCommand(t *testing.T, f func(t *testing.T, command *cobra.Command)) {
	root := (&program{}).rootCommand()
	f(t, root)
	for _, command := range root.Commands() {
		t.Run(command.Name(), func(t *testing.T) { f(t, command) })
	}
}

func TestCommandsAreDescribed(t *testing.T) {
	eachCommand(t, func(t *testing.T, command *cobra.Command) {
		if command.Example == "" {
			t.Error("no example")
		}
		for line := range strings.Lines(command.Example) {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("example %q is not indented by two", line)
			}
			if len(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("example %q is wider than a terminal", line)
			}
		}
		for line := range strings.Lines(command.Long) {
			if len(strings.TrimRight(line, "\n")) > 84 {
				t.Errorf("line %q is wider than a terminal", line)
			}
		}
		if first := []rune(command.Short); len(first) == 0 || !unicode.IsUpper(first[0]) || strings.HasSuffix(command.Short, ".") {
			t.Errorf("short description %q: want a capital and no period", command.Short)
		}
		if command.HasParent() && command.GroupID == "" {
			t.Error("no group")
		}
		if command.RunE == nil || command.Run != nil {
			t.Error("a command returns its error")
		}
		command.Flags().VisitAll(func(flag *pflag.Flag) {
			if flag.Usage == "" {
				t.Errorf("flag --%s has no usage", flag.Name)
			}
			if strings.HasSuffix(flag.Usage, ".") {
				t.Errorf("flag --%s: usage %q ends in a period", flag.Name, flag.Usage)
			}
		})
	})
}

func TestHelp(t *testing.T) {
	eachCommand(t, func(t *testing.T, command *cobra.Command) {
		words := strings.Fields(command.CommandPath())[1:]
		code, stdout, stderr := run(append(words, "--help")...)
		if code != exitOK || stderr != "" {
			t.Errorf("exit code %d, standard error %q", code, stderr)
		}
		for _, part := range []string{command.Example, "Usage:\n  unit-agent", "\nExit codes: 0 done, 1 failed, 2 "} {
			if !strings.Contains(stdout, part) {
				t.Errorf("%q is not in help:\n%s", part, stdout)
			}
		}
		for line := range strings.Lines(stdout) {
			if !strings.HasPrefix(line, "  ") && len(line) > 90 {
				t.Errorf("line %q is too wide", line)
			}
		}
		_, again, _ := run(append([]string{"help"}, words...)...)
		if again != stdout {
			t.Errorf("'help %s' differs from '%s --help'", command.Name(), command.Name())
		}
	})
}

// TestNonsenseIsAUsageError gives each command a flag that it does not know: it
// says where help is.
func TestNonsenseIsAUsageError(t *testing.T) {
	eachCommand(t, func(t *testing.T, command *cobra.Command) {
		words := strings.Fields(command.CommandPath())[1:]
		code, stdout, stderr := run(append(words, "--no-such-flag")...)
		if code != exitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "see '"+command.CommandPath()+" --help'") {
			t.Errorf("exit code %d, standard output %q, standard error %q", code, stdout, stderr)
		}
	})
}

func TestCompletionScripts(t *testing.T) {
	for shell, check := range map[string][]string{
		"bash": {"bash", "-n"}, "zsh": {"zsh", "-n"}, "fish": {"fish", "--no-execute"}, "powershell": nil,
	} {
		t.Run(shell, func(t *testing.T) {
			code, stdout, stderr := run("completion", shell)
			if code != exitOK || stderr != "" || !strings.Contains(stdout, "unit-agent") {
				t.Fatalf("exit code %d, standard error %q, %d bytes", code, stderr, len(stdout))
			}
			if check == nil {
				return
			}
			program, err := exec.LookPath(check[0])
			if err != nil {
				t.Skipf("there is no %s to read the script", check[0])
			}
			read := exec.Command(program, check[1:]...)
			read.Stdin = strings.NewReader(stdout)
			if out, err := read.CombinedOutput(); err != nil {
				t.Errorf("%s does not understand the script: %v\n%s", shell, err, out)
			}
		})
	}
}
