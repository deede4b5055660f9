package uniter_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/statedir"
	"github.com/unit-agent/unit-agent/uniter"
)

// TestDamagedState has state files that do not parse: the agent ends with an error
// that names the file, runs nothing, and keeps the file.
func TestDamagedState(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	w.enter(db, "mysql/0")
	a := w.start("wordpress/0")
	a.awaitIdle()
	w.check(a.stop())
	w.clearHooks("wordpress/0")
	for file, damage := range map[string]string{
		"state/operation.yaml":                "installed: [\n",
		"state/relations/1/mysql-0":           "",
		"state/relations/1/mysql-1":           "change-version: 7",
		"state/relations/1/mysql.application": "change-version: x\n",
	} {
		path := filepath.Join(a.home.Dir, file)
		before, readErr := os.ReadFile(path)
		w.write(path, damage, 0o644)
		if _, err := uniter.ReadRecord(a.home); err == nil || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: read as %v", file, err)
		}
		b, err := newAgent(w, "wordpress/0")
		w.check(err)
		err = b.wait()
		if err == nil || !strings.Contains(err.Error(), filepath.Base(path)) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: ended with %v", file, err)
		}
		if content, err := os.ReadFile(path); err != nil || string(content) != damage {
			t.Errorf("%s: is now %q, %v", file, content, err)
		}
		if readErr == nil {
			w.write(path, string(before), 0o644)
		} else {
			w.check(os.Remove(path))
		}
	}
	if lines := w.lines("wordpress/0"); len(lines) > 0 {
		t.Errorf("hooks %q", lines)
	}
	a = w.start("wordpress/0")
	a.awaitIdle()
	if lines := w.lines("wordpress/0"); len(lines) > 0 {
		t.Errorf("hooks once it was mended: %q", lines)
	}
}

// TestLeftoversOfACrash are swept, and in nobody's way.
func TestLeftoversOfACrash(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	w.enter(db, "mysql/0")
	a := w.start("wordpress/0")
	a.awaitIdle()
	w.check(a.stop())
	record := filepath.Join(a.home.StateDir(), ".operation.yaml.0123456789abcdef.tmp")
	member := filepath.Join(a.home.RelationsDir(), "1", ".mysql-0.0123456789abcdef.tmp")
	w.write(record, "half", 0o600)
	w.write(member, "half", 0o600)
	a = w.start("wordpress/0")
	w.leave(db, "mysql/0")
	a.awaitIdle()
	for _, path := range []string{record, member} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
	w.check(w.RemoveRelation(w.ctx, "wordpress", "mysql"))
	a.awaitIdle()
	if dirs, err := statedir.ReadAllStateDirs(a.home.RelationsDir()); err != nil || len(dirs) != 1 {
		t.Errorf("relations %v, %v", dirs, err)
	}
}
