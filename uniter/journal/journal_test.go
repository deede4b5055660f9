package journal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/journal"
)

var start = time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC)

func exit(code int) *int { return &code }

// entries has one of each outcome.
var entries = []journal.Entry{
	{Start: start, Duration: 0.25, Unit: "wordpress/0", Hook: "install", Script: "hooks/install", Outcome: journal.Done, ExitCode: exit(0)},
	{Start: start, Unit: "wordpress/0", Hook: "start", Outcome: journal.Done},
	{Start: start, Duration: 3, Unit: "wordpress/0", Hook: "db-relation-changed", Script: "dispatch", Relation: "db:3",
		RemoteUnit: "mysql/0", Version: 7, Outcome: journal.Failed, ExitCode: exit(1), Reason: "exit status 1"},
	{Start: start, Unit: "wordpress/0", Hook: "db-relation-changed", Relation: "db:3", RemoteApplication: "mysql", Version: 9,
		Outcome: journal.Skipped},
	{Start: start, Unit: "wordpress/0", Hook: "db-relation-departed", Relation: "db:3", RemoteUnit: "mysql/0", Outcome: journal.Interrupted,
		Reason: "the agent ended while the hook ran\nand \"more\""},
}

func newPath(t *testing.T) string { return filepath.Join(t.TempDir(), "hooks.jsonl") }

func appendAll(t *testing.T, path string, entries ...journal.Entry) {
	t.Helper()
	j := journal.Open(path)
	for _, entry := range entries {
		if err := j.Append(entry); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []journal.Entry {
	t.Helper()
	got, err := journal.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRoundTrip(t *testing.T) {
	path := newPath(t)
	if got := read(t, path); got != nil {
		t.Errorf("no journal: got %+v", got)
	}
	appendAll(t, path)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a journal without an entry: %v", err)
	}
	appendAll(t, path, entries[:2]...)
	appendAll(t, path, entries[2:]...)
	if got := read(t, path); !reflect.DeepEqual(got, entries) {
		t.Errorf("got %+v, want %+v", got, entries)
	}
}

// TestLine has the very bytes of a line: other programs read them.
func TestLine(t *testing.T) {
	path := newPath(t)
	appendAll(t, path, entries[1], entries[2])
	got, err := os.ReadFile(path)
	want := `{"start":"2026-05-06T07:08:09.123456789Z","duration":0,"unit":"wordpress/0","hook":"start","outcome":"done"}
{"start":"2026-05-06T07:08:09.123456789Z","duration":3,"unit":"wordpress/0","hook":"db-relation-changed","script":"dispatch","relation":"db:3","remote-unit":"mysql/0","version":7,"outcome":"failed","exit-code":1,"reason":"exit status 1"}
`
	if err != nil || string(got) != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
	}
}

func TestAppendAfterClose(t *testing.T) {
	path := newPath(t)
	j := journal.Open(path)
	for _, entry := range entries {
		if err := j.Append(entry); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, path); !reflect.DeepEqual(got, entries) {
		t.Errorf("got %+v", got)
	}
}

// TestTornLine cuts the journal at each byte of its last line, as the crash of a
// machine may. What was before is read, and what is appended later is too.
func TestTornLine(t *testing.T) {
	path := newPath(t)
	appendAll(t, path, entries...)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := strings.LastIndexByte(strings.TrimSuffix(string(whole), "\n"), '\n') + 1
	for cut := last; cut < len(whole); cut++ {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		want := entries[:len(entries)-1]
		if cut == len(whole)-1 {
			want = entries // It lacks its newline only.
		}
		if got := read(t, path); !reflect.DeepEqual(got, want) {
			t.Errorf("cut at %d: got %+v", cut, got)
		}
		appendAll(t, path, entries[0])
		if got := read(t, path); !reflect.DeepEqual(got, append(want[:len(want):len(want)], entries[0])) {
			t.Errorf("cut at %d and appended to: got %+v", cut, got)
		}
	}
}

func TestLinesThatDoNotParseAreSkipped(t *testing.T) {
	path := newPath(t)
	appendAll(t, path, entries[0])
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, line := range []string{"", "{", "null", "[]", `"install"`, `{"unit":"wordpress/0"}`, `{"hook":7}`, "\x00\x00\x00", strings.Repeat("x", 100_000)} {
		if _, err := fmt.Fprintln(file, line); err != nil {
			t.Fatal(err)
		}
	}
	appendAll(t, path, entries[1])
	if got := read(t, path); !reflect.DeepEqual(got, entries[:2]) {
		t.Errorf("got %+v", got)
	}
}

// TestFullJournal writes far more than a journal keeps: the newest entries are
// there, in order and without a gap, and the files stay small.
func TestFullJournal(t *testing.T) {
	path := newPath(t)
	const most, size = 60, 1 << 19
	j := journal.Open(path)
	defer j.Close()
	for i := range most {
		if err := j.Append(journal.Entry{Hook: fmt.Sprint(i), Reason: strings.Repeat("x", size)}); err != nil {
			t.Fatal(err)
		}
	}
	got := read(t, path)
	if len(got) < 8<<20/(size+1000) || len(got) == most {
		t.Errorf("%d entries of %d are left", len(got), most)
	}
	for i, entry := range got {
		if want := fmt.Sprint(most - len(got) + i); entry.Hook != want {
			t.Fatalf("entry %d is %s, want %s", i, entry.Hook, want)
		}
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 2 {
		t.Errorf("files %v, error %v", files, err)
	}
	for _, file := range files {
		if info, err := file.Info(); err != nil || info.Size() > 9<<20 {
			t.Errorf("%s has %d bytes, error %v", file.Name(), info.Size(), err)
		}
	}
}

func TestErrorsNameTheJournal(t *testing.T) {
	path := newPath(t)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := journal.Open(path).Append(entries[0]); err == nil || !strings.HasPrefix(err.Error(), "cannot write journal: ") || !strings.Contains(err.Error(), path) {
		t.Errorf("append: %v", err)
	}
	if _, err := journal.Read(path); err == nil || !strings.HasPrefix(err.Error(), "cannot read journal: ") || !strings.Contains(err.Error(), path) {
		t.Errorf("read: %v", err)
	}
}

func TestDescribe(t *testing.T) {
	for _, test := range []struct {
		info     hook.Info
		endpoint string
		want     journal.Entry
	}{
		{hook.Info{Kind: hooks.Install}, "", journal.Entry{}},
		{hook.Info{Kind: hooks.RelationCreated}, "db", journal.Entry{Relation: "db:0"}},
		{hook.Info{Kind: hooks.RelationJoined, RelationId: 3, RemoteUnit: "mysql/0", ChangeVersion: 7}, "db",
			journal.Entry{Relation: "db:3", RemoteUnit: "mysql/0", Version: 7}},
		{hook.Info{Kind: hooks.RelationChanged, RelationId: 3, RemoteApplication: "mysql", ChangeVersion: 9}, "db",
			journal.Entry{Relation: "db:3", RemoteApplication: "mysql", Version: 9}},
	} {
		test.want.Unit, test.want.Hook = "wordpress/0", "the-hook"
		if got := journal.Describe("wordpress/0", "the-hook", test.endpoint, test.info); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.info.Kind, got, test.want)
		}
	}
}
