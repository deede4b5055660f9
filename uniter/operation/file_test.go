package operation_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/operation"
)

// record is the record of an agent that failed a hook twice, as it is on disk.
const record = `installed: true
started: true
leader: true
config-hash: abc
charm-digest: def
pending:
    hook:
        kind: relation-changed
        relation-id: 3
        remote-unit: mysql/0
        change-version: 7
    began: 2026-05-06T07:08:09.123456789Z
    config-hash: abc
    failed: true
    failures: 2
    reason: exit status 1
`

func recorded() operation.State {
	changed := joined
	changed.Kind = hooks.RelationChanged
	return operation.State{
		Installed: true, Started: true, Leader: true, ConfigHash: "abc", CharmDigest: "def",
		Pending: pending(changed, failed(2), func(p *operation.Pending) { p.ConfigHash = "abc" }),
	}
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReadState(t *testing.T) {
	path := filepath.Join(t.TempDir(), operation.FileName)
	got, err := operation.ReadState(path)
	if err != nil || got != (operation.State{}) {
		t.Errorf("no file: got %+v, %v", got, err)
	}
	writeFile(t, path, record)
	if got, err = operation.ReadState(path); err != nil || !reflect.DeepEqual(got, recorded()) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestRecordOnDisk has the very bytes of a record, since a later version of this
// program must be able to read them.
func TestRecordOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), operation.FileName)
	executor := newExecutor(t, path, &stub{})
	want := recorded()
	if err := executor.Update(func(s *operation.State) { *s = want }); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != record {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, record)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("got mode %v, %v", info.Mode(), err)
	}
}

// TestDamagedRecord has files that no agent wrote. Each is refused by an error
// that names it, is one line, and says what to do; and each is kept as it is.
func TestDamagedRecord(t *testing.T) {
	for name, test := range map[string]struct{ content, err string }{
		"empty":            {"", "it is empty"},
		"blank":            {"\n \n", "it is empty"},
		"cut short":        {strings.TrimSuffix(record, "\n"), "it is cut short: no newline at the end"},
		"cut in a word":    {record[:len(record)-9], "it is cut short: no newline at the end"},
		"not YAML":         {"installed: [\n", "did not find expected node content"},
		"not a record":     {"- installed\n", "cannot unmarshal !!seq into operation.State"},
		"not a boolean":    {"installed: 3\n", "cannot unmarshal !!int `3` into bool"},
		"unknown field":    {"installed: true\nfrobnicated: true\n", "field frobnicated not found in type operation.State"},
		"unknown in hook":  {"pending:\n  hook: {kind: install, colour: red}\n", "field colour not found in type hook.Info"},
		"twice":            {"installed: true\ninstalled: false\n", "mapping key \"installed\" already defined"},
		"two documents":    {"installed: true\n---\ninstalled: false\n", "it has more than one YAML document"},
		"impossible":       {"started: true\n", "started before it was installed"},
		"a hook of nobody": {"pending:\n  hook: {kind: relation-joined}\n", "no remote unit"},
		"binary":           {"\x00\x01\x02\n", "control characters are not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), operation.FileName)
			writeFile(t, path, test.content)
			for range 2 {
				got, err := operation.ReadState(path)
				if err == nil || got != (operation.State{}) {
					t.Fatalf("got %+v, %v", got, err)
				}
				for _, part := range []string{"cannot read operation record " + path + ": ", test.err, "mend the file, or move it away"} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%q is not in %q", part, err)
					}
				}
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("more than a line: %q", err)
				}
				if _, err := operation.NewExecutor(path, &stub{}); err == nil {
					t.Error("an executor goes on from it")
				}
			}
			content, err := os.ReadFile(path)
			if err != nil || string(content) != test.content {
				t.Errorf("the file was changed: %q, %v", content, err)
			}
		})
	}
}

func TestUnreadableRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), operation.FileName)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := operation.ReadState(path)
	var pathErr *fs.PathError
	if !errors.As(err, &pathErr) || pathErr.Path != path || !strings.HasPrefix(err.Error(), "cannot read operation record: ") {
		t.Errorf("got %v", err)
	}
}

// FuzzReadState holds that whatever is in the file is refused, or understood so
// well that it is the same after it was written and read again.
func FuzzReadState(f *testing.F) {
	f.Add([]byte(record))
	f.Add([]byte("installed: true\n"))
	f.Add([]byte("{}\n"))
	f.Add([]byte(""))
	f.Add([]byte("pending: &p\n  hook: {kind: install}\n  began: 2026-05-06T07:08:09Z\n"))
	f.Add([]byte("pending: {hook: {kind: action, action-id: \"7\"}, interrupted: true}\n"))
	f.Add([]byte("---\ninstalled: yes\n...\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		state, err := operation.ParseState(data)
		if err != nil {
			return
		}
		if err := state.Validate(); err != nil {
			t.Fatalf("not valid: %v", err)
		}
		written, err := operation.EncodeState(state)
		if err != nil {
			t.Fatal(err)
		}
		again, err := operation.ParseState(written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if !equal(again, state) {
			t.Errorf("read %+v, then %+v", state, again)
		}
	})
}

// equal compares moments by the moment, not by how the zone is written.
func equal(a, b operation.State) bool {
	if a.Pending != nil && b.Pending != nil {
		p, q := *a.Pending, *b.Pending
		if !p.Began.Equal(q.Began) {
			return false
		}
		p.Began, q.Began = began, began
		a.Pending, b.Pending = &p, &q
	}
	return reflect.DeepEqual(a, b)
}
