package statedir_test

import (
	"testing"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/statedir"
	"github.com/unit-agent/unit-agent/uniter/hook"
)

func created() hook.Info { return hook.Info{Kind: hooks.RelationCreated, RelationId: 7} }

func joined(unit string, version int64) hook.Info {
	return hook.Info{Kind: hooks.RelationJoined, RelationId: 7, RemoteUnit: unit, ChangeVersion: version}
}

func changed(unit string, version int64) hook.Info {
	return hook.Info{Kind: hooks.RelationChanged, RelationId: 7, RemoteUnit: unit, ChangeVersion: version}
}

func appChanged(app string, version int64) hook.Info {
	return hook.Info{Kind: hooks.RelationChanged, RelationId: 7, RemoteApplication: app, ChangeVersion: version}
}

func departed(unit string) hook.Info {
	return hook.Info{Kind: hooks.RelationDeparted, RelationId: 7, RemoteUnit: unit}
}

func broken() hook.Info { return hook.Info{Kind: hooks.RelationBroken, RelationId: 7} }

type members = map[string]int64

func TestValidate(t *testing.T) {
	empty := statedir.State{RelationId: 7}
	two := statedir.State{RelationId: 7, Members: members{"foo/1": 3, "foo/2": 4}}
	pending := statedir.State{RelationId: 7, Members: members{"foo/1": 3, "foo/2": 4}, ChangedPending: "foo/1"}

	other := joined("foo/1", 0)
	other.RelationId = 8
	withApp := joined("foo/3", 0)
	withApp.RemoteApplication = "foo"

	for _, test := range []struct {
		about string
		state statedir.State
		info  hook.Info
		want  string // the error, none if empty
	}{
		{"created", empty, created(), ""},
		{"created again", empty, created(), ""},
		{"created with members", two, created(),
			`inappropriate "relation-created" for "": cannot run "relation-created" after units have joined`},

		{"joined", empty, joined("foo/1", 0), ""},
		{"joined by another", two, joined("foo/3", 0), ""},
		{"joined, its application named", two, withApp, ""},
		{"joined again", two, joined("foo/1", 9),
			`inappropriate "relation-joined" for "foo/1": unit already joined`},

		{"changed", two, changed("foo/1", 4), ""},
		{"changed to what it was", two, changed("foo/1", 3), ""},
		{"changed to a lower version", two, changed("foo/1", 0), ""},
		{"changed by a stranger", two, changed("foo/3", 1),
			`inappropriate "relation-changed" for "foo/3": unit has not joined`},
		{"changed with no members", empty, changed("foo/3", 1),
			`inappropriate "relation-changed" for "foo/3": unit has not joined`},

		{"application changed", two, appChanged("foo", 1), ""},
		{"application changed before its units joined", empty, appChanged("foo", 1), ""},

		{"departed", two, departed("foo/2"), ""},
		{"departed by a stranger", two, departed("foo/3"),
			`inappropriate "relation-departed" for "foo/3": unit has not joined`},

		{"pending changed", pending, changed("foo/1", 3), ""},
		{"pending changed with a newer version", pending, changed("foo/1", 5), ""},
		{"changed of another while pending", pending, changed("foo/2", 5),
			`inappropriate "relation-changed" for "foo/2": expected "relation-changed" for "foo/1"`},
		{"application changed while pending", pending, appChanged("foo", 5),
			`inappropriate "relation-changed" for "foo": expected "relation-changed" for "foo/1"`},
		{"joined while pending", pending, joined("foo/3", 5),
			`inappropriate "relation-joined" for "foo/3": expected "relation-changed" for "foo/1"`},
		{"joined again while pending", pending, joined("foo/1", 5),
			`inappropriate "relation-joined" for "foo/1": expected "relation-changed" for "foo/1"`},
		{"departed while pending", pending, departed("foo/1"),
			`inappropriate "relation-departed" for "foo/1": expected "relation-changed" for "foo/1"`},
		{"another departed while pending", pending, departed("foo/2"),
			`inappropriate "relation-departed" for "foo/2": expected "relation-changed" for "foo/1"`},

		{"broken", empty, broken(), ""},
		{"broken with members", two, broken(),
			`inappropriate "relation-broken" for "": cannot run "relation-broken" while units still present`},
		{"broken while pending", pending, broken(),
			`inappropriate "relation-broken" for "": cannot run "relation-broken" while units still present`},

		{"another relation", empty, other,
			`inappropriate "relation-joined" for "foo/1": expected relation 7, got relation 8`},
		{"not a relation hook", empty, hook.Info{Kind: hooks.Install},
			`inappropriate "install" for "": not a relation hook`},
		{"malformed", empty, joined("a/../../evil", 0),
			`inappropriate "relation-joined" for "a/../../evil": ` +
				`invalid "relation-joined" hook: remote unit "a/../../evil" is not a unit name`},
		{"of nobody", empty, joined("", 0),
			`inappropriate "relation-joined" for "": invalid "relation-joined" hook: no remote unit`},
	} {
		err := test.state.Validate(test.info)
		if test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", test.about, err, test.want)
		}
	}
}

func TestReflects(t *testing.T) {
	state := statedir.State{
		RelationId:         7,
		Members:            members{"foo/1": 3, "foo/2": 0},
		ApplicationMembers: members{"foo": 0, "bar": 6},
		ChangedPending:     "foo/2",
	}
	for _, test := range []struct {
		about string
		info  hook.Info
		want  bool
	}{
		{"joined", joined("foo/1", 3), true},
		{"joined and pending", joined("foo/2", 0), true},
		{"joined with another version", joined("foo/1", 4), false},
		{"not joined", joined("foo/3", 0), false},
		{"changed", changed("foo/1", 3), true},
		{"changed to another version", changed("foo/1", 2), false},
		{"changed still pending", changed("foo/2", 0), false},
		{"changed by a stranger", changed("foo/3", 0), false},
		{"application changed", appChanged("bar", 6), true},
		{"application changed to version 0", appChanged("foo", 0), true},
		{"application changed to another version", appChanged("bar", 7), false},
		{"unknown application changed to version 0", appChanged("baz", 0), false},
		{"departed", departed("foo/3"), true},
		{"not departed", departed("foo/1"), false},
		{"created cannot be told", created(), false},
		{"not broken", broken(), false},
		{"no relation hook", hook.Info{Kind: hooks.Start}, false},
	} {
		if got := state.Reflects(test.info); got != test.want {
			t.Errorf("%s: got %v", test.about, got)
		}
	}
}

// What Write writes, State reflects, until the next hook of the kind.
func TestReflectsFollowsWrite(t *testing.T) {
	dir := t.TempDir()
	d := mustRead(t, dir)
	for _, info := range []hook.Info{
		created(), appChanged("foo", 0), joined("foo/1", 5), changed("foo/1", 5), changed("foo/1", 6),
		joined("foo/2", 0), changed("foo/2", 0), appChanged("foo", 4), departed("foo/1"), departed("foo/2"), broken(),
	} {
		for _, step := range []struct {
			about string
			want  bool
		}{{"before", false}, {"after", true}} {
			if step.want {
				if err := d.Write(info); err != nil {
					t.Fatal(err)
				}
			}
			for name, d := range map[string]*statedir.StateDir{"in memory": d, "on disk": mustRead(t, dir)} {
				got, err := d.Reflects(info)
				if err != nil || got != step.want {
					t.Errorf("%s %q of %q version %d, %s: %v, %v", step.about, info.Kind, info.RemoteUnit,
						info.ChangeVersion, name, got, err)
				}
			}
			if err := d.Validate(info); !step.want && err != nil {
				t.Errorf("%s: %v", step.about, err)
			}
		}
	}
	if !d.State().Reflects(broken()) {
		t.Error("the state does not know that it is broken")
	}
}

func mustRead(t testing.TB, dir string) *statedir.StateDir {
	t.Helper()
	d, err := statedir.ReadStateDir(dir, 7)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestStateIsACopy(t *testing.T) {
	d := mustRead(t, t.TempDir())
	if err := d.Write(joined("foo/1", 5)); err != nil {
		t.Fatal(err)
	}
	before := d.State()
	before.Members["evil/0"] = 1
	before.ApplicationMembers["evil"] = 1
	if err := d.Write(changed("foo/1", 6)); err != nil {
		t.Fatal(err)
	}
	if got := before.Members["foo/1"]; got != 5 || before.ChangedPending != "foo/1" {
		t.Errorf("a state that was given away follows the writes: %+v", before)
	}
	if got, want := describe(d), " foo/1=6"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
