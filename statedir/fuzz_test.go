package statedir_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/juju/names/v4"
	"gopkg.in/yaml.v3"

	"github.com/unit-agent/unit-agent/statedir"
	"github.com/unit-agent/unit-agent/uniter/hook"
)

// FuzzUnitFile reads one file with any content: there is a version, and it is what a
// YAML reader makes of the file, or there is an error that names the file.
func FuzzUnitFile(f *testing.F) {
	for _, content := range []string{
		"", "change-version: 3\n", "change-version: 3\nchanged-pending: true\n",
		"changed-pending: true\nchange-version: 3\n", "{change-version: 3, changed-pending: no}\n",
		"change-version: 3", "change-version: -3\n", "change-version: 0x1f\n", "change-version: 1_000\n",
		"change-version: 1e3\n", "change-version: 03\n", "change-version: &a 3\nchanged-pending: *a\n",
		"change-version: 9223372036854775807\n", "change-version: 9223372036854775808\n",
		"change-version: !!int \"3\"\n", "change-version: 3 # comment\n", "change-version: 3\n...\n",
		"---\nchange-version: 3\n---\n", "change-version: 3\nchange-version: 4\n", "? change-version\n: 3\n",
		"<<: {change-version: 3}\n", "change-version: 3\r\n", "\xef\xbb\xbfchange-version: 3\n", "'", "[", "{", "\x00",
	} {
		f.Add([]byte(content))
	}
	dir := f.TempDir()
	path := filepath.Join(dir, "7", "foo-1")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := statedir.ReadStateDir(dir, 7)
		if err != nil {
			if text := err.Error(); !strings.Contains(text, `invalid unit file "foo-1": `) || strings.Contains(text, "\n") {
				t.Errorf("error %q", text)
			}
			return
		}
		var want struct {
			Version int64 `yaml:"change-version"`
			Pending bool  `yaml:"changed-pending"`
		}
		if err := yaml.Unmarshal(content, &want); err != nil {
			t.Fatalf("read as %s: %v", describe(d), err)
		}
		state := d.State()
		version, ok := state.Members["foo/1"]
		if !ok || version != want.Version || version < 0 || (state.ChangedPending == "foo/1") != want.Pending {
			t.Errorf("read as %s, want %+v", describe(d), want)
		}
		// It can be written, and then reads as written.
		if err := d.Write(changed("foo/1", version)); err != nil {
			t.Fatal(err)
		}
		if got, want := describe(mustRead(t, dir)), fmt.Sprintf(" foo/1=%d", version); got != want {
			t.Errorf("written as%s, want%s", got, want)
		}
	})
}

// FuzzNames reads a directory with files of any name: those that are a unit's or an
// application's own are read, the others ignored, and Write agrees with that.
func FuzzNames(f *testing.F) {
	f.Add("foo-1\nfoo.application\nfoo-01\n.foo-1.0123456789abcdef.tmp")
	f.Add("a-b-0\na-1-0\n-0\na--0\nA-0\nfoo-99999999999999999999\njuju12345")
	f.Add("foo-1.application\n.application\nfoo.application.application\na.\xff-1")
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		relation := filepath.Join(dir, "7")
		if err := os.Mkdir(relation, 0o700); err != nil {
			t.Fatal(err)
		}
		want := make(map[string]bool)
		for _, name := range strings.Split(text, "\n") {
			if name == "" || name == "." || name == ".." || len(name) > 255 || strings.ContainsAny(name, "/\x00") {
				continue
			}
			if err := os.WriteFile(filepath.Join(relation, name), []byte("change-version: 5\n"), 0o600); err != nil {
				t.Skip()
			}
			if app, ok := strings.CutSuffix(name, ".application"); ok && names.IsValidApplication(app) {
				want[" ["+app+"=5]"] = true
			}
			if i := strings.LastIndex(name, "-"); i >= 0 && names.IsValidUnit(name[:i]+"/"+name[i+1:]) {
				want[" "+name[:i]+"/"+name[i+1:]+"=5"] = true
			}
		}
		d, err := statedir.ReadStateDir(dir, 7)
		if err != nil {
			t.Fatal(err)
		}
		state := d.State()
		if got := len(state.Members) + len(state.ApplicationMembers); got != len(want) {
			t.Errorf("got%s, want %v", describe(d), want)
		}
		for unit := range state.Members {
			if !want[" "+unit+"=5"] {
				t.Errorf("got %q, want %v", unit, want)
			}
			if err := d.Write(departed(unit)); err != nil {
				t.Errorf("Write: %v", err)
			}
		}
		for app := range state.ApplicationMembers {
			if !want[" ["+app+"=5]"] {
				t.Errorf("got %q, want %v", app, want)
			}
		}
		if got := mustRead(t, dir).State().Members; len(got) > 0 {
			t.Errorf("departed, and still there: %v", got)
		}
	})
}

// FuzzWriteNames writes a hook of any names: it is refused and nothing is written, or
// what is written can be read, and nothing outside the relation's directory is touched.
func FuzzWriteNames(f *testing.F) {
	for _, name := range []string{"foo/1", "a/../../evil", "u/01", "foo/1\n", "/0", "foo", "../7/x", "a-1/2", "a.b/0", "\x00/0"} {
		f.Add(name, name, int64(3))
	}
	f.Fuzz(func(t *testing.T, unit, app string, version int64) {
		base := t.TempDir()
		dir := filepath.Join(base, "relations")
		for _, info := range []hook.Info{joined(unit, version), changed(unit, version), departed(unit), appChanged(app, version)} {
			err := mustRead(t, dir).Write(info)
			valid := info.Validate() == nil
			// What is longer than a file name is refused by the disk.
			if valid != (err == nil) && !(valid && len(unit)+len(app) > 200) {
				t.Errorf("%+v: valid %v, written %v", info, valid, err)
			}
			if !valid {
				continue
			}
			if reflected, err := mustRead(t, dir).Reflects(info); err != nil || !reflected {
				t.Errorf("%+v: not found again: %v", info, err)
			}
		}
		entries, err := os.ReadDir(base)
		if err != nil || len(entries) > 1 || len(entries) == 1 && entries[0].Name() != "relations" {
			t.Errorf("wrote %v, %v", entries, err)
		}
		if entries, err = os.ReadDir(dir); errors.Is(err, os.ErrNotExist) {
			return
		}
		if err != nil || len(entries) != 1 || entries[0].Name() != "7" {
			t.Errorf("wrote %v, %v", entries, err)
		}
	})
}
