package statedir_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/unit-agent/unit-agent/statedir"
)

var update = flag.Bool("update", false, "write what the reader says to testdata/statedir/*.want")

const testdata = "../testdata/statedir"

// Each directory in testdata/statedir is one as an agent leaves it. Beside it, the
// first line of a .want file says what it is for, and the rest what is read.
func TestTestdata(t *testing.T) {
	wants, err := filepath.Glob(filepath.Join(testdata, "*.want"))
	if err != nil || len(wants) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, wantFile := range wants {
		dir := strings.TrimSuffix(wantFile, ".want")
		t.Run(filepath.Base(dir), func(t *testing.T) {
			content, err := os.ReadFile(wantFile)
			if err != nil {
				t.Fatal(err)
			}
			about, want, _ := strings.Cut(string(content), "\n")
			before := list(t, dir)
			dirs, err := statedir.ReadAllStateDirs(dir)
			got := describeAll(dirs, err)
			if *update {
				if err := os.WriteFile(wantFile, []byte(about+"\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("%s\ngot:\n%swant:\n%s", about, got, want)
			}
			if after := list(t, dir); after != before {
				t.Errorf("reading changed the directory from\n%sto\n%s", before, after)
			}
		})
	}
}

// Read one by one, the relations are the same as read together.
func TestReadStateDirAgreesWithReadAll(t *testing.T) {
	entries, err := os.ReadDir(testdata)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		dir := filepath.Join(testdata, entry.Name())
		dirs, allErr := statedir.ReadAllStateDirs(dir)
		var faults []error
		for id := range 25 {
			d, err := statedir.ReadStateDir(dir, id)
			if err != nil {
				faults = append(faults, statedir.Faults(err)...)
				continue
			}
			exists, err := d.Exists()
			if err != nil {
				t.Fatal(err)
			}
			one, ok := dirs[id]
			if ok != exists {
				t.Errorf("%s/%d: exists %v, read with the others %v", dir, id, exists, ok)
			}
			if ok && describe(d) != describe(one) {
				t.Errorf("%s/%d: alone %s, with the others %s", dir, id, describe(d), describe(one))
			}
		}
		if got, want := fmt.Sprint(faults), fmt.Sprint(statedir.Faults(allErr)); got != want {
			t.Errorf("%s: faults alone\n%s, with the others\n%s", dir, got, want)
		}
	}
}

// describeAll writes what ReadAllStateDirs has returned, one line each.
func describeAll(dirs map[int]*statedir.StateDir, err error) string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(dirs)) {
		fmt.Fprintf(&b, "relation %d:%s\n", id, describe(dirs[id]))
	}
	for _, fault := range statedir.Faults(err) {
		fmt.Fprintf(&b, "fault: %v\n", fault)
	}
	return b.String()
}

func describe(d *statedir.StateDir) string {
	state := d.State()
	var b strings.Builder
	for _, unit := range slices.Sorted(maps.Keys(state.Members)) {
		fmt.Fprintf(&b, " %s=%d", unit, state.Members[unit])
		if unit == state.ChangedPending {
			b.WriteString("(pending)")
		}
	}
	for _, app := range slices.Sorted(maps.Keys(state.ApplicationMembers)) {
		fmt.Fprintf(&b, " [%s=%d]", app, state.ApplicationMembers[app])
	}
	return b.String()
}

// list writes what is in a directory, to the byte.
func list(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		var content []byte
		if entry.Type().IsRegular() {
			if content, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		fmt.Fprintf(&b, "%s %v %v %q\n", path, info.Mode(), info.ModTime(), content)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestNothingThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "relations")
	dirs, err := statedir.ReadAllStateDirs(dir)
	if err != nil || len(dirs) != 0 {
		t.Errorf("got %v, %v", dirs, err)
	}
	d, err := statedir.ReadStateDir(dir, 7)
	if err != nil {
		t.Fatal(err)
	}
	state := d.State()
	if state.RelationId != 7 || len(state.Members) != 0 || state.ChangedPending != "" {
		t.Errorf("got %+v", state)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading made the directory: %v", err)
	}
}

func TestNegativeRelation(t *testing.T) {
	if _, err := statedir.ReadStateDir(t.TempDir(), -1); err == nil {
		t.Error("no error")
	}
}

func TestUnreadableDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := statedir.ReadAllStateDirs(path)
	if !errors.Is(err, syscall.ENOTDIR) || !strings.HasPrefix(err.Error(), "cannot load relations state from ") {
		t.Errorf("ReadAllStateDirs: %v", err)
	}
	_, err = statedir.ReadStateDir(path, 1)
	if !errors.Is(err, syscall.ENOTDIR) || !strings.HasPrefix(err.Error(), "cannot load relation state from ") {
		t.Errorf("ReadStateDir: %v", err)
	}
}

// What is not a file must not hang the reader, nor be taken for one.
func TestUnitFileThatIsNotAFile(t *testing.T) {
	dir := t.TempDir()
	relation := filepath.Join(dir, "1")
	if err := os.Mkdir(relation, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(relation, "pipe-1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(relation, "link-1")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(relation, "zero-1")); err != nil {
		t.Fatal(err)
	}
	_, err := statedir.ReadStateDir(dir, 1)
	faults := statedir.Faults(err)
	if len(faults) != 3 {
		t.Fatalf("got %v", faults)
	}
	for i, name := range []string{"link-1", "pipe-1", "zero-1"} {
		if want := fmt.Sprintf("invalid unit file %q: ", name); !strings.Contains(faults[i].Error(), want) {
			t.Errorf("got %v, want %s", faults[i], want)
		}
	}
}

// A crash of the machine may leave any part of a file.
func TestCutShort(t *testing.T) {
	dir := t.TempDir()
	relation := filepath.Join(dir, "1")
	if err := os.Mkdir(relation, 0o755); err != nil {
		t.Fatal(err)
	}
	const whole = "change-version: 1234\nchanged-pending: true\n"
	for n := range len(whole) {
		if err := os.WriteFile(filepath.Join(relation, "foo-1"), []byte(whole[:n]), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := statedir.ReadStateDir(dir, 1)
		if whole[:n] == "change-version: 1234\n" {
			// Nothing can tell that from the whole file of a unit without a
			// pending hook, except that durable writes never leave it.
			continue
		}
		if err == nil || !strings.Contains(err.Error(), `invalid unit file "foo-1": `) {
			t.Errorf("%q: %v", whole[:n], err)
		}
	}
}

func TestLoadErrorIsOneShortLine(t *testing.T) {
	_, err := statedir.ReadAllStateDirs(filepath.Join(testdata, "damaged"))
	if err == nil {
		t.Fatal("no error")
	}
	if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, "more") {
		t.Errorf("got %q", text)
	}
	var load *statedir.LoadError
	if !errors.As(err, &load) || load.Dir != filepath.Join(testdata, "damaged") {
		t.Errorf("got %v", load)
	}
}

func TestFaults(t *testing.T) {
	if got := statedir.Faults(nil); got != nil {
		t.Errorf("of nil: %v", got)
	}
	other := errors.New("other")
	if got := statedir.Faults(other); len(got) != 1 || got[0] != other {
		t.Errorf("of another error: %v", got)
	}
	_, err := statedir.ReadAllStateDirs(filepath.Join(testdata, "damaged"))
	for _, fault := range statedir.Faults(fmt.Errorf("wrapped: %w", err)) {
		if text := fault.Error(); strings.Count(text, "cannot load") != 1 || strings.Contains(text, "\n") {
			t.Errorf("not one line about one file: %q", text)
		}
	}
}
