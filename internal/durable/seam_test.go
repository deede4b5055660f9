package durable_test

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/unit-agent/unit-agent/internal/durable"
)

// recorder is a seam that remembers what it was asked.
type recorder struct {
	mu  sync.Mutex
	ops []durable.Op
}

func (r *recorder) Step(op durable.Op, do func() error) error {
	r.mu.Lock()
	r.ops = append(r.ops, op)
	r.mu.Unlock()
	return do()
}

func TestInterposeSeesOneDirectory(t *testing.T) {
	base := t.TempDir()
	files("a/x", "", "ab/x", "")(t, base)
	var seen recorder
	restore := durable.Interpose(filepath.Join(base, "a"), &seen)
	write := func(path string) {
		t.Helper()
		if err := durable.WriteFile(filepath.Join(base, path), []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ab/file")
	write("file")
	if len(seen.ops) > 0 {
		t.Errorf("saw %v of other directories", seen.ops)
	}
	write("a/file")
	if got := len(seen.ops); got != 7 {
		t.Errorf("saw %d steps, want 7", got)
	}
	restore()
	write("a/file")
	if got := len(seen.ops); got != 7 {
		t.Errorf("saw %d steps after restore", got-7)
	}
}

func TestOpTellsWhatTheStepActsOn(t *testing.T) {
	dir := t.TempDir()
	var seen recorder
	defer durable.Interpose(dir, &seen)()
	path := filepath.Join(dir, "file")
	if err := durable.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, op := range seen.ops {
		var want string
		switch op.Label {
		case "write/open-dir", "write/fsync-dir":
			want = fmt.Sprintf("%s %s  ", op.Label, dir)
		case "write/rename":
			want = fmt.Sprintf("%s TEMP %s ", op.Label, path)
		case "write/data":
			want = fmt.Sprintf("%s TEMP  content", op.Label)
		default:
			want = fmt.Sprintf("%s TEMP  ", op.Label)
		}
		name := op.Path
		if durable.IsTemp(filepath.Base(name)) && filepath.Dir(name) == dir {
			name = "TEMP"
		}
		if got := fmt.Sprintf("%s %s %s %s", op.Label, name, op.NewPath, op.Data); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTheLastSeamIsAsked(t *testing.T) {
	dir := t.TempDir()
	var outer, inner recorder
	defer durable.Interpose(dir, &outer)()
	restore := durable.Interpose(filepath.Join(dir, "sub"), &inner)
	if err := durable.MkdirAll(filepath.Join(dir, "sub/sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if len(outer.ops) == 0 || len(inner.ops) == 0 {
		t.Errorf("outer saw %v, inner saw %v", outer.ops, inner.ops)
	}
	restore()
	before := len(inner.ops)
	if err := durable.Remove(filepath.Join(dir, "sub/file")); err != nil {
		t.Fatal(err)
	}
	if len(inner.ops) != before {
		t.Error("the inner seam was asked after restore")
	}
}

// A seam may do the step and deny it, as a disk does that reports an error late.
func TestSeamThatDeniesWhatItDid(t *testing.T) {
	late := errors.New("late")
	for _, label := range []string{"write/open-dir", "write/create", "write/data", "write/fsync",
		"write/close", "write/rename", "write/fsync-dir"} {
		dir := t.TempDir()
		restore := durable.Interpose(dir, seamFunc(func(op durable.Op, do func() error) error {
			if err := do(); err != nil || op.Label != label {
				return err
			}
			return late
		}))
		err := durable.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600)
		restore()
		if !errors.Is(err, late) {
			t.Errorf("%s: %v", label, err)
		}
		if names := tempNames(t, dir); len(names) > 0 {
			t.Errorf("%s: left %q", label, names)
		}
	}
}

type seamFunc func(durable.Op, func() error) error

func (f seamFunc) Step(op durable.Op, do func() error) error { return f(op, do) }

func TestInterposeInParallel(t *testing.T) {
	var tests sync.WaitGroup
	for range 8 {
		dir := t.TempDir()
		tests.Go(func() {
			for range 20 {
				var seen recorder
				restore := durable.Interpose(dir, &seen)
				if err := durable.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
					t.Error(err)
				}
				restore()
				if len(seen.ops) != 7 {
					t.Errorf("saw %d steps", len(seen.ops))
				}
			}
		})
	}
	tests.Wait()
}

func TestInterposePanicsOutsideTests(t *testing.T) {
	out, err := exec.Command("go", "run", "./testdata/interpose").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Interpose called outside a test") {
		t.Errorf("error %v, output:\n%s", err, out)
	}
}
