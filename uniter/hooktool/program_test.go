package hooktool_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/unit-agent/unit-agent/uniter/hooktool"
	"github.com/unit-agent/unit-agent/uniter/hooktool/client"
)

func TestHelp(t *testing.T) {
	for _, name := range hooktool.Names() {
		want := reply{stdout: client.Usage(name)}
		inside := begin(t, configChanged)
		for _, args := range [][]string{{name, "--help"}, {name, "x", "-h"}, {name, "--help", "--bad"}} {
			if got := inside.call(args...); got != want {
				t.Errorf("%q in a hook: %+v", args, got)
			}
		}
		outside := exec.Command(filepath.Join(toolsDir, name), "--help")
		outside.Env = []string{}
		if got := finish(t, outside); got != want {
			t.Errorf("%s outside of a hook: %+v", name, got)
		}
	}
}

// TestHookToolByName covers the program started under its own name.
func TestHookToolByName(t *testing.T) {
	run := begin(t, changed)
	if got := run.must("hook-tool", "relation-get", "port"); got != "3306\n" {
		t.Errorf("got %q", got)
	}
}

func TestOutputFile(t *testing.T) {
	run := begin(t, changed, withFile("old", "something long that was there before\n"))
	for _, test := range []struct{ args, file, want string }{
		{"relation-get -o old port", "old", "3306\n"},
		{"relation-get --output new --format=json -", "new", mysql0JSON},
		{"config-get --output=none unset", "none", ""},
		{"relation-ids -onear db", "near", "db:1\ndb:10\ndb:9\n"},
		{"is-leader -o " + filepath.Join(run.dir, "far"), "far", "False\n"},
	} {
		if got := run.must(words(test.args)...); got != "" {
			t.Errorf("%s: prints %q", test.args, got)
		}
		if content, err := os.ReadFile(filepath.Join(run.dir, test.file)); err != nil || string(content) != test.want {
			t.Errorf("%s: the file holds %q, %v", test.args, content, err)
		}
	}
	if got := run.call("is-leader", "-o", "no/such"); got.code != 1 || got.stderr != "ERROR cannot write no/such: no such file or directory\n" {
		t.Errorf("got %+v", got)
	}
	if got := run.call("config-get", "-o", "bad", "--all", "x"); got.code != 2 {
		t.Errorf("got %+v", got)
	}
	if _, err := os.Stat(filepath.Join(run.dir, "bad")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a call that failed wrote its file: %v", err)
	}
}
