package uniter_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/internal/durable/durabletest"
	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter"
)

// stopAfter has a stop wait so long for a hook.
func stopAfter(timeout time.Duration) func(*uniter.Config) {
	return func(c *uniter.Config) { c.StopTimeout = timeout }
}

// TestStopLetsTheHookEnd has a stop come while a hook runs that ends soon: what it
// wrote is written, and it is not run again.
func TestStopLetsTheHookEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	w.script("start", `status-set active before; echo here >"$world/out"; read line <"$world/in"; is-leader >>"$log"; open-port 80`)
	in, out := w.pipe("in"), w.pipe("out")
	a := w.start("loner/0", stopAfter(watchdog))
	out.line()
	a.Kill()
	in.say("go on")
	w.check(a.wait())
	if lines := w.lines("loner/0"); !slices.Equal(lines[len(lines)-2:], []string{"True", "end start"}) {
		t.Errorf("hooks %q", lines)
	}
	if record := a.record(); !record.Started || record.Pending != nil {
		t.Errorf("record %+v", record)
	}
	if unit, err := w.Unit(w.ctx, "loner/0"); err != nil || len(unit.Ports) != 1 {
		t.Errorf("ports %v, error %v", unit.Ports, err)
	}
	a = w.start("loner/0")
	a.awaitIdle()
	a.awaitCount("start", 1)
}

// TestStopEndsTheHook has a stop come while a hook runs that does not end: it is
// ended with its children, is no failure, and runs again, first thing, at the next
// start. The journal says once that it was interrupted.
func TestStopEndsTheHook(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	w.enter(db, "mysql/0")
	w.script("db-relation-changed", `
		open-port 80
		sleep 1000 &
		exec 3>"$world/alive"
		echo here >"$world/out"
		wait`)
	out, alive := w.pipe("out"), w.pipe("alive")
	a := w.start("wordpress/0", stopAfter(time.Millisecond))
	out.line()
	w.check(a.stop())
	alive.closed()
	if pending := a.record().Pending; pending == nil || pending.Failed || !pending.Interrupted || pending.Hook.Kind != hooks.RelationChanged {
		t.Errorf("pending is %+v", pending)
	}
	if unit, err := w.Unit(w.ctx, "wordpress/0"); err != nil || len(unit.Ports) > 0 {
		t.Errorf("ports %v, error %v", unit.Ports, err)
	}

	w.clearHooks("wordpress/0")
	w.mend("db-relation-changed")
	w.enter(db, "mysql/1")
	w.check(w.SetConfig(w.ctx, "wordpress", map[string]string{"value": "second"}, nil))
	a = w.start("wordpress/0")
	a.awaitIdle()
	w.wantHooks("wordpress/0", `
		db-relation-changed db:1 mysql/0
		config-changed
		db-relation-joined db:1 mysql/1
		db-relation-changed db:1 mysql/1
	`)
	outcomes := a.outcomes()
	interrupted := slices.DeleteFunc(slices.Clone(outcomes), func(s string) bool { return s != "db-relation-changed interrupted" })
	if len(interrupted) != 1 {
		t.Errorf("journal %q", outcomes)
	}
}

// TestPowerCutWhileAHookRuns loses everything that was not synced when the hook
// has begun.
func TestPowerCutWhileAHookRuns(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	w.enter(db, "mysql/0")
	w.script("db-relation-joined", `echo here >"$world/out"; sleep 1000`)
	out := w.pipe("out")
	home := uniter.HomeOf(w.dir, "wordpress/0")
	w.check(os.MkdirAll(home.Dir, 0o755))
	w.check(os.Symlink(toolsDir, home.ToolsDir()))
	disk := durabletest.NewDisk(t, home.Dir)
	a, err := newAgent(w, "wordpress/0", stopAfter(time.Millisecond))
	w.check(err)
	out.line()
	disk.OffAt(0)
	if err := a.stop(); !errors.Is(err, durabletest.ErrOff) {
		t.Errorf("ended with %v", err)
	}
	disk.PowerCycle()
	w.mend("db-relation-joined")
	w.clearHooks("wordpress/0")
	a = w.start("wordpress/0")
	a.awaitIdle()
	w.wantHooks("wordpress/0", "db-relation-joined db:1 mysql/0\ndb-relation-changed db:1 mysql/0\n")
	want(t, "journal", a.outcomes(), "db-relation-joined interrupted", "db-relation-joined done", "db-relation-changed done")
}

// TestStopBeforeAHook has a stop come before anything has begun, and in the middle
// of starting.
func TestStopAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	for range 30 {
		a, err := newAgent(w, "loner/0")
		w.check(err)
		w.check(a.stop())
	}
	a := w.start("loner/0")
	a.awaitIdle()
	once := slices.Compact(w.hooks("loner/0"))
	want(t, "hooks", once, "install", "leader-elected", "config-changed", "start")
}

// TestUnitTakenAway has the model lose the unit.
func TestUnitTakenAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	a, err := newAgent(w, "loner/0")
	w.check(err)
	a.awaitIdle()
	w.check(w.RemoveUnit(w.ctx, "loner/0"))
	// As the agent does after the last hook, but too early.
	w.check(w.RemoveDeadUnit(w.ctx, "loner/0"))
	if err := a.wait(); !model.IsNotFound(err) && !errors.Is(err, uniter.ErrFinished) {
		t.Errorf("ended with %v", err)
	}
}

// TestUnitRemovedBeforeItsInstall needs no hook.
func TestUnitRemovedBeforeItsInstall(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	claim, err := w.ClaimUnit(w.ctx, "wordpress/0", "0")
	w.check(err)
	claim.Kill()
	w.check(claim.Wait())
	w.enter(db, "wordpress/0")
	w.check(w.RemoveUnit(w.ctx, "wordpress/0"))
	a, err := newAgent(w, "wordpress/0")
	w.check(err)
	if err := a.wait(); !errors.Is(err, uniter.ErrFinished) {
		t.Errorf("ended with %v", err)
	}
	if lines := w.lines("wordpress/0"); len(lines) > 0 {
		t.Errorf("hooks %q", lines)
	}
}

// TestUnitRemovedInError waits for the failed hook.
func TestUnitRemovedInError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	w.script("start", "exit 1")
	a, err := newAgent(w, "loner/0", by(newClock()))
	w.check(err)
	a.awaitFailures(1)
	w.check(w.RemoveUnit(w.ctx, "loner/0"))
	w.resolve("loner/0", model.ResolvedRetry)
	a.awaitFailures(2)
	w.awaitAnswered("loner/0")
	w.resolve("loner/0", model.ResolvedSkip)
	if err := a.wait(); !errors.Is(err, uniter.ErrFinished) {
		t.Errorf("ended with %v", err)
	}
	if hooks := strings.Join(w.hooks("loner/0"), " "); hooks != "install leader-elected config-changed start start stop remove" {
		t.Errorf("hooks %s", hooks)
	}
}
