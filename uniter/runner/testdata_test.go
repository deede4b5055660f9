package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/charm"
	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/runner"
)

const charmsDir = "../../testdata/charms"

// standIn is a hook tool that writes its call down and answers as in a model
// that the variables RELATED, LEADER and FAIL describe.
const standIn = `#!/bin/sh
tool=${0##*/}
echo "$tool $*" >>"$CALLS"
case "$tool $*" in
"config-get log-dir") ;;
"config-get port") echo 80 ;;
"config-get debug") echo False ;;
"config-get fail") echo "${FAIL-}" ;;
"config-get "*) echo "the $1" ;;
"is-leader "*) echo "${LEADER-False}" ;;
"relation-ids "*) case " ${RELATED-} " in *" $1 "*) echo "$1:7" ;; esac ;;
"relation-list "*) echo other/0; echo other/1 ;;
"relation-get -r db:7 host other/1") echo 10.0.0.7 ;;
"relation-get -r db:7 host other/0") ;;
"relation-get "*) echo seen ;;
"unit-get "*) echo 10.0.0.1 ;;
"action-get to") echo me ;;
esac
`

var standIns = []string{
	"action-get", "action-set", "application-version-set", "close-port", "config-get", "is-leader", "juju-log", "open-port",
	"relation-get", "relation-ids", "relation-list", "relation-set", "status-set", "unit-get",
}

// unit is a unit of a charm from testdata, deployed, with tools that stand in
// for the real ones.
type unit struct {
	t     *testing.T
	home  string
	charm *charm.Charm
}

func deploy(t *testing.T, name string) *unit {
	t.Helper()
	u := &unit{t: t, home: t.TempDir()}
	var err error
	if u.charm, err = charm.Read(filepath.Join(charmsDir, name)); err != nil {
		t.Fatal(err)
	}
	if err := charm.Install(filepath.Join(charmsDir, name), u.path("charm")); err != nil {
		t.Fatal(err)
	}
	write(t, u.path("tools/stand-in"), standIn, 0o755)
	for _, tool := range standIns {
		if err := os.Symlink("stand-in", u.path("tools/"+tool)); err != nil {
			t.Fatal(err)
		}
	}
	return u
}

func (u *unit) path(name string) string { return filepath.Join(u.home, name) }

// run runs a hook in a model that the variables describe, and returns what the
// charm called and how it ended.
func (u *unit) run(info hook.Info, endpoint string, variables ...string) (calls []string, result runner.Result, output []string) {
	u.t.Helper()
	c := config(info)
	c.ToolsDir, c.Path, c.CharmDir = u.path("tools"), os.Getenv("PATH"), u.path("charm")
	c.Endpoint, c.ActionName = endpoint, "greet"
	var tr transcript
	inv := runner.Invocation{
		CharmDir: c.CharmDir,
		Hook:     c.HookName(),
		Env:      append(runner.Environment(c), append(variables, "CALLS="+u.path("calls"))...),
		Output:   tr.output,
	}
	if info.Kind == hooks.Action {
		inv.ActionName = c.ActionName
	}
	result, err := runner.Run(u.t.Context(), inv)
	if err != nil {
		u.t.Fatal(err)
	}
	calls = u.lines("calls")
	_ = os.Remove(u.path("calls"))
	return calls, result, tr.lines
}

// succeed is run for a hook that must have no trouble.
func (u *unit) succeed(info hook.Info, endpoint string, variables ...string) (calls []string) {
	u.t.Helper()
	calls, result, output := u.run(info, endpoint, variables...)
	if result.ExitCode != 0 || len(output) > 0 {
		u.t.Errorf("%+v: exit code %d, output %q", info, result.ExitCode, output)
	}
	return calls
}

// lines returns those of a file in the unit's home.
func (u *unit) lines(name string) []string {
	u.t.Helper()
	text, err := os.ReadFile(u.path(name))
	if err != nil && !os.IsNotExist(err) {
		u.t.Fatal(err)
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
}

func want(t *testing.T, about string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", about, got, want)
	}
}

// wantCall fails unless one of the calls is the wanted one, and returns the
// calls after it.
func wantCall(t *testing.T, calls []string, call string) {
	t.Helper()
	if !slices.Contains(calls, call) {
		t.Errorf("%q was not called, but %q", call, calls)
	}
}

// Every charm that ships with the repository, through every hook of a unit's
// life, alone and related, leader and not.
func TestCharmsOfTestdata(t *testing.T) {
	entries, err := os.ReadDir(charmsDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		for _, variables := range [][]string{nil, {"LEADER=True", "RELATED=db server cluster source sink ring in out site"}} {
			t.Run(fmt.Sprint(entry.Name(), variables), func(t *testing.T) {
				u := deploy(t, entry.Name())
				if u.charm.Meta.Name != entry.Name() {
					t.Errorf("the charm is called %q", u.charm.Meta.Name)
				}
				for _, kind := range []hooks.Kind{
					hooks.Install, hooks.LeaderElected, hooks.ConfigChanged, hooks.Start, hooks.UpdateStatus, hooks.UpgradeCharm,
				} {
					u.succeed(hook.Info{Kind: kind}, "", variables...)
				}
				for endpoint := range u.charm.Meta.CombinedRelations() {
					for _, info := range []hook.Info{
						{Kind: hooks.RelationCreated, RelationId: 7},
						{Kind: hooks.RelationJoined, RelationId: 7, RemoteUnit: "other/0"},
						{Kind: hooks.RelationChanged, RelationId: 7, RemoteUnit: "other/0"},
						{Kind: hooks.RelationChanged, RelationId: 7, RemoteApplication: "other"},
						{Kind: hooks.RelationDeparted, RelationId: 7, RemoteUnit: "other/0", DepartingUnit: "mysql/0"},
						{Kind: hooks.RelationBroken, RelationId: 7},
					} {
						u.succeed(info, endpoint, variables...)
					}
				}
				for _, kind := range []hooks.Kind{hooks.Stop, hooks.Remove} {
					u.succeed(hook.Info{Kind: kind}, "", variables...)
				}
			})
		}
	}
}

func TestCharmWordpress(t *testing.T) {
	u := deploy(t, "wordpress")
	wantCall(t, u.succeed(hook.Info{Kind: hooks.Install}, ""), "application-version-set 6.4")
	calls := u.succeed(hook.Info{Kind: hooks.ConfigChanged}, "")
	wantCall(t, calls, "open-port 80/tcp")
	wantCall(t, calls, "status-set blocked needs a database: integrate db with one")
	calls = u.succeed(hook.Info{Kind: hooks.RelationJoined, RelationId: 7, RemoteUnit: "other/1"}, "db", "RELATED=db")
	wantCall(t, calls, "relation-set hostname=10.0.0.1")
	wantCall(t, calls, "status-set active the blog-title, database at 10.0.0.7")
	want(t, "hooks.log", u.lines("hooks.log"), "install - -", "config-changed - -", "db-relation-joined db:7 other/1")
	for name, kind := range map[string]string{"blog-title": "string", "port": "int", "debug": "boolean", "cache-ratio": "float"} {
		if got := u.charm.Config.Options[name].Type; got != kind {
			t.Errorf("option %s is of type %q, want %q", name, got, kind)
		}
	}
}

func TestCharmMysql(t *testing.T) {
	u := deploy(t, "mysql")
	wantCall(t, u.succeed(hook.Info{Kind: hooks.Start}, ""), "status-set active replica")
	wantCall(t, u.succeed(hook.Info{Kind: hooks.Start}, "", "LEADER=True"), "status-set active primary")
	calls := u.succeed(hook.Info{Kind: hooks.LeaderElected}, "", "LEADER=True", "RELATED=server")
	wantCall(t, calls, "relation-set -r server:7 --app primary=mysql/0")
	calls = u.succeed(hook.Info{Kind: hooks.RelationJoined, RelationId: 7, RemoteUnit: "other/0"}, "server")
	wantCall(t, calls, "relation-set host=10.0.0.1 port=3306 database=other")
	_, result, _ := u.run(hook.Info{Kind: hooks.UpgradeCharm}, "")
	if !result.Missing {
		t.Errorf("a hook that the charm has not was run: %+v", result)
	}
}

func TestCharmFailing(t *testing.T) {
	u := deploy(t, "failing")
	joined := hook.Info{Kind: hooks.RelationJoined, RelationId: 7, RemoteUnit: "other/0"}
	calls, result, output := u.run(joined, "db", "FAIL=install db-relation-joined")
	if result.ExitCode != 1 {
		t.Errorf("exit code %d", result.ExitCode)
	}
	want(t, "output", output, "stderr: db-relation-joined fails")
	wantCall(t, calls, "open-port 666/tcp")
	wantCall(t, u.succeed(joined, "db", "FAIL="), "status-set active it works")
	wantCall(t, u.succeed(joined, "db", "FAIL=db-relation-changed"), "status-set active it works")
	write(t, u.path("mended"), "", 0o644)
	wantCall(t, u.succeed(joined, "db", "FAIL=db-relation-joined"), "status-set active it works")
}

func TestCharmChurn(t *testing.T) {
	u := deploy(t, "churn")
	calls := u.succeed(hook.Info{Kind: hooks.ConfigChanged}, "", "RELATED=sink ring", "LEADER=True")
	for _, call := range []string{
		"relation-set -r sink:7 value=the value", "relation-set -r sink:7 --app value=the value",
		"relation-set -r ring:7 value=the value", "relation-set -r ring:7 --app value=the value",
	} {
		wantCall(t, calls, call)
	}
	u.succeed(hook.Info{Kind: hooks.RelationJoined, RelationId: 7, RemoteUnit: "other/0"}, "sink")
	u.succeed(hook.Info{Kind: hooks.RelationChanged, RelationId: 7, RemoteUnit: "other/0"}, "sink")
	u.succeed(hook.Info{Kind: hooks.RelationChanged, RelationId: 7, RemoteApplication: "other"}, "sink")
	u.succeed(hook.Info{Kind: hooks.RelationBroken, RelationId: 7}, "sink")
	lines := []string{
		"begin config-changed - -", "end config-changed - -",
		"begin sink-relation-joined sink:7 other/0", "end sink-relation-joined sink:7 other/0",
		"begin sink-relation-changed sink:7 other/0", "end sink-relation-changed sink:7 other/0 seen",
		"begin sink-relation-changed sink:7 other", "end sink-relation-changed sink:7 other seen",
		"begin sink-relation-broken sink:7 -", "end sink-relation-broken sink:7 -",
	}
	want(t, "hooks.log", u.lines("hooks.log"), lines...)

	write(t, u.path("charm/log-dir"), u.home+"\n", 0o644)
	u.succeed(hook.Info{Kind: hooks.Stop}, "")
	want(t, "mysql-0.hooks", u.lines("mysql-0.hooks"), "begin stop - -", "end stop - -")
}

func TestCharmUnified(t *testing.T) {
	u := deploy(t, "unified")
	wantCall(t, u.succeed(hook.Info{Kind: hooks.Start}, ""), "status-set active the greeting")
	wantCall(t, u.succeed(hook.Info{Kind: hooks.Action, ActionId: "1"}, ""), "action-set greeting=the greeting, me")
	if u.charm.Config.Options["nickname"].Type != "string" || u.charm.Meta.Requires["db"].Interface != "mysql" {
		t.Errorf("got %+v", u.charm)
	}
}

// Scripts that are not executable in the repository would not be in anybody's
// clone.
func TestScriptsOfTestdataAreExecutable(t *testing.T) {
	for _, pattern := range []string{"*/dispatch", "*/hooks/*"} {
		scripts, err := filepath.Glob(filepath.Join(charmsDir, pattern))
		if err != nil || len(scripts) == 0 {
			t.Fatal(scripts, err)
		}
		for _, script := range scripts {
			if info, err := os.Stat(script); err != nil || info.Mode()&0o111 != 0o111 {
				t.Errorf("%s: %v, %v", script, info.Mode(), err)
			}
		}
	}
}
