package uniter_test

import (
	"slices"
	"testing"
	"time"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter"
)

// as has the agent follow the given tracker.
func as(t *tracker) func(*uniter.Config) {
	return func(c *uniter.Config) { c.Leadership, c.LeadershipChecker = t, t }
}

// count returns how often a hook began.
func (w *world) count(unit, hook string) (n int) {
	w.t.Helper()
	for _, begun := range w.hooks(unit) {
		if begun == hook {
			n++
		}
	}
	return n
}

// awaitCount waits until a hook has begun so often and the unit is idle.
func (a *agent) awaitCount(hook string, n int) {
	a.w.t.Helper()
	a.await(hook, func() bool { return a.w.count(a.unit, hook) >= n && a.idle() })
	if got := a.w.count(a.unit, hook); got != n {
		a.w.t.Errorf("%s ran %d times, want %d: %q", hook, got, n, a.w.hooks(a.unit))
	}
}

// TestLeadershipComesAndGoes follows a unit that begins without leadership.
func TestLeadershipComesAndGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	lead := newTracker("loner/0", false)
	a := w.start("loner/0", as(lead))
	a.awaitIdle()
	if n := w.count("loner/0", "leader-elected"); n != 0 {
		t.Fatalf("leader-elected ran %d times", n)
	}
	lead.lead(true)
	a.awaitCount("leader-elected", 1)
	if !a.record().Leader {
		t.Error("that it leads is not recorded")
	}

	// An agent that starts again while the unit leads does not tell it again.
	w.check(a.stop())
	a = w.start("loner/0", as(lead))
	a.awaitCount("leader-elected", 1)

	lead.lead(false)
	a.await("the end of leadership", func() bool { return !a.record().Leader && a.idle() })
	lead.lead(true)
	a.awaitCount("leader-elected", 2)
}

// TestLeadershipLostBeforeTheHook has leadership end between the decision to run
// leader-elected and the hook.
func TestLeadershipLostBeforeTheHook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	lead := newTracker("loner/0", false)
	a := w.start("loner/0", as(lead))
	a.awaitIdle()
	speak := lead.hush()
	lead.lead(true)
	select {
	case <-lead.asked:
	case <-time.After(watchdog):
		t.Fatal("the unit did not ask again whether it leads")
	}
	lead.lead(false)
	speak()
	a.awaitCount("leader-elected", 0)
}

// TestLeadershipLostWhileTheHookIsPending has leadership end while leader-elected
// waits to run again, because it failed or was interrupted. The hook is dropped;
// nothing waits for it any more.
func TestLeadershipLostWhileTheHookIsPending(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"failed":      "exit 1",
		"interrupted": `echo here >"$world/out"; sleep 1000`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.deploy("loner", loner, 1)
			w.script("leader-elected", script)
			out := w.pipe("out")
			lead := newTracker("loner/0", true)
			a := w.start("loner/0", as(lead), func(c *uniter.Config) { c.StopTimeout = time.Millisecond })
			if name == "failed" {
				a.awaitFailures(1)
				w.awaitAgent("loner/0", model.StatusError, `hook failed: "leader-elected"`)
				lead.lead(false)
			} else {
				out.line()
				w.check(a.stop())
				if pending := a.record().Pending; pending == nil || !pending.Interrupted || pending.Hook.Kind != hooks.LeaderElected {
					t.Fatalf("pending is %+v", pending)
				}
				lead.lead(false)
				a = w.start("loner/0", as(lead))
			}
			a.awaitIdle()
			w.awaitAgent("loner/0", model.StatusIdle, "")
			if hooks := w.hooks("loner/0"); w.count("loner/0", "leader-elected") != 1 || !slices.Contains(hooks, "start") {
				t.Errorf("hooks %q", hooks)
			}
		})
	}
}

// TestStopWhileLeadershipIsUnknown has the store keep a claim waiting.
func TestStopWhileLeadershipIsUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	lead := newTracker("loner/0", true)
	speak := lead.hush()
	defer speak()
	a := w.start("loner/0", as(lead))
	<-lead.asked
	w.check(a.stop())
	want(t, "hooks", w.hooks("loner/0"))
}

// TestHookEndsWhileLeadershipIsUnknown has a hook end that left a tool behind which
// the store keeps waiting.
func TestHookEndsWhileLeadershipIsUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	w.script("start", `
		echo here >"$world/out"; read line <"$world/in"
		is-leader >/dev/null 2>&1 &
		read line <"$world/in"`)
	in, out := w.pipe("in"), w.pipe("out")
	lead := newTracker("loner/0", true)
	a := w.start("loner/0", as(lead))
	out.line()
	speak := lead.hush()
	defer speak()
	in.say("ask")
	select {
	case <-lead.asked:
	case <-time.After(watchdog):
		t.Fatal("is-leader did not ask")
	}
	in.say("go on")
	a.awaitIdle()
}

// TestToolsKnowTheLeader has hooks ask, and write as the leader.
func TestToolsKnowTheLeader(t *testing.T) {
	t.Parallel()
	for _, leads := range []bool{true, false} {
		w, db := newPair(t)
		w.script("start", `
			echo "leads: $(is-leader), token: ${UNIT_AGENT_LEADER_TOKEN-none}" >>"$log"
			relation-set -r db:1 --app name=blog || echo refused >>"$log"`)
		a := w.start("wordpress/0", as(newTracker("wordpress/0", leads)))
		a.awaitIdle()
		lines := w.lines("wordpress/0")
		begin := slices.Index(lines, "begin start")
		settings, err := w.View("").ApplicationSettings(w.ctx, db, "wordpress")
		if leads {
			want(t, "leader", lines[begin+1:], "leads: True, token: 7", "end start")
			if err != nil || settings["name"] != "blog" {
				t.Errorf("settings %v, %v", settings, err)
			}
		} else {
			want(t, "other", lines[begin+1:], "leads: False, token: none", "refused", "end start")
			if len(settings) > 0 {
				t.Errorf("settings %v, %v", settings, err)
			}
		}
	}
}
