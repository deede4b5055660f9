package statedir_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/statedir"
	"github.com/unit-agent/unit-agent/uniter/hook"
)

// files writes what files the relation has, with their content.
func files(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "7"))
	if errors.Is(err, os.ErrNotExist) {
		return "none"
	}
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, "7", entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(entry.Name() + ": " + string(content))
	}
	return b.String()
}

func TestWrite(t *testing.T) {
	for _, test := range []struct {
		about  string
		writes []hook.Info
		files  string
		state  string
	}{
		{"created", []hook.Info{created()}, "", ""},
		{"joined", []hook.Info{created(), joined("foo/1", 3)},
			"foo-1: change-version: 3\nchanged-pending: true\n", " foo/1=3(pending)"},
		{"joined without created", []hook.Info{joined("foo/1", 3)},
			"foo-1: change-version: 3\nchanged-pending: true\n", " foo/1=3(pending)"},
		{"changed", []hook.Info{joined("foo/1", 3), changed("foo/1", 4)},
			"foo-1: change-version: 4\n", " foo/1=4"},
		{"changed of another leaves the pending one", []hook.Info{joined("foo/2", 1), changed("foo/2", 1), joined("foo/1", 3), changed("foo/2", 4)},
			"foo-1: change-version: 3\nchanged-pending: true\nfoo-2: change-version: 4\n", " foo/1=3(pending) foo/2=4"},
		{"changed that was never joined is not looked into", []hook.Info{changed("foo/1", 4)},
			"foo-1: change-version: 4\n", " foo/1=4"},
		{"a lower version", []hook.Info{joined("foo/1", 30), changed("foo/1", 4)},
			"foo-1: change-version: 4\n", " foo/1=4"},
		{"the highest version", []hook.Info{joined("foo/1", 1<<63-1)},
			"foo-1: change-version: 9223372036854775807\nchanged-pending: true\n", " foo/1=9223372036854775807(pending)"},
		{"an application", []hook.Info{created(), appChanged("foo-bar", 4), appChanged("foo-bar", 5)},
			"foo-bar.application: change-version: 5\n", " [foo-bar=5]"},
		{"an application does not clear the pending mark", []hook.Info{joined("foo/1", 3), appChanged("foo", 4)},
			"foo-1: change-version: 3\nchanged-pending: true\nfoo.application: change-version: 4\n", " foo/1=3(pending) [foo=4]"},
		{"departed", []hook.Info{joined("foo/1", 3), changed("foo/1", 3), joined("foo/2", 1), changed("foo/2", 1), departed("foo/1")},
			"foo-2: change-version: 1\n", " foo/2=1"},
		{"departed while pending clears the mark", []hook.Info{joined("foo/1", 3), departed("foo/1")},
			"", ""},
		{"departed while another is pending leaves the mark", []hook.Info{changed("foo/2", 3), joined("foo/1", 3), departed("foo/2")},
			"foo-1: change-version: 3\nchanged-pending: true\n", " foo/1=3(pending)"},
		{"departed by a stranger is not looked into", []hook.Info{created(), departed("foo/1")}, "", ""},
		{"departed and joined afresh", []hook.Info{joined("foo/1", 3), changed("foo/1", 3), departed("foo/1"), joined("foo/1", 1)},
			"foo-1: change-version: 1\nchanged-pending: true\n", " foo/1=1(pending)"},
		{"broken", []hook.Info{created(), broken()}, "none", ""},
		{"broken with application versions", []hook.Info{created(), appChanged("foo", 4), appChanged("bar", 4), broken()}, "none", ""},
		{"broken that was never created", []hook.Info{broken()}, "none", ""},
	} {
		t.Run(test.about, func(t *testing.T) {
			dir := t.TempDir()
			d := mustRead(t, dir)
			for _, info := range test.writes {
				// Twice, since an agent that crashed between the write and
				// its own record writes again.
				for range 2 {
					if err := d.Write(info); err != nil {
						t.Fatal(err)
					}
				}
			}
			if got := files(t, dir); got != test.files {
				t.Errorf("files %q, want %q", got, test.files)
			}
			if got := describe(d); got != test.state {
				t.Errorf("in memory%q, want%q", got, test.state)
			}
			if got := describe(mustRead(t, dir)); got != test.state {
				t.Errorf("on disk%q, want%q", got, test.state)
			}
			// Again by another process, which has only what is on disk.
			if err := mustRead(t, dir).Write(test.writes[len(test.writes)-1]); err != nil {
				t.Error(err)
			}
			if got := files(t, dir); got != test.files {
				t.Errorf("written by another process: files %q, want %q", got, test.files)
			}
		})
	}
}

func TestWriteRefuses(t *testing.T) {
	setUp := []hook.Info{created(), changed("foo/1", 3), joined("foo/2", 4)}
	bad := func(change func(*hook.Info)) hook.Info {
		info := changed("foo/1", 9)
		change(&info)
		return info
	}
	for _, test := range []struct {
		about string
		info  hook.Info
		want  string
	}{
		{"joined of another while pending", joined("foo/3", 1), `expected "relation-changed" for "foo/2"`},
		{"a way out", changed("a/../../evil", 9), `"a/../../evil" is not a unit name`},
		{"a way out that departs", departed("a/../../evil"), `"a/../../evil" is not a unit name`},
		{"another spelling", joined("u/01", 9), `"u/01" is not a unit name`},
		{"another spelling that departs", departed("foo/01"), `"foo/01" is not a unit name`},
		{"no number", changed("foo", 9), `"foo" is not a unit name`},
		{"an application like a unit file", changed("foo-1/0", 9), `"foo-1/0" is not a unit name`},
		{"a bad unit in broken", bad(func(hi *hook.Info) { hi.Kind = hooks.RelationBroken; hi.RemoteUnit = "x" }), "not a unit name"},
		{"a bad application", appChanged("../evil", 9), `"../evil" is not an application name`},
		{"an application like a unit", appChanged("foo-1", 9), `"foo-1" is not an application name`},
		{"a negative version", changed("foo/1", -1), "negative change version -1"},
		{"joined of nobody", joined("", 1), "no remote unit"},
		{"changed of nobody", changed("", 1), "no remote unit or remote application"},
		{"departed of nobody", departed(""), "no remote unit"},
		{"another kind", hook.Info{Kind: hooks.Install}, "not a relation hook"},
		{"broken with members", broken(), "directory not empty"},
	} {
		dir := t.TempDir()
		d := mustRead(t, dir)
		for _, info := range setUp {
			if err := d.Write(info); err != nil {
				t.Fatal(err)
			}
		}
		before, state, all := files(t, dir), describe(d), list(t, dir)
		err := d.Write(test.info)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot write ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.about, err)
		}
		if got := files(t, dir); got != before {
			t.Errorf("%s: files %q, want %q", test.about, got, before)
		}
		if got := list(t, dir); got != all {
			t.Errorf("%s: the disk was touched", test.about)
		}
		if got := describe(d); got != state {
			t.Errorf("%s: state%s, want%s", test.about, got, state)
		}
		// It is the same for a process that has just read the directory.
		if err := mustRead(t, dir).Write(test.info); err == nil {
			t.Errorf("%s: not refused after reading", test.about)
		}
	}
}

func TestAfterBroken(t *testing.T) {
	dir := t.TempDir()
	d := mustRead(t, dir)
	for _, info := range []hook.Info{created(), broken()} {
		if err := d.Write(info); err != nil {
			t.Fatal(err)
		}
	}
	const want = "relation is broken and cannot be changed further"
	for _, info := range []hook.Info{created(), joined("foo/1", 1), changed("foo/1", 1), appChanged("foo", 1), departed("foo/1")} {
		if err := d.Write(info); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Write of %q: %v", info.Kind, err)
		}
		for about, err := range map[string]error{"StateDir": d.Validate(info), "State": d.State().Validate(info)} {
			if err == nil || !strings.HasSuffix(err.Error(), want) || !strings.HasPrefix(err.Error(), "inappropriate ") {
				t.Errorf("%s.Validate of %q: %v", about, info.Kind, err)
			}
		}
	}
	if err := d.Ensure(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Ensure: %v", err)
	}
	if err := d.Validate(broken()); err != nil {
		t.Errorf("Validate of broken again: %v", err)
	}
	if err := d.Write(broken()); err != nil {
		t.Errorf("Write of broken again: %v", err)
	}
	if err := d.Write(joined("foo/1", 1)); err == nil {
		t.Error("after broken was written again, all is allowed")
	}
	if got := files(t, dir); got != "none" {
		t.Errorf("files %q", got)
	}
}

func TestEnsureExistsRemove(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	d := mustRead(t, dir)
	exists := func(want bool) {
		t.Helper()
		got, err := d.Exists()
		if err != nil || got != want {
			t.Errorf("Exists: %v, %v", got, err)
		}
	}
	if err := d.Remove(); err != nil {
		t.Errorf("Remove of nothing: %v", err)
	}
	exists(false)
	for range 2 {
		if err := d.Ensure(); err != nil {
			t.Fatal(err)
		}
		exists(true)
	}
	if err := d.Remove(); err != nil {
		t.Error(err)
	}
	exists(false)
	// Removed is not broken.
	if err := d.Write(joined("foo/1", 1)); err != nil {
		t.Error(err)
	}
	if err := d.Remove(); !errors.Is(err, syscall.ENOTEMPTY) || !strings.Contains(err.Error(), "foo-1") {
		t.Errorf("Remove with a member: %v", err)
	}
	if got, want := describe(d), " foo/1=1(pending)"; got != want {
		t.Errorf("got%s, want%s", got, want)
	}
}

func TestExistsWhereItCannotBe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	d := mustRead(t, path)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Exists(); err == nil {
		t.Error("Exists: no error")
	}
	if err := d.Ensure(); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("Ensure: %v", err)
	}
	if err := d.Write(joined("foo/1", 1)); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("Write: %v", err)
	}
	for _, info := range []hook.Info{created(), broken()} {
		if _, err := d.Reflects(info); err == nil {
			t.Errorf("Reflects %s: no error", info.Kind)
		}
	}
}

// Temporary files never stop a relation from being broken, whoever left them;
// anything else is not ours to remove.
func TestBrokenWithLeftovers(t *testing.T) {
	for name, wantGone := range map[string]bool{
		".foo-1.0123456789abcdef.tmp": true,  // ours
		".foo-15577006791947779410":   true,  // renameio's
		"juju845019237":               true,  // Juju's
		"foo-1.preparing":             true,  // Juju's, before that
		"foo-1.tmp":                   true,  // anybody's
		".gitkeep":                    true,  // git's
		"foo.application":             true,  // a version
		"foo-1":                       false, // a member, also if it is damaged
		"foo-01":                      false,
		"notes.txt":                   false,
		"jujube":                      false,
	} {
		dir := t.TempDir()
		d := mustRead(t, dir)
		if err := d.Ensure(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "7", name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := d.Write(broken())
		if (err == nil) != wantGone {
			t.Errorf("%s: %v", name, err)
		}
		if wantGone != (files(t, dir) == "none") {
			t.Errorf("%s: left %s", name, files(t, dir))
		}
		if !wantGone && !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error does not say what is in the way: %v", name, err)
		}
	}
}

func TestRemoveKeepsDirectories(t *testing.T) {
	dir := t.TempDir()
	d := mustRead(t, dir)
	if err := os.MkdirAll(filepath.Join(dir, "7", ".git"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(); !errors.Is(err, syscall.ENOTEMPTY) {
		t.Errorf("got %v", err)
	}
}

func TestLeftoversAreSwept(t *testing.T) {
	dir := t.TempDir()
	temp := filepath.Join(dir, "7", ".foo-1.0123456789abcdef.tmp")
	if err := os.MkdirAll(filepath.Dir(temp), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(temp, []byte("change-ver"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := mustRead(t, dir).Write(joined("foo/1", 1)); err != nil {
		t.Fatal(err)
	}
	if got, want := files(t, dir), "foo-1: change-version: 1\nchanged-pending: true\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// What is left of another relation goes with the next that is broken.
	half := filepath.Join(dir, ".9.0123456789abcdef.tmp", "foo.application")
	if err := os.MkdirAll(filepath.Dir(half), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(half, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := mustRead(t, dir)
	for _, info := range []hook.Info{departed("foo/1"), broken()} {
		if err := d.Write(info); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}

// A write for one member goes to one file, however many members there are.
func TestWriteTouchesOneFile(t *testing.T) {
	dir := t.TempDir()
	d := mustRead(t, dir)
	for _, unit := range []string{"foo/1", "foo/2", "foo/3"} {
		if err := d.Write(changed(unit, 1)); err != nil {
			t.Fatal(err)
		}
	}
	var touched []string
	restore := durable.Interpose(dir, seamFunc(func(op durable.Op, do func() error) error {
		if op.NewPath != "" {
			touched = append(touched, filepath.Base(op.NewPath))
		}
		if op.Label == "remove/unlink" {
			touched = append(touched, filepath.Base(op.Path))
		}
		return do()
	}))
	defer restore()
	for _, info := range []hook.Info{changed("foo/2", 2), departed("foo/3"), appChanged("foo", 1)} {
		if err := d.Write(info); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := strings.Join(touched, " "), "foo-2 foo-3 foo.application"; got != want {
		t.Errorf("touched %s, want %s", got, want)
	}
}

type seamFunc func(durable.Op, func() error) error

func (f seamFunc) Step(op durable.Op, do func() error) error { return f(op, do) }

// The relation's directory may be known by a relative path.
func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{".", "relations", "a/../b"} {
		if strings.HasPrefix(dir, "a/") {
			if err := os.Mkdir("a", 0o700); err != nil {
				t.Fatal(err)
			}
		}
		d := mustRead(t, dir)
		for _, info := range []hook.Info{created(), joined("foo/1", 1), departed("foo/1"), broken()} {
			if err := d.Write(info); err != nil {
				t.Errorf("%s: %v", dir, err)
			}
		}
		dirs, err := statedir.ReadAllStateDirs(dir)
		if err != nil || len(dirs) != 0 {
			t.Errorf("%s: %v, %v", dir, dirs, err)
		}
	}
}
