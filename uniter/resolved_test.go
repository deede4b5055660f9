package uniter_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/internal/durable/durabletest"
	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter"
)

// resolve says what to do about the unit's failed hook, once the model knows of it.
func (w *world) resolve(unit string, mode model.Resolved) {
	w.t.Helper()
	w.awaitUnit(unit, func(u model.Unit) bool { return u.Agent.Status == model.StatusError })
	w.check(w.Resolve(w.ctx, unit, mode))
}

// awaitAnswered waits until the unit's agent has taken the mark away.
func (w *world) awaitAnswered(unit string) {
	w.t.Helper()
	w.awaitUnit(unit, func(u model.Unit) bool { return u.Resolved == model.ResolvedNone })
}

// TestResolvedRetry has an operator who has mended a charm not wait for the retry.
func TestResolvedRetry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	w.script("install", "exit 1")
	a := w.start("loner/0", by(newClock()))
	a.awaitFailures(1)

	// Asked twice in a row, it is retried twice.
	w.resolve("loner/0", model.ResolvedRetry)
	a.awaitFailures(2)
	w.awaitAnswered("loner/0")
	w.resolve("loner/0", model.ResolvedRetry)
	a.awaitFailures(3)
	w.awaitAnswered("loner/0")

	w.mend("install")
	w.resolve("loner/0", model.ResolvedRetry)
	a.awaitIdle()
	w.awaitAgent("loner/0", model.StatusIdle, "")
	w.awaitAnswered("loner/0")
	w.wantHooks("loner/0", "install\ninstall\ninstall\ninstall\nleader-elected\nconfig-changed\nstart\n")
}

// TestResolvedSkip has an operator give up one hook after the other: each counts
// as run, and nothing that it wanted to write is written.
func TestResolvedSkip(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	w.enter(db, "mysql/0")
	for _, hook := range []string{"install", "config-changed", "db-relation-joined"} {
		w.script(hook, "relation-set -r db:1 by="+hook+"; exit 1")
	}
	a := w.start("wordpress/0", by(newClock()))
	for range 3 {
		a.awaitFailures(1)
		hook := a.record().Pending.Hook
		w.resolve("wordpress/0", model.ResolvedSkip)
		a.await("the next hook", func() bool {
			pending := a.record().Pending
			return pending == nil && a.idle() || pending != nil && pending.Failed && pending.Hook != hook
		})
		w.awaitAnswered("wordpress/0")
	}
	a.awaitIdle()
	want(t, "journal", a.outcomes(),
		"install failed", "install skipped", "ring-relation-created done", "db-relation-created done", "leader-elected done",
		"config-changed failed", "config-changed skipped", "start done",
		"db-relation-joined failed", "db-relation-joined skipped", "db-relation-changed done")
	if settings := w.settings(db, "wordpress/0"); len(settings) > 0 {
		t.Errorf("settings %v", settings)
	}
	w.check(w.SetConfig(w.ctx, "wordpress", map[string]string{"value": "second"}, nil))
	a.awaitFailures(1)
}

// TestSkipCutShort has the agent die, or the machine lose power, at each step of a
// skip and of the hook that follows. The failed hook then either waits still, and
// the mark has it skipped at the next start, or it is skipped; the relation goes on
// as if it had run.
func TestSkipCutShort(t *testing.T) {
	t.Parallel()
	for name, crash := range map[string]func(*durabletest.Disk){
		"kill": (*durabletest.Disk).Restart, "power cut": (*durabletest.Disk).PowerCycle,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			noted := 0
			for n := 0; ; n++ {
				step, outcomes := cutSkipShort(t, n, crash)
				if step == "" {
					// One step is that between the record and the journal; and a power
					// cut takes the journal with it, which is not synced.
					if n < 14 || name == "kill" && noted < n-1 {
						t.Errorf("%d steps, and the journal has the skip after %d of them", n, noted)
					}
					return
				}
				skipped := slices.DeleteFunc(outcomes, func(s string) bool { return s != "db-relation-joined skipped" })
				noted += len(skipped)
				if len(skipped) > 1 {
					t.Errorf("crash at step %d, %s: the journal has it skipped %d times", n, step, len(skipped))
				}
			}
		})
	}
}

// cutSkipShort returns the step that was cut, or nothing if there are not so many,
// and what the journal says in the end.
func cutSkipShort(t *testing.T, n int, crash func(*durabletest.Disk)) (step string, outcomes []string) {
	w, db := newPair(t)
	w.enter(db, "mysql/0")
	w.script("db-relation-joined", "exit 1")
	home := uniter.HomeOf(w.dir, "wordpress/0")
	w.check(os.MkdirAll(home.Dir, 0o755))
	w.check(os.Symlink(toolsDir, home.ToolsDir()))
	disk := durabletest.NewDisk(t, home.Dir)
	a, err := newAgent(w, "wordpress/0", by(newClock()))
	w.check(err)
	a.awaitFailures(1)
	done := len(disk.Labels())
	disk.OffAt(n)
	w.resolve("wordpress/0", model.ResolvedSkip)
	for ended := false; !ended; {
		select {
		case <-a.Dead():
			ended = true
		case <-a.waiting:
			ended = a.idle()
		case <-time.After(watchdog):
			t.Fatal("nothing comes of the skip")
		}
	}
	a.stop()
	if !disk.Tripped() {
		return "", nil
	}
	step = disk.Labels()[done+n]
	crash(disk)
	a = w.start("wordpress/0", by(newClock()))
	a.awaitIdle()
	if hooks := w.hooks("wordpress/0"); w.count("wordpress/0", "db-relation-joined db:1 mysql/0") != 1 ||
		hooks[len(hooks)-1] != "db-relation-changed db:1 mysql/0" {
		t.Errorf("crash at step %d, %s: hooks %q", n, step, hooks)
	}
	w.check(a.stop())
	return step, a.outcomes()
}

// TestMarkThatComesTooLate has an operator say skip of a hook that has succeeded by
// then: the mark is taken away, and is not for the next hook that fails.
func TestMarkThatComesTooLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	a := w.start("loner/0", by(newClock()))
	a.awaitIdle()
	w.awaitAgent("loner/0", model.StatusIdle, "")
	w.check(w.SetAgentStatus(w.ctx, "loner/0", model.StatusInfo{Status: model.StatusError}))
	w.check(w.Resolve(w.ctx, "loner/0", model.ResolvedSkip))
	w.check(a.stop())

	w.script("config-changed", "exit 1")
	w.check(w.SetConfig(w.ctx, "loner", map[string]string{"value": "second"}, nil))
	a = w.start("loner/0", by(newClock()))
	a.awaitFailures(1)
	w.awaitAnswered("loner/0")
	if pending := a.record().Pending; pending == nil || !pending.Failed {
		t.Errorf("pending is %+v, journal %q", pending, a.outcomes())
	}
	want(t, "journal", a.outcomes()[4:], "config-changed failed")
}
