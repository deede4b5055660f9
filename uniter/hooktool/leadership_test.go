package hooktool_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/unit-agent/unit-agent/model"
)

func TestLeaderGet(t *testing.T) {
	shared := with(func(run *hookRun) { run.view.leaderSettings = settings{"primary": "wordpress/1", "site": "blog"} })
	runRows(t, []row{
		{args: "leader-get", with: shared, stdout: "primary: wordpress/1\nsite: blog\n"},
		{args: "leader-get -", with: shared, stdout: "primary: wordpress/1\nsite: blog\n"},
		{args: "leader-get --format=json", with: shared, stdout: `{"primary":"wordpress/1","site":"blog"}` + "\n"},
		{args: "leader-get --format=json", stdout: "{}\n"},
		{args: "leader-get site", with: shared, stdout: "blog\n"},
		{args: "leader-get site --format=json", with: shared, stdout: `"blog"` + "\n"},
		{args: "leader-get none", with: shared},
		{args: "leader-get none --format=json", with: shared, stdout: "null\n"},
		{args: "leader-get site more", usage: `unrecognized args: ["more"]`},
		{args: "leader-get", with: with(modelFails), failed: "cannot read leadership settings: boom"},
	})
}

func TestLeaderSet(t *testing.T) {
	fenced := func(run *hookRun) { run.model.err = fmt.Errorf("wordpress: %w", model.ErrFenced) }
	runRows(t, []row{
		{args: "leader-set a=1", failed: "cannot write leadership settings: this unit is not the leader"},
		{args: "leader-set a=1", with: with(leaderUnknown), failed: "cannot write leadership settings: leadership status unknown: boom"},
		{args: "leader-set a=1", with: with(asLeader, fenced), failed: "cannot write leadership settings: this unit is not the leader"},
		{args: "leader-set a=1", with: with(asLeader, modelFails), failed: "cannot write leadership settings: boom"},
		{args: "leader-set a", usage: `expected "key=value", got "a"`},
		{args: "leader-set a=1 a=2", usage: `key "a" specified more than once`},
		{args: "leader-set a=1 b=", with: with(asLeader)},
	})
}

// TestLeaderSetActsAtOnceAndIsRead makes sure that the write is not buffered, has the leadership's fence, and is
// seen by the hook that made it.
func TestLeaderSetActsAtOnceAndIsRead(t *testing.T) {
	run := begin(t, configChanged, asLeader)
	run.view.leaderSettings = settings{"old": "1", "kept": "2"}
	run.must("leader-set", "old=", "new=3")
	if want := []string{`wordpress: leader settings map["new":"3" "old":""]`}; !slices.Equal(run.model.writes, want) {
		t.Errorf("written %q, want %q", run.model.writes, want)
	}
	if len(run.model.fence) != 1 {
		t.Errorf("fence %v, want that of the leadership", run.model.fence)
	}
	if got, want := run.must("leader-get", "--format=json"), `{"kept":"2","new":"3"}`+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
