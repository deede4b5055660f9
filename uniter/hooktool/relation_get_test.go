package hooktool_test

import (
	"testing"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/hook"
)

const mysql0JSON = `{"host":"10.0.0.1","motd":"a \u003cb\u003e \u0026 c\n","port":"3306"}` + "\n"

const mysql0YAML = `host: 10.0.0.1
motd: |
  a <b> & c
port: "3306"
`

func TestRelationGet(t *testing.T) {
	relationGone := func(run *hookRun) { delete(run.view.members, 1); delete(run.view.units, "1 mysql/0") }
	brokenOfMysql := hook.Info{Kind: hooks.RelationBroken, RelationId: 1, RemoteApplication: "mysql"}
	letGo := func(run *hookRun) { delete(run.config.Relations, 1) }
	runRows(t, []row{
		// What to print, in each format.
		{args: "relation-get", in: changed, stdout: mysql0YAML},
		{args: "relation-get -", in: changed, stdout: mysql0YAML},
		{args: "relation-get ''", in: changed, stdout: mysql0YAML},
		{args: "relation-get --format=smart -", in: changed, stdout: mysql0YAML},
		{args: "relation-get --format=yaml -", in: changed, stdout: mysql0YAML},
		{args: "relation-get --format json -", in: changed, stdout: mysql0JSON},
		{args: "relation-get - mysql/1", in: changed, stdout: "{}\n"},
		{args: "relation-get --format=json - mysql/1", in: changed, stdout: "{}\n"},
		{args: "relation-get port", in: changed, stdout: "3306\n"},
		{args: "relation-get port --format=json", in: changed, stdout: "\"3306\"\n"},
		{args: "relation-get port --format=yaml", in: changed, stdout: "\"3306\"\n"},
		{args: "relation-get motd", in: changed, stdout: "a <b> & c\n\n"},
		{args: "relation-get nothing", in: changed, stdout: ""},
		{args: "relation-get --format=yaml nothing", in: changed, stdout: ""},
		{args: "relation-get --format=json nothing", in: changed, stdout: "null\n"},

		// Which unit or application.
		{args: "relation-get host mysql/7", in: changed, stdout: "was-here\n"},
		{args: "relation-get host", in: departed, stdout: "10.0.0.1\n"},
		{args: "relation-get --format=json - wordpress/0", in: changed, stdout: `{"old":"1","private-address":"10.0.0.9"}` + "\n"},
		{args: "relation-get --format=json - wordpress/1", in: changed, stdout: `{"private-address":"10.0.0.8"}` + "\n"},
		{args: "relation-get", in: appChanged, stdout: "version: \"8.0\"\n"},
		{args: "relation-get version", in: created, stdout: "8.0\n"},
		{args: "relation-get version", in: broken, stdout: "8.0\n"},
		{args: "relation-get version", in: brokenOfMysql, with: with(letGo), stdout: "8.0\n"},
		{args: "relation-get -r db:1 version", in: brokenOfMysql, with: with(letGo), stdout: "8.0\n"},
		{args: "relation-get", in: broken, with: with(letGo), usage: "no unit or application specified"},
		{args: "relation-get host mysql/7", in: broken, stdout: "was-here\n"},
		{args: "relation-get --app", in: changed, stdout: "version: \"8.0\"\n"},
		{args: "relation-get --app=true version", in: changed, stdout: "8.0\n"},
		{args: "relation-get --app=False port", in: changed, stdout: "3306\n"},
		{args: "relation-get --app version mysql", in: changed, stdout: "8.0\n"},
		{args: "relation-get --app version mysql/3", in: changed, stdout: "8.0\n"},
		{args: "relation-get --format=json --app -", in: hookIn(9), stdout: "{}\n"},

		// Which relation.
		{args: "relation-get -r 1 port mysql/0", stdout: "3306\n"},
		{args: "relation-get -r db:1 port mysql/0", stdout: "3306\n"},
		{args: "relation-get --relation=db:1 port mysql/0", stdout: "3306\n"},
		{args: "relation-get -rdb:1 port mysql/0", stdout: "3306\n"},
		{args: "relation-get --format=json -r db:1 --app - mysql", stdout: `{"version":"8.0"}` + "\n"},
		{args: "relation-get -r cluster:2 weight wordpress/1", in: changed, stdout: "5\n"},
		{args: "relation-get weight", in: peerChanged, stdout: "5\n"},
		{args: "relation-get port mysql/0", usage: "no relation id specified"},
		{args: "relation-get -r db:1 port", usage: "no unit or application specified"},
		{args: "relation-get -r db:1 --app port", usage: "no unit or application specified"},
		{args: "relation-get -r bad", usage: `invalid value "bad" for option -r: invalid relation id`},
		{args: "relation-get -r db:x", usage: `invalid value "db:x" for option -r: invalid relation id`},
		{args: "relation-get -r -1", usage: `invalid value "-1" for option -r: invalid relation id`},
		{args: "relation-get -r ''", usage: `invalid value "" for option -r: invalid relation id`},
		{args: "relation-get --relation bad", usage: `invalid value "bad" for option --relation: invalid relation id`},
		{args: "relation-get -r 9999", usage: `invalid value "9999" for option -r: relation not found`},
		{args: "relation-get -r db:9999", usage: `invalid value "db:9999" for option -r: relation not found`},
		{args: "relation-get -r cache:1", in: changed, usage: `invalid value "cache:1" for option -r: relation not found`},
		{args: "relation-get -r", usage: "option needs an argument: -r"},

		// Whose settings may be read.
		{args: "relation-get --app - wordpress", in: changed, failed: "permission denied"},
		{args: "relation-get --app - wordpress", in: changed, with: with(asLeader), stdout: "site: blog\n"},
		{args: "relation-get --app - wordpress/0", in: changed, with: with(asLeader), stdout: "site: blog\n"},
		{args: "relation-get --app - wordpress", in: changed, with: with(leaderUnknown), failed: "leadership status unknown: boom"},
		{args: "relation-get --app token wordpress", in: peerChanged, stdout: "t0k3n\n"},
		{args: "relation-get --app token", in: peerChanged, stdout: "t0k3n\n"},

		// Names that are none, and strangers.
		{args: "relation-get - mysql", in: changed, usage: `expected unit name, got application name "mysql"`},
		{args: "relation-get - mysql/x", in: changed, usage: `invalid unit name "mysql/x"`},
		{args: "relation-get - ''", in: changed, usage: `invalid unit name ""`},
		{args: "relation-get --app - 5", in: changed, usage: `invalid application name "5"`},
		{args: "relation-get - mysql/0 more 'and more'", in: changed, usage: `unrecognized args: ["more" "and more"]`},
		{args: "relation-get - mysql/99", in: changed, failed: "unknown unit mysql/99"},
		{args: "relation-get - bad/0", in: changed, failed: "unknown unit bad/0"},
		{args: "relation-get --app - bad", in: changed, failed: "unknown application bad"},
		{args: "relation-get", in: changed, with: with(relationGone), failed: "relation not found"},
		{args: "relation-get", in: changed, with: with(modelFails), failed: "cannot read settings of mysql/0 in relation db:1: boom"},
		{args: "relation-get --app", in: changed, with: with(modelFails), failed: "cannot read settings of mysql in relation db:1: boom"},
	})
}

// TestRelationGetOwnUnseen covers a unit whose own settings are not there, or no more.
func TestRelationGetOwnUnseen(t *testing.T) {
	run := begin(t, broken, func(run *hookRun) { delete(run.view.units, "1 wordpress/0") })
	if got := run.must("relation-get", "--format=json", "-", "wordpress/0"); got != "{}\n" {
		t.Errorf("got %q", got)
	}
}

// TestRelationGetUnmet covers a unit that the model has but whose joined hook has not run: it can be
// asked for by name.
func TestRelationGetUnmet(t *testing.T) {
	run := begin(t, configChanged, func(run *hookRun) { run.config.Members = membersOf(map[int][]string{1: {}}) })
	if got := run.must("relation-get", "-r", "db:1", "host", "mysql/0"); got != "10.0.0.1\n" {
		t.Errorf("got %q", got)
	}
}

// TestSettingsAreNotShared makes sure that nothing a hook does reaches into the view's own maps.
func TestSettingsAreNotShared(t *testing.T) {
	run := begin(t, changed, asLeader)
	run.must("relation-set", "old=2", "new=3")
	run.must("relation-set", "--app", "site=shop")
	run.must("relation-get", "-", "wordpress/0")
	run.must("relation-get", "--app", "-", "wordpress")
	if s := run.view.units["1 wordpress/0"]; s["old"] != "1" || len(s) != 2 {
		t.Errorf("the view's own settings are now %v", s)
	}
	if s := run.view.apps["1 wordpress"]; s["site"] != "blog" || len(s) != 1 {
		t.Errorf("the view's own application settings are now %v", s)
	}
}
