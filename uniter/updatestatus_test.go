package uniter_test

import (
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/model"
)

// TestUpdateStatus has time pass for a unit that has nothing else to do.
func TestUpdateStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	clock := newClock()
	a := w.start("loner/0", by(clock), every(10*time.Minute))
	a.awaitIdle()
	for n := 1; n <= 3; n++ {
		clock.Advance(8*time.Minute - 1)
		// Something else runs, so it is not only late.
		w.check(w.SetConfig(w.ctx, "loner", map[string]string{"value": time.Duration(n).String()}, nil))
		a.awaitCount("config-changed", n+1)
		if got := w.count("loner/0", "update-status"); got != n-1 {
			t.Fatalf("update-status ran %d times, want %d", got, n-1)
		}
		clock.Advance(4*time.Minute + 1)
		a.awaitCount("update-status", n)
	}
}

// TestUpdateStatusComesLast has it come due while a hook runs and others wait.
func TestUpdateStatusComesLast(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	w.script("start", `echo here >"$world/out"; read line <"$world/in"`)
	in, out := w.pipe("in"), w.pipe("out")
	clock := newClock()
	a := w.start("wordpress/0", by(clock), every(10*time.Minute))
	out.line()
	clock.Advance(12 * time.Minute)
	w.enter(db, "mysql/0")
	w.enter(db, "mysql/1")
	w.awaitSeen(db, "mysql/1")
	in.say("go on")
	a.awaitIdle()
	clock.Advance(time.Second)
	a.awaitCount("update-status", 1)
	hooks := w.hooks("wordpress/0")
	want(t, "hooks", hooks[5:], "start", "db-relation-joined db:1 mysql/0", "db-relation-changed db:1 mysql/0",
		"db-relation-joined db:1 mysql/1", "db-relation-changed db:1 mysql/1", "update-status")
}

// TestSkippedUpdateStatus counts as run: the next one is not due at once.
func TestSkippedUpdateStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	w.script("update-status", "exit 1")
	clock := newClock()
	a := w.start("loner/0", by(clock), every(10*time.Minute))
	a.awaitIdle()
	clock.Advance(12 * time.Minute)
	a.awaitFailures(1)
	w.resolve("loner/0", model.ResolvedSkip)
	a.awaitIdle()
	clock.Advance(7 * time.Minute)
	w.check(w.SetConfig(w.ctx, "loner", map[string]string{"value": "second"}, nil))
	a.awaitCount("config-changed", 2)
	a.awaitCount("update-status", 1)
	clock.Advance(5 * time.Minute)
	a.awaitFailures(1)
	a.await("the next one", func() bool { return w.count("loner/0", "update-status") == 2 })
}

// TestConfigChangedOnChangeOnly changes the configuration, and writes it again as
// it is.
func TestConfigChangedOnChangeOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	w.script("config-changed", `echo "value $(config-get value)" >>"$log"`)
	a := w.start("loner/0")
	a.awaitIdle()
	set := func(value string) {
		t.Helper()
		w.check(w.SetConfig(w.ctx, "loner", map[string]string{"value": value}, nil))
		a.awaitIdle()
	}
	set("first") // The default.
	set("second")
	set("second")
	w.check(a.stop())
	a = w.start("loner/0")
	a.awaitIdle()
	w.check(w.SetConfig(w.ctx, "loner", nil, []string{"value"}))
	a.awaitIdle()
	var values []string
	for _, line := range w.lines("loner/0") {
		if line[:2] == "va" {
			values = append(values, line)
		}
	}
	want(t, "values", values, "value first", "value second", "value first")
	a.awaitCount("config-changed", 3)
}
