package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/unit-agent/unit-agent/uniter/journal"
)

// keys writes the keys of a map in a row, sorted as words.
func keys[K comparable, V any](m map[K]V) string {
	var words []string
	for key := range maps.Keys(m) {
		words = append(words, fmt.Sprint(key))
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func exampleEntries() []journal.Entry {
	code := func(code int) *int { return &code }
	return []journal.Entry{
		{Start: noon, Duration: 1.234, Unit: "mysql/0", Hook: "install", Script: "hooks/install", Outcome: journal.Done, ExitCode: code(0)},
		{Start: noon.Add(2 * time.Second), Unit: "mysql/0", Hook: "config-changed", Outcome: journal.Done},
		{Start: noon.Add(3 * time.Second), Duration: 0.0123, Unit: "mysql/0", Hook: "server-relation-joined", Script: "dispatch",
			Relation: "server:1", RemoteUnit: "wordpress/0", Version: 1234567, Outcome: journal.Failed, ExitCode: code(3), Reason: "exit status 3"},
		{Start: noon.Add(4 * time.Second), Duration: 75, Unit: "mysql/0", Hook: "server-relation-changed", Script: "dispatch",
			Relation: "server:1", RemoteApplication: "wordpress", Version: 17, Outcome: journal.Interrupted, Reason: "the agent was stopped"},
		{Start: noon.Add(5 * time.Second), Unit: "mysql/0", Hook: "start", Outcome: journal.Skipped},
	}
}

func TestPrintHooks(t *testing.T) {
	var out strings.Builder
	if err := printHooks(&out, exampleEntries(), false); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	const want = `Unit     Hook                     Relation  Remote       Version  Duration  Exit  Outcome
mysql/0  install                                                     1.23s     0  done
mysql/0  config-changed                                                           done (no hook)
mysql/0  server-relation-joined   server:1  wordpress/0  1234567    12.3ms     3  failed: exit status 3
mysql/0  server-relation-changed  server:1  wordpress         17     1m15s        interrupted: the agent was stopped
mysql/0  start                                                                    skipped
`
	var rest strings.Builder
	for i, line := range slices.Collect(strings.Lines(got)) {
		start := "Start"
		if i > 0 {
			start = exampleEntries()[i-1].Start.Local().Format("2006-01-02 15:04:05.000")
		}
		after, ok := strings.CutPrefix(line, fmt.Sprintf("%-23s  ", start))
		if !ok {
			t.Errorf("line %q does not begin with %q", line, start)
		}
		rest.WriteString(after)
	}
	if rest.String() != want {
		t.Errorf("got\n%s\nwant\n%s", rest.String(), want)
	}
}

func TestHooksFitATerminal(t *testing.T) {
	for _, oneUnit := range []bool{false, true} {
		out := hookTable(exampleEntries(), oneUnit, "15:04:05.000").layOut(screen{width: 80})
		for line := range strings.Lines(out) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%d characters: %s", n, line)
			}
		}
		for _, word := range []string{"server-relation-changed", "wordpress/0", "failed: exi", "done (no hook)", "Start"} {
			if !strings.Contains(out, word) {
				t.Errorf("%q is left out:\n%s", word, out)
			}
		}
		if strings.Contains(out, "mysql/0") == oneUnit {
			t.Errorf("one unit is %v:\n%s", oneUnit, out)
		}
	}
}

func TestStartFormat(t *testing.T) {
	entries := exampleEntries()
	const day, clock = "2006-01-02 15:04:05.000", "15:04:05.000"
	for _, test := range []struct {
		s    screen
		now  time.Time
		want string
	}{
		{screen{}, noon.Add(time.Minute), day},
		{screen{width: 80}, noon.Add(time.Minute), clock},
		{screen{width: 80}, noon.Add(48 * time.Hour), day},
	} {
		if got := startFormat(entries, test.s, test.now); got != test.want {
			t.Errorf("%+v at %v: got %q, want %q", test.s, test.now, got, test.want)
		}
	}
}

func TestDuration(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "", 0.0004: "0.4ms", 0.0994: "99.4ms", 1: "1s", 1.006: "1.01s", 61.5: "1m1.5s",
	} {
		if got := duration(seconds); got != want {
			t.Errorf("%v: got %q, want %q", seconds, got, want)
		}
	}
}
