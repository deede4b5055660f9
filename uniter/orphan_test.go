package uniter_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/store"
)

// agentVariable makes this test's program the agent of a unit: of the store and
// the world that it names, with the tools there.
const agentVariable = "UNITER_TEST_AGENT"

func beAgent() {
	words := strings.Split(os.Getenv(agentVariable), "|")
	ctx := context.Background()
	var err error
	if shared, err = store.Open(ctx, store.Config{Dir: words[0], NoServe: true, Logger: silent}); err != nil {
		panic(err)
	}
	toolsDir = words[1]
	m, err := openModel(ctx, shared.Client(), words[2])
	if err != nil {
		panic(err)
	}
	a, err := newAgent(&world{Model: m, ctx: ctx, dir: words[3]}, words[4])
	if err != nil {
		panic(err)
	}
	panic(a.Wait())
}

// startProcess starts the agent of a unit in a process of its own.
func (w *world) startProcess(unit string) *exec.Cmd {
	w.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%s|%s|%s", agentVariable, sharedDir, toolsDir, w.prefix, w.dir, unit))
	cmd.Stderr = os.Stderr
	w.check(cmd.Start())
	w.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

// TestKilledAgent kills the process of an agent with SIGKILL while a hook runs that
// has started another process. The next agent ends that process before it runs the
// hook again, which it does first thing; and the journal says what happened.
func TestKilledAgent(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	w.enter(db, "mysql/0")
	w.script("db-relation-changed", `
		open-port 80
		(exec 3>"$world/alive"; echo here >"$world/out"; sleep 1000; true) &
		echo $! >"$world/orphan"
		wait`)
	out, alive := w.pipe("out"), w.pipe("alive")
	process := w.startProcess("wordpress/0")
	out.line()
	w.check(process.Process.Kill())
	process.Wait()

	w.script("db-relation-changed", `
		state=$(sed -n 's/^State:[^A-Z]*\(.\).*/\1/p' "/proc/$(cat "$world/orphan")/status" 2>/dev/null)
		echo "orphan ${state:-gone}" >>"$log"`)
	w.clearHooks("wordpress/0")
	w.check(w.SetConfig(w.ctx, "wordpress", map[string]string{"value": "second"}, nil))
	a := w.start("wordpress/0")
	a.awaitIdle()
	alive.closed()
	lines := w.lines("wordpress/0")
	if lines[1] != "orphan gone" && lines[1] != "orphan Z" {
		t.Errorf("the hook ran beside what was left of its first run: %s", lines[1])
	}
	w.wantHooks("wordpress/0", "db-relation-changed db:1 mysql/0\nconfig-changed\n")
	want(t, "journal", a.outcomes()[7:], "db-relation-changed interrupted", "db-relation-changed done", "config-changed done")
	if unit, err := w.Unit(w.ctx, "wordpress/0"); err != nil || len(unit.Ports) > 0 {
		t.Errorf("ports %v, error %v", unit.Ports, err)
	}
}

// TestNoteOfAProcessCutShort has the note of a hook's process be what a crash of
// the machine may leave of it, which names nobody.
func TestNoteOfAProcessCutShort(t *testing.T) {
	t.Parallel()
	for _, note := range []string{"", `{"pid":1`, "\x00\x00\x00\x00"} {
		w := newWorld(t)
		w.deploy("loner", loner, 1)
		w.script("start", `echo here >"$world/out"; sleep 1000`)
		out := w.pipe("out")
		process := w.startProcess("loner/0")
		out.line()
		w.check(process.Process.Kill())
		process.Wait()
		w.mend("start")
		w.write(w.path("units", "loner-0", "process.json"), note, 0o600)
		a := w.start("loner/0")
		a.awaitIdle()
		w.wantHooks("loner/0", "install\nleader-elected\nconfig-changed\nstart\nstart\n")
	}
}
