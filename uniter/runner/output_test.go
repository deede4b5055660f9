package runner_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/uniter/runner"
)

func TestLines(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	repeat := func(n int) string { return fmt.Sprintf("head -c %d /dev/zero | tr '\\0' x", n) }
	tests := []struct {
		about  string
		script string
		want   []string
	}{
		{"nothing", "true", nil},
		{"one line", "echo a", []string{"a"}},
		{"empty lines count", `printf 'a\n\n\nb\n'`, []string{"a", "", "", "b"}},
		{"the last line needs no newline", `printf 'a\nb'`, []string{"a", "b"}},
		{"a line in several writes", "printf a; printf b; echo c", []string{"abc"}},
		{"a carriage return is a byte like any other", `printf 'a\r\nb'`, []string{"a\r", "b"}},
		{"bytes that are not text", `printf '\377\000\376\n'`, []string{"\xff\x00\xfe"}},
		{"just what fits", repeat(4096) + "; echo; echo b", []string{long(4096), "b"}},
		{"one too long", repeat(4097) + "; echo; echo b", []string{long(4096), "x", "b"}},
		{"far too long", repeat(10000) + "; echo; echo b", []string{long(4096), long(4096), long(1808), "b"}},
		{"far too long without end", repeat(2 * 4096), []string{long(4096), long(4096)}},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			var tr transcript
			inv := invocation(newCharm(t, map[string]string{"dispatch": "{\n" + test.script + "\n}\n{\n" + test.script + "\n} >&2"}))
			inv.Output = tr.output
			if _, err := runner.Run(t.Context(), inv); err != nil {
				t.Fatal(err)
			}
			for _, stream := range []runner.Stream{runner.Stdout, runner.Stderr} {
				if got := tr.of(stream); !slices.Equal(got, test.want) {
					t.Errorf("%s: got %.200q, want %.200q", stream, got, test.want)
				}
			}
		})
	}
}

// All of a hook's output is there when Run returns, however much it is.
func TestMuchOutput(t *testing.T) {
	inv := invocation(newCharm(t, map[string]string{"dispatch": "seq 1 100000"}))
	_, stdout := run(t, inv)
	if len(stdout) != 100000 {
		t.Fatalf("got %d lines, want 100000", len(stdout))
	}
	for i, line := range stdout {
		if line != fmt.Sprint(i+1) {
			t.Fatalf("line %d is %q", i+1, line)
		}
	}
}

func TestNobodyWantsOutput(t *testing.T) {
	inv := invocation(newCharm(t, map[string]string{"dispatch": "seq 1 100000; seq 1 100000 >&2; exit 3"}))
	result, err := runner.Run(t.Context(), inv)
	if err != nil || result.ExitCode != 3 {
		t.Errorf("got %+v, %v", result, err)
	}
}

// On a busy machine the time to wait for output may be over before anybody has
// looked at it. What the hook itself wrote is there all the same.
func TestOutputOfABusyMachine(t *testing.T) {
	dir := newCharm(t, map[string]string{"dispatch": "seq 1 10000; printf end"})
	for range 20 {
		_, stdout := run(t, runner.WithPipeWait(invocation(dir), 1))
		if len(stdout) != 10001 || stdout[10000] != "end" {
			t.Fatalf("got %d lines", len(stdout))
		}
	}
}
