package uniter_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/model"
)

// TestBusyStatus has a hook that takes long be told of, and hooks that do not take
// long cost no write.
func TestBusyStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	clock := newClock()
	a := w.start("loner/0", by(clock))
	a.awaitIdle()
	w.awaitAgent("loner/0", model.StatusIdle, "")
	key := fmt.Sprintf("%s/%s/units/loner/0/agent", w.prefix, w.UUID())
	found, err := w.Client().Get(w.ctx, key)
	if err != nil || len(found.Kvs) != 1 || found.Kvs[0].Version != 1 {
		t.Errorf("the status was written %v, error %v", found.Kvs, err)
	}

	w.script("config-changed", `echo here >"$world/out"; read line <"$world/in"`)
	in, out := w.pipe("in"), w.pipe("out")
	w.check(w.SetConfig(w.ctx, "loner", map[string]string{"value": "second"}, nil))
	out.line()
	// Those of update-status and of the status itself.
	w.check(clock.WaitAdvance(100*time.Millisecond, watchdog, 2))
	w.awaitAgent("loner/0", model.StatusExecuting, "running config-changed hook")
	in.say("go on")
	a.awaitIdle()
	w.awaitAgent("loner/0", model.StatusIdle, "")
}

// TestWorkloadStatus is what the agent says for a charm that says nothing, and not
// for one that does.
func TestWorkloadStatus(t *testing.T) {
	t.Parallel()
	for _, charm := range []string{"silent", "speaking"} {
		w := newWorld(t)
		w.deploy("loner", loner, 1)
		w.script("install", `echo here >"$world/out"; read line <"$world/in"`)
		w.script("stop", `echo here >"$world/out"; read line <"$world/in"`)
		if charm == "speaking" {
			w.script("config-changed", "status-set active ready")
		}
		in, out := w.pipe("in"), w.pipe("out")
		a, err := newAgent(w, "loner/0")
		w.check(err)
		workload := func() string {
			t.Helper()
			unit, err := w.Unit(w.ctx, "loner/0")
			w.check(err)
			return unit.Workload.Status + " " + unit.Workload.Message
		}
		out.line()
		if got := workload(); got != "maintenance installing charm software" {
			t.Errorf("%s: install: %s", charm, got)
		}
		in.say("go on")
		a.awaitIdle()
		if got := workload(); got != map[string]string{"silent": "unknown ", "speaking": "active ready"}[charm] {
			t.Errorf("%s: idle: %s", charm, got)
		}
		w.check(w.RemoveUnit(w.ctx, "loner/0"))
		out.line()
		if got := workload(); got != "maintenance stopping charm software" {
			t.Errorf("%s: stop: %s", charm, got)
		}
		in.say("go on")
		a.wait()
	}
}
