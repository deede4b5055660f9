package uniter_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter/journal"
)

// TestFailingHook follows a hook that fails, is retried after a while that grows,
// and succeeds in the end. Nothing else runs meanwhile, nothing of a failed run is
// written, and what changed meanwhile comes after.
func TestFailingHook(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	w.enter(db, "mysql/0")
	w.script("db-relation-changed", "relation-set tried=yes; open-port 80; exit 3")
	clock := newClock()
	a := w.start("wordpress/0", by(clock), every(1000*time.Hour))
	a.awaitFailures(1)
	w.awaitAgent("wordpress/0", model.StatusError, `hook failed: "db-relation-changed" for mysql/0`)
	unit, err := w.Unit(w.ctx, "wordpress/0")
	w.check(err)
	data := map[string]any{"hook": "db-relation-changed", "relation-id": float64(db), "remote-unit": "mysql/0"}
	if !maps.Equal(unit.Agent.Data, data) {
		t.Errorf("status data %v, want %v", unit.Agent.Data, data)
	}
	w.clearHooks("wordpress/0")

	w.check(w.SetConfig(w.ctx, "wordpress", map[string]string{"value": "second"}, nil))
	w.enter(db, "mysql/1")
	w.set(db, "mysql/0", "host=c")
	longest := 5 * time.Second
	for failures := 2; failures <= 8; failures++ {
		clock.Advance(longest * 8 / 10)
		clock.Advance(longest - longest*8/10)
		a.awaitFailures(failures)
		longest = min(2*longest, 5*time.Minute)
	}
	delays := clock.timers(3*time.Second, 5*time.Minute)
	if len(delays) != 8 {
		t.Errorf("delays %v", delays)
	}
	want := 5 * time.Second
	for _, delay := range delays {
		if delay > want || delay < want*8/10 {
			t.Errorf("delays %v; %v should be at most %v", delays, delay, want)
		}
		want = min(2*want, 5*time.Minute)
	}
	if settings := w.settings(db, "wordpress/0"); settings["tried"] != "" {
		t.Errorf("settings of a failed hook: %v", settings)
	}
	if unit, err := w.Unit(w.ctx, "wordpress/0"); err != nil || len(unit.Ports) > 0 {
		t.Errorf("ports of a failed hook: %v, %v", unit.Ports, err)
	}

	w.script("db-relation-changed", "relation-set tried=yes")
	clock.Advance(5 * time.Minute)
	a.awaitIdle()
	w.awaitAgent("wordpress/0", model.StatusIdle, "")
	w.wantHooks("wordpress/0", strings.Repeat("db-relation-changed db:1 mysql/0\n", 8)+`
		config-changed
		db-relation-joined db:1 mysql/1
		db-relation-changed db:1 mysql/1
		db-relation-changed db:1 mysql/0
	`)
	if settings := w.settings(db, "wordpress/0"); settings["tried"] != "yes" {
		t.Errorf("settings in the end: %v", settings)
	}
	if record := a.record(); record.Pending != nil {
		t.Errorf("pending is %+v", record.Pending)
	}
}

// TestFailureSurvivesRestart has the agent of a unit in error stop and start: the
// hook is not run at once, as one that was interrupted is, but when its retry is
// due.
func TestFailureSurvivesRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	w.script("start", "exit 1")
	clock := newClock()
	a := w.start("loner/0", by(clock))
	a.awaitFailures(1)
	clock.Advance(5 * time.Second)
	a.awaitFailures(2)
	w.check(a.stop())
	clock = newClock()
	a = w.start("loner/0", by(clock))
	a.awaitFailures(2)
	a.await("an agent that waits", func() bool { return len(clock.timers(8*time.Second, 10*time.Second)) == 1 })
	if n := w.count("loner/0", "start"); n != 2 {
		t.Errorf("the hook ran %d times", n)
	}
	clock.Advance(10 * time.Second)
	a.awaitFailures(3)
	want(t, "journal", a.outcomes()[2:], "config-changed done", "start failed", "start failed", "start failed")
}

// TestWaysToFail has hooks that fail other than by an exit code.
func TestWaysToFail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files  map[string]string
		mode   os.FileMode
		reason string
	}{
		"a signal": {
			files:  map[string]string{"hooks/install": "#!/bin/sh\nkill -KILL $$\n"},
			reason: "killed by signal: killed",
		},
		"not executable": {
			files: map[string]string{"hooks/install": "#!/bin/sh\n"}, mode: 0o644,
			reason: `cannot run hook "install": hooks/install is not executable: permission denied: run chmod +x on it in the charm`,
		},
		"no interpreter": {
			files:  map[string]string{"hooks/install": "#!/no/such/shell\n"},
			reason: `cannot run hook "install": hooks/install: the interpreter that its first line names is not there`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.mode != 0 {
				w.write(w.path("charms", "loner", "hooks", "install"), "", test.mode)
			}
			w.deployFiles("loner", loner, 1, test.files)
			a := w.start("loner/0")
			a.awaitFailures(1)
			if got := a.record().Pending.Reason; got != test.reason {
				t.Errorf("reason %q, want %q", got, test.reason)
			}
			entries, err := journal.Read(a.home.JournalFile())
			if err != nil || len(entries) != 1 || entries[0].Outcome != journal.Failed || entries[0].Reason != test.reason || entries[0].ExitCode != nil {
				t.Errorf("journal %+v, error %v", entries, err)
			}
			w.awaitAgent("loner/0", model.StatusError, `hook failed: "install"`)
		})
	}
}

// TestMissingHooks has a charm with one hook: the others count as run.
func TestMissingHooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployFiles("loner", loner, 1, map[string]string{"hooks/start": "#!/bin/sh\nexit 0\n"})
	a := w.start("loner/0")
	a.awaitIdle()
	entries, err := journal.Read(a.home.JournalFile())
	w.check(err)
	var got []string
	for _, entry := range entries {
		code := "none"
		if entry.ExitCode != nil {
			code = fmt.Sprint(*entry.ExitCode)
		}
		got = append(got, fmt.Sprintf("%s %s %q %s", entry.Hook, entry.Outcome, entry.Script, code))
	}
	want(t, "journal", got, `install done "" none`, `leader-elected done "" none`, `config-changed done "" none`, `start done "hooks/start" 0`)
	// It never said how it is.
	w.awaitUnit("loner/0", func(u model.Unit) bool { return u.Workload.Status == model.StatusUnknown && u.Workload.Message == "" })
}

// TestTooLargeFlush has a hook write more than the store takes at once: nothing of
// it is written, and the hook has failed.
func TestTooLargeFlush(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	w.write(w.path("large"), "large: "+strings.Repeat("x", shared.Limits().MaxRequestBytes)+"\n", 0o600)
	w.script("start", `open-port 80; relation-set -r db:1 --file "$world/large"`)
	a := w.start("wordpress/0")
	a.awaitFailures(1)
	reason := a.record().Pending.Reason
	if !strings.HasPrefix(reason, "cannot write what the hook changed: ") || !strings.Contains(reason, "too large: ") {
		t.Errorf("reason %q", reason)
	}
	if settings := w.settings(db, "wordpress/0"); len(settings) > 0 {
		t.Errorf("%d settings", len(settings))
	}
	if unit, err := w.Unit(w.ctx, "wordpress/0"); err != nil || len(unit.Ports) > 0 {
		t.Errorf("ports %v, error %v", unit.Ports, err)
	}
}

// TestLostClaimFencesTheFlush has another agent take the unit over while a hook
// runs: nothing of the hook is written.
func TestLostClaimFencesTheFlush(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	w.script("start", `relation-set -r db:1 by=the-old-one; echo here >"$world/out"; read line <"$world/in"`)
	in, out := w.pipe("in"), w.pipe("out")
	a := w.start("wordpress/0")
	out.line()
	other, err := w.open().ClaimUnit(w.ctx, "wordpress/0", "0")
	w.check(err)
	defer func() { other.Kill(); other.Wait() }()
	in.say("go on")
	a.awaitFailures(1)
	if reason := a.record().Pending.Reason; !strings.Contains(reason, model.ErrFenced.Error()) {
		t.Errorf("reason %q", reason)
	}
	if settings := w.settings(db, "wordpress/0"); len(settings) > 0 {
		t.Errorf("settings %v", settings)
	}
}

// TestJournalThatCannotBeWritten does not keep the unit from its hooks, nor have
// them run twice.
func TestJournalThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	w.write(filepath.Join(w.path("units", "loner-0", "hooks.jsonl"), "in the way"), "", 0o600)
	a := w.start("loner/0")
	a.awaitIdle()
	w.wantHooks("loner/0", "install\nleader-elected\nconfig-changed\nstart\n")
}
