package operation_test

import (
	"testing"
	"time"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/operation"
)

var began = time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC)

// Hooks of each sort.
var (
	install = hook.Info{Kind: hooks.Install}
	joined  = hook.Info{Kind: hooks.RelationJoined, RelationId: 3, RemoteUnit: "mysql/0", ChangeVersion: 7}
)

func pending(info hook.Info, change ...func(*operation.Pending)) *operation.Pending {
	p := &operation.Pending{Hook: info, Began: began}
	for _, change := range change {
		change(p)
	}
	return p
}

func failed(times int) func(*operation.Pending) {
	return func(p *operation.Pending) { p.Failed, p.Failures, p.Reason = true, times, "exit status 1" }
}

func interrupted(p *operation.Pending) { p.Interrupted = true }

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name  string
		state operation.State
		err   string
	}{
		{name: "a unit that never ran a hook"},
		{name: "a unit in mid-life", state: operation.State{Installed: true, Started: true, Leader: true, ConfigHash: "c", CharmDigest: "d"}},
		{name: "a unit that never started and was stopped", state: operation.State{Installed: true, Stopped: true}},
		{name: "a unit that ran all", state: operation.State{Installed: true, Started: true, Stopped: true, Removed: true}},
		{name: "a hook that runs", state: operation.State{Pending: pending(install)}},
		{name: "a hook that failed", state: operation.State{Pending: pending(install, failed(1))}},
		{name: "a hook that failed and runs again", state: operation.State{Pending: pending(install, func(p *operation.Pending) { p.Failures = 2 })}},
		{name: "a hook that was interrupted", state: operation.State{Pending: pending(install, interrupted)}},

		{name: "started first", state: operation.State{Started: true}, err: "started before it was installed"},
		{name: "stopped first", state: operation.State{Stopped: true}, err: "stopped before it was installed"},
		{name: "removed first", state: operation.State{Installed: true, Removed: true}, err: "removed before it was stopped"},
		{name: "no hook", state: operation.State{Pending: pending(hook.Info{})},
			err: `pending hook: invalid "" hook: unknown kind`},
		{name: "a hook of nobody", state: operation.State{Pending: pending(hook.Info{Kind: hooks.RelationJoined})},
			err: `pending hook: invalid "relation-joined" hook: no remote unit`},
		{name: "failed without a failure", state: operation.State{Pending: pending(install, failed(0))},
			err: "pending hook: failed with a count of 0 failures"},
		{name: "negative failures", state: operation.State{Pending: pending(install, func(p *operation.Pending) { p.Failures = -1 })},
			err: "pending hook: failed with a count of -1 failures"},
		{name: "failed and interrupted", state: operation.State{Pending: pending(install, failed(1), interrupted)},
			err: "pending hook: both failed and interrupted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := test.state.Validate(); err != nil {
				got = err.Error()
			}
			if got != test.err {
				t.Errorf("got %q, want %q", got, test.err)
			}
		})
	}
}

// TestCommitMovesTheLifeOn has for each hook what its commit changes, beside that
// nothing is pending any more.
func TestCommitMovesTheLifeOn(t *testing.T) {
	moved := map[hooks.Kind]func(*operation.State){
		hooks.Install:       func(s *operation.State) { s.Installed = true },
		hooks.Start:         func(s *operation.State) { s.Started = true },
		hooks.Stop:          func(s *operation.State) { s.Stopped = true },
		hooks.Remove:        func(s *operation.State) { s.Removed = true },
		hooks.LeaderElected: func(s *operation.State) { s.Leader = true },
		hooks.ConfigChanged: func(s *operation.State) { s.ConfigHash = "seen" },
		hooks.LeaderDeposed: func(s *operation.State) { s.Leader, s.LeaderSettingsTold = false, false },
		hooks.LeaderSettingsChanged: func(s *operation.State) {
			s.LeaderSettings, s.LeaderSettingsTold = 7, true
		},
	}
	kinds := append(hooks.UnitHooks(), hooks.RelationHooks()...)
	if len(kinds) < 15 {
		t.Fatalf("only %d kinds", len(kinds))
	}
	for _, kind := range kinds {
		want := operation.State{ConfigHash: "before", CharmDigest: "d"}
		before := want.Begin(operation.Pending{Hook: hook.Info{Kind: kind}, ConfigHash: "seen", LeaderSettings: 7})
		if change := moved[kind]; change != nil {
			change(&want)
		}
		if got := before.Commit(); got != want {
			t.Errorf("%s: got %+v, want %+v", kind, got, want)
		}
		if before.Pending == nil {
			t.Errorf("%s: the state before the commit was changed", kind)
		}
	}
}

// TestRunsOfOneHook follows a hook that is interrupted and fails before it succeeds.
func TestRunsOfOneHook(t *testing.T) {
	run := operation.Pending{Hook: install, Began: began}
	state := operation.State{}.Begin(run)
	if p := state.Pending; p == nil || *p != run {
		t.Fatalf("begun: %+v", p)
	}
	stopped := state.Interrupt()
	if p := *stopped.Pending; !p.Interrupted || p.Failed || p.Failures != 0 {
		t.Errorf("interrupted: %+v", p)
	}
	if state.Pending.Interrupted {
		t.Error("the state before was changed")
	}
	state = stopped
	for count := 1; count <= 3; count++ {
		state = state.Begin(run)
		if p := *state.Pending; p.Interrupted || p.Failed || p.Failures != count-1 || p.Reason != "" {
			t.Errorf("run %d: %+v", count, p)
		}
		before := state
		state = state.Fail("exit status 1")
		if p := *state.Pending; !p.Failed || p.Failures != count || p.Reason != "exit status 1" {
			t.Errorf("failed for the %d. time: %+v", count, p)
		}
		if before.Pending.Failed {
			t.Error("the state before was changed")
		}
		if err := state.Validate(); err != nil {
			t.Error(err)
		}
	}
	if got, want := state.Commit(), (operation.State{Installed: true}); got != want {
		t.Errorf("skipped: got %+v, want %+v", got, want)
	}
}
