package relation_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/unit-agent/unit-agent/statedir"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

// The names of this package are those of statedir, not copies of them.
var (
	_ *relation.State    = (*statedir.State)(nil)
	_ *relation.StateDir = (*statedir.StateDir)(nil)
)

func TestStateDirsAreHandedOn(t *testing.T) {
	dir := stateDirPath(t)
	written, err := relation.ReadStateDir(dir, relationId)
	if err != nil {
		t.Fatal(err)
	}
	for _, hi := range []func() error{
		func() error { return written.Write(joined("u/0", 1)) },
		func() error { return written.Write(changed("u/0", 2)) },
		func() error { return written.Write(joined("u/1", 3)) },
	} {
		if err := hi(); err != nil {
			t.Fatal(err)
		}
	}
	all, err := relation.ReadAllStateDirs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[relationId] == nil {
		t.Fatalf("got %v", all)
	}
	state := all[relationId].State()
	if len(state.Members) != 2 || state.Members["u/0"] != 2 || state.ChangedPending != "u/1" {
		t.Errorf("got %+v", state)
	}
}

func TestStateDirErrorsAreHandedOn(t *testing.T) {
	dir := stateDirPath(t)
	for _, file := range []string{"1/u-0", "2/u-0"} {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		content := "change-version: 1\n"
		if file == "2/u-0" {
			content = ""
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := relation.ReadStateDir(dir, 2); err == nil {
		t.Error("ReadStateDir took an empty file")
	}
	all, err := relation.ReadAllStateDirs(dir)
	if err == nil {
		t.Error("ReadAllStateDirs took an empty file")
	}
	if all[1] == nil || all[1].State().Members["u/0"] != 1 {
		t.Errorf("the sound relation is missing: %v", all)
	}
}
