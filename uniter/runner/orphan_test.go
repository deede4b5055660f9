package runner_test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/unit-agent/unit-agent/uniter/runner"
)

// agentVariable makes this test's program an agent that runs one hook of the
// charm that it names.
const agentVariable = "RUNNER_TEST_AGENT_CHARM"

func TestMain(m *testing.M) {
	if charm := os.Getenv(agentVariable); charm != "" {
		beAgent(charm)
		return
	}
	os.Exit(m.Run())
}

func beAgent(charmDir string) {
	inv := invocation(charmDir)
	inv.Env = append(inv.Env, "JUJU_CONTEXT_ID=a/0-install-0123456789abcdef")
	inv.OnStart = func(p runner.Process) {
		if err := json.NewEncoder(os.Stdout).Encode(p); err != nil {
			panic(err)
		}
	}
	result, err := runner.Run(context.Background(), inv)
	panic([]any{result, err})
}

// agent is a process that runs a hook.
type agent struct {
	t       *testing.T
	command *exec.Cmd
	hook    runner.Process
}

func startAgent(t *testing.T, charmDir string) *agent {
	t.Helper()
	a := &agent{t: t, command: exec.Command(os.Args[0])}
	a.command.Env = append(os.Environ(), agentVariable+"="+charmDir)
	stdout, err := a.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.command.Process.Kill(); _ = a.command.Wait() })
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &a.hook); err != nil {
		t.Fatal(err)
	}
	return a
}

// kill ends the agent as nothing can prevent, and as it can do nothing more
// about.
func (a *agent) kill() {
	a.t.Helper()
	if err := a.command.Process.Signal(syscall.SIGKILL); err != nil {
		a.t.Fatal(err)
	}
	_ = a.command.Wait()
}

func TestHookDiesWithItsAgent(t *testing.T) {
	dir := newCharm(t, map[string]string{"dispatch": "exec 3>alive; echo started >ready; exec sleep 1000"})
	ready, alive := newFIFO(t, dir, "ready"), newFIFO(t, dir, "alive")
	agent := startAgent(t, dir)
	ready.waitLine()
	agent.kill()
	alive.waitClosed()
	if err := runner.EndOrphan(agent.hook); err != nil {
		t.Errorf("ending what is gone: %v", err)
	}
}

// The kernel ends the hook's process only. Its children are ended at the next
// start of the agent, which knows them by their group and context.
func TestEndOrphanEndsTheChildrenOfADeadHook(t *testing.T) {
	adoptOrphans(t)
	dir := newCharm(t, map[string]string{"dispatch": `
		(exec 3>alive; echo child >ready; sleep 1000; true) &
		exec 4>leader
		echo started >ready
		wait
	`})
	ready, leader, alive := newFIFO(t, dir, "ready"), newFIFO(t, dir, "leader"), newFIFO(t, dir, "alive")
	agent := startAgent(t, dir)
	ready.waitLine()
	ready.waitLine()
	agent.kill()
	leader.waitClosed()
	reap(t, agent.hook.PID)

	other := agent.hook
	other.ContextID = "a/0-install-fedcba9876543210"
	unknown := agent.hook
	unknown.ContextID = ""
	for _, p := range []runner.Process{other, unknown} {
		if err := runner.EndOrphan(p); err != nil {
			t.Errorf("a group that is not the hook's: %v", err)
		}
		if living(t, agent.hook.PID) == 0 {
			t.Fatalf("%+v: another hook's children were ended", p)
		}
	}

	if err := runner.EndOrphan(agent.hook); err != nil {
		t.Fatal(err)
	}
	if n := living(t, agent.hook.PID); n != 0 {
		t.Errorf("%d processes of the group are still there", n)
	}
	alive.waitClosed()
	if err := runner.EndOrphan(agent.hook); err != nil {
		t.Errorf("ending it once more: %v", err)
	}
}

func TestEndOrphanEndsALivingHook(t *testing.T) {
	dir := newCharm(t, map[string]string{"dispatch": "exec 3>alive; sleep 1000 & echo started >ready; wait"})
	ready, alive := newFIFO(t, dir, "ready"), newFIFO(t, dir, "alive")
	started := make(chan runner.Process, 1)
	inv := invocation(dir)
	inv.OnStart = func(p runner.Process) { started <- p }
	done := inBackground(t.Context(), t, inv)
	ready.waitLine()
	if err := runner.EndOrphan(<-started); err != nil {
		t.Fatal(err)
	}
	if result := await(t, done); result.Signal != syscall.SIGKILL {
		t.Errorf("got %+v", result)
	}
	alive.waitClosed()
}

func TestEndOrphanLeavesStrangersAlone(t *testing.T) {
	dir := newCharm(t, map[string]string{"dispatch": "echo started >ready; read line <go; exit 6"})
	ready, goOn := newFIFO(t, dir, "ready"), newFIFO(t, dir, "go")
	started := make(chan runner.Process, 1)
	inv := invocation(dir)
	inv.OnStart = func(p runner.Process) { started <- p }
	done := inBackground(t.Context(), t, inv)
	ready.waitLine()
	hook := <-started
	if hook.PID <= 1 || hook.StartTime == 0 || hook.BootID == "" {
		t.Fatalf("the process is not known: %+v", hook)
	}
	for about, change := range map[string]func(p *runner.Process){
		"another start time":   func(p *runner.Process) { p.StartTime++ },
		"another boot":         func(p *runner.Process) { p.BootID = "0d9ab0a3-4b0c-4f5e-8a0e-0f2a3d0c9a11" },
		"no start time":        func(p *runner.Process) { p.StartTime = 0 },
		"our own group":        func(p *runner.Process) { p.PID = syscall.Getpgrp() },
		"nobody":               func(p *runner.Process) { *p = runner.Process{} },
		"an id that is nobody": func(p *runner.Process) { p.PID = 1 << 30 },
	} {
		p := hook
		change(&p)
		if err := runner.EndOrphan(p); err != nil {
			t.Errorf("%s: %v", about, err)
		}
	}
	// To the kernel these mean every process there is, and the caller's own
	// group.
	for _, pid := range []int{1, 0, -1, -hook.PID} {
		p := hook
		p.PID = pid
		err := runner.EndOrphan(p)
		if err == nil || !strings.Contains(err.Error(), "is not its id") {
			t.Errorf("process id %d: got error %v", pid, err)
		}
	}
	if _, err := goOn.end.WriteString("go\n"); err != nil {
		t.Fatal(err)
	}
	if result := await(t, done); result.ExitCode != 6 {
		t.Errorf("the hook was harmed: %+v", result)
	}
}

// adoptOrphans makes the orphans of our descendants our children, so that it is
// known when they are gone.
func adoptOrphans(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
}

func reap(t *testing.T, pid int) {
	t.Helper()
	if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
		t.Fatal(err)
	}
}

// living counts the processes in a group that have not exited, and buries those
// of our children that have.
func living(t *testing.T, group int) int {
	t.Helper()
	for {
		if pid, _ := syscall.Wait4(-group, nil, syscall.WNOHANG, nil); pid <= 0 {
			break
		}
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		state, of, _, err := runner.ParseStat(data)
		if err == nil && of == group && state != 'Z' && state != 'X' {
			n++
		}
	}
	return n
}

func FuzzParseStat(f *testing.F) {
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add([]byte("7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 99 0 0"))
	f.Add([]byte("7 (sh) S 1 7"))
	f.Add([]byte(")"))
	f.Fuzz(func(t *testing.T, data []byte) {
		state, group, start, err := runner.ParseStat(data)
		if err != nil && (state != 0 || group != 0 || start != 0) {
			t.Errorf("values beside the error %v", err)
		}
	})
}

func TestParseStat(t *testing.T) {
	state, group, start, err := runner.ParseStat([]byte("7 (a) S 9) R 1 8 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 99 0 0\n"))
	if err != nil || state != 'R' || group != 8 || start != 99 {
		t.Errorf("got %c, %d, %d, %v", state, group, start, err)
	}
}
