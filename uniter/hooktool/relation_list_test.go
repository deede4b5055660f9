package hooktool_test

import (
	"testing"

	"github.com/unit-agent/unit-agent/model"
)

func TestRelationIds(t *testing.T) {
	withMembers := func(run *hookRun) {
		run.config.Members = membersOf(map[int][]string{4: {"memcached/0"}, 5: {}})
	}
	dying := func(run *hookRun) { setLife(run, 1, model.Dying) }
	dyingPeers := func(run *hookRun) { setLife(run, 2, model.Dying); run.view.members[2] = nil }
	gone := func(run *hookRun) { delete(run.view.members, 5) }
	runRows(t, []row{
		{args: "relation-ids db", stdout: "db:1\ndb:10\ndb:9\n"},
		{args: "relation-ids db --format=smart", stdout: "db:1\ndb:10\ndb:9\n"},
		{args: "relation-ids --format json db", stdout: `["db:1","db:10","db:9"]` + "\n"},
		{args: "relation-ids --format yaml db", stdout: "- db:1\n- db:10\n- db:9\n"},
		{args: "relation-ids cluster", stdout: "cluster:2\n"},
		{args: "relation-ids unknown", stdout: ""},
		{args: "relation-ids --format=json unknown", stdout: "[]\n"},
		{args: "relation-ids --format=yaml unknown", stdout: "[]\n"},
		{args: "relation-ids", in: changed, stdout: "db:1\ndb:10\ndb:9\n"},
		{args: "relation-ids cluster", in: changed, stdout: "cluster:2\n"},
		{args: "relation-ids", usage: "no endpoint name specified"},
		{args: "relation-ids ''", usage: "no endpoint name specified"},
		{args: "relation-ids db more", usage: `unrecognized args: ["more"]`},
		{args: "relation-ids --format=bad db", usage: `invalid value "bad" for option --format: unknown format "bad"`},

		// A relation in which all is over is not named any more.
		{args: "relation-ids cache", stdout: "cache:5\n"},
		{args: "relation-ids cache", with: with(withMembers), stdout: "cache:4\n"},
		{args: "relation-ids cache", with: with(gone), stdout: ""},
		{args: "relation-ids db", in: broken, stdout: "db:1\ndb:10\ndb:9\n"},
		{args: "relation-ids db", in: broken, with: with(dying), stdout: "db:10\ndb:9\n"},
		{args: "relation-ids cluster", with: with(dyingPeers), stdout: "cluster:2\n"},
		{args: "relation-ids cache", with: with(modelFails), failed: "cannot list units of relation cache:4: boom"},
	})
}

func setLife(run *hookRun, id int, life model.Life) {
	relation := run.config.Relations[id]
	relation.Life = life
	run.config.Relations[id] = relation
}

func TestRelationList(t *testing.T) {
	onlyCaches := func(run *hookRun) {
		for id := range run.config.Relations {
			if id != 4 {
				delete(run.config.Relations, id)
			}
		}
	}
	local := func(members ...string) func(*hookRun) {
		return func(run *hookRun) { run.config.Members = membersOf(map[int][]string{1: members}) }
	}
	runRows(t, []row{
		{args: "relation-list", in: changed, stdout: "mysql/0\nmysql/1\nmysql/10\n"},
		{args: "relation-list --format=json", in: changed, stdout: `["mysql/0","mysql/1","mysql/10"]` + "\n"},
		{args: "relation-list --format=yaml", in: changed, stdout: "- mysql/0\n- mysql/1\n- mysql/10\n"},
		{args: "relation-list -r db:1", stdout: "mysql/0\nmysql/1\nmysql/10\n"},
		{args: "relation-list -r cluster:2", stdout: "wordpress/1\nwordpress/2\n"},
		{args: "relation-list -r db:9", stdout: ""},
		{args: "relation-list --format=json -r db:9", stdout: "[]\n"},
		{args: "relation-list", usage: "no relation id specified"},
		{args: "relation-list -r cluster:1", usage: `invalid value "cluster:1" for option -r: relation not found`},
		{args: "relation-list -r 1 more", usage: `unrecognized args: ["more"]`},
		{args: "relation-list -r db:1", with: with(modelFails), failed: "cannot list units of relation db:1: boom"},
		{args: "relation-list -r db:1", with: with(func(run *hookRun) { delete(run.view.members, 1) }), failed: "relation not found"},
		{args: "relation-list -r 1", with: with(onlyCaches), usage: `invalid value "1" for option -r: relation not found`},

		// In each hook of a relation.
		{args: "relation-list", in: departed, stdout: "mysql/1\nmysql/10\n"},
		{args: "relation-list -r cluster:2", in: departed, stdout: "wordpress/1\nwordpress/2\n"},
		{args: "relation-list", in: broken, stdout: ""},
		{args: "relation-list", in: created, stdout: "mysql/0\nmysql/1\nmysql/10\n"},

		// What the unit has met is what it is told of, where that is known.
		{args: "relation-list", in: created, with: with(local()), stdout: ""},
		{args: "relation-list", in: changed, with: with(local()), stdout: "mysql/0\n"},
		{args: "relation-list", in: changed, with: with(local("mysql/5", "mysql/0")), stdout: "mysql/0\nmysql/5\n"},
		{args: "relation-list", in: departed, with: with(local("mysql/5", "mysql/0")), stdout: "mysql/5\n"},
		{args: "relation-list", in: departed, with: with(local("mysql/5")), stdout: "mysql/5\n"},

		{args: "relation-list --app", in: changed, stdout: "mysql\n"},
		{args: "relation-list --app --format=json -r db:9", stdout: "\"mariadb\"\n"},
		{args: "relation-list --app=true", in: peerChanged, stdout: "wordpress\n"},
		{args: "relation-list --app=x", in: peerChanged, usage: `invalid boolean value "x" for option --app: strconv.ParseBool: parsing "x": invalid syntax`},
	})
}
