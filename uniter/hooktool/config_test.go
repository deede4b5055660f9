package hooktool_test

import "testing"

func TestConfigGet(t *testing.T) {
	const all = `{"debug":true,"empty":"","off":false,"port":8080,"ratio":0.5,"title":"My Blog"}` + "\n"
	none := func(run *hookRun) { run.config.Config, run.config.ConfigAll = nil, nil }
	runRows(t, []row{
		{args: "config-get", stdout: "debug: true\nempty: \"\"\n\"off\": false\nport: 8080\nratio: 0.5\ntitle: My Blog\n"},
		{args: "config-get --format=yaml", stdout: "debug: true\nempty: \"\"\n\"off\": false\nport: 8080\nratio: 0.5\ntitle: My Blog\n"},
		{args: "config-get --format=json", stdout: all},
		{args: "config-get --format=json ''", stdout: all},
		{args: "config-get --all --format=json", stdout: `{"title":"My Blog","unset":null}` + "\n"},
		{args: "config-get -a --format=json", stdout: `{"title":"My Blog","unset":null}` + "\n"},
		{args: "config-get -a", stdout: "title: My Blog\nunset: null\n"},
		{args: "config-get --format=json", with: with(none), stdout: "{}\n"},
		{args: "config-get -a --format=json", with: with(none), stdout: "{}\n"},

		{args: "config-get title", stdout: "My Blog\n"},
		{args: "config-get --format=yaml title", stdout: "My Blog\n"},
		{args: "config-get --format=json title", stdout: "\"My Blog\"\n"},
		{args: "config-get port", stdout: "8080\n"},
		{args: "config-get --format=yaml port", stdout: "8080\n"},
		{args: "config-get --format=json port", stdout: "8080\n"},
		{args: "config-get ratio", stdout: "0.5\n"},
		{args: "config-get --format=json ratio", stdout: "0.5\n"},
		{args: "config-get debug", stdout: "True\n"},
		{args: "config-get off", stdout: "False\n"},
		{args: "config-get --format=yaml debug", stdout: "true\n"},
		{args: "config-get --format=json off", stdout: "false\n"},
		{args: "config-get empty", stdout: ""},
		{args: "config-get --format=yaml empty", stdout: "\"\"\n"},
		{args: "config-get --format=json empty", stdout: "\"\"\n"},
		{args: "config-get unset", stdout: ""},
		{args: "config-get --format=yaml unset", stdout: ""},
		{args: "config-get --format=json unset", stdout: "null\n"},
		{args: "config-get --format=json no-such-option", stdout: "null\n"},

		{args: "config-get --all title", usage: `cannot use argument --all together with key "title"`},
		{args: "config-get title port", usage: `unrecognized args: ["port"]`},
		{args: "config-get --format=bad", usage: `invalid value "bad" for option --format: unknown format "bad"`},
		{args: "config-get --x", usage: "option provided but not defined: --x"},
		{args: "config-get -x", usage: "option provided but not defined: -x"},
	})
}

func TestIsLeader(t *testing.T) {
	runRows(t, []row{
		{args: "is-leader", stdout: "False\n"},
		{args: "is-leader", with: with(asLeader), stdout: "True\n"},
		{args: "is-leader --format=json", stdout: "false\n"},
		{args: "is-leader --format=json", with: with(asLeader), stdout: "true\n"},
		{args: "is-leader --format=yaml", with: with(asLeader), stdout: "true\n"},
		{args: "is-leader", with: with(leaderUnknown), failed: "leadership status unknown: boom"},
		{args: "is-leader more", usage: `unrecognized args: ["more"]`},
	})
}

// TestIsLeaderIsLive makes sure that a change of leadership within a hook is seen.
func TestIsLeaderIsLive(t *testing.T) {
	run := begin(t, configChanged)
	for _, leader := range []bool{true, false, true} {
		run.leadership.leader = leader
		want := map[bool]string{true: "true\n", false: "false\n"}[leader]
		if got := run.must("is-leader", "--format=json"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
