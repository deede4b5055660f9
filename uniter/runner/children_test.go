package runner_test

import (
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/unit-agent/unit-agent/uniter/runner"
)

func TestChildrenDieWithTheHook(t *testing.T) {
	dir := newCharm(t, map[string]string{"dispatch": `
		(echo born >&3; exec sleep 1000 >/dev/null 2>&1) 3>alive &
		sleep 1000 >/dev/null 2>&1 3>alive &
		exit 0
	`})
	alive := newFIFO(t, dir, "alive")
	result, _ := run(t, invocation(dir))
	if result.ExitCode != 0 || result.Signal != 0 || result.Interrupted {
		t.Errorf("the children's end counts as the hook's: %+v", result)
	}
	alive.waitClosed()
}

// What a child that the hook left behind still has to say, it may say for a
// moment: as the tee in "exec > >(tee log)".
func TestChildThatStillWrites(t *testing.T) {
	dir := newCharm(t, map[string]string{"dispatch": `
		mkfifo pipe
		sed s/^/child:/ <pipe &
		exec >pipe
		echo hello
	`})
	inv := runner.WithPipeWait(invocation(dir), watchdog)
	if _, stdout := run(t, inv); !slices.Equal(stdout, []string{"child:hello"}) {
		t.Errorf("got %q", stdout)
	}
}

// A daemon leaves the group. If it keeps the hook's output open, that holds
// nobody up and nothing of it is handed on later.
func TestDaemonStays(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	dir := newCharm(t, map[string]string{"dispatch": `
		setsid sh -c '
			echo $$ >pid; echo ready >ready
			read go <go
			trap "" PIPE
			echo too late 2>/dev/null
			echo done >ready
			exec sleep 1000
		' 3>alive &
		read line <ready
		echo hook
	`})
	ready, goOn, alive := newFIFO(t, dir, "ready"), newFIFO(t, dir, "go"), newFIFO(t, dir, "alive")
	var tr transcript
	inv := invocation(dir)
	inv.Output = tr.output
	result, err := runner.Run(t.Context(), inv)
	if err != nil || result.ExitCode != 0 {
		t.Fatalf("got %+v, %v", result, err)
	}
	tr.over = true
	if got := tr.of(runner.Stdout); !slices.Equal(got, []string{"hook"}) {
		t.Errorf("got %q", got)
	}
	if _, err := goOn.end.WriteString("go\n"); err != nil {
		t.Fatal(err)
	}
	if line := ready.waitLine(); line != "done" {
		t.Errorf("the daemon says %q", line)
	}
	if len(tr.late) > 0 {
		t.Errorf("output after the end: %q", tr.late)
	}
	goleak.VerifyNone(t, ignore)
	killFromFile(t, dir+"/pid")
	alive.waitClosed()
}

// A child in the group that holds the output open is waited for, shortly, and
// then killed.
func TestChildThatHoldsTheOutput(t *testing.T) {
	dir := newCharm(t, map[string]string{"dispatch": "sleep 1000 3>alive & echo hook"})
	alive := newFIFO(t, dir, "alive")
	if _, stdout := run(t, invocation(dir)); !slices.Equal(stdout, []string{"hook"}) {
		t.Errorf("got %q", stdout)
	}
	alive.waitClosed()
}

// Many runs at a time must not inherit each other's pipes: one that did would
// be held up by the other's hook, which here waits for all the others.
func TestManyAtATime(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	dir := newCharm(t, map[string]string{
		"hooks/slow": "echo ready >&3; read line <go; echo slow",
		"hooks/fast": "echo fast; echo fast >&2",
	})
	goOn := newFIFO(t, dir, "go")
	slow := invocation(dir)
	slow.Hook = "slow"
	write(t, dir+"/hooks/slow", "#!/bin/sh\necho started >ready\nread line <go\n", 0o755)
	ready := newFIFO(t, dir, "ready")
	done := inBackground(t.Context(), t, slow)
	ready.waitLine()

	var runs []<-chan runner.Result
	var transcripts [16]transcript
	for i := range transcripts {
		fast := invocation(dir)
		fast.Hook, fast.Output = "fast", transcripts[i].output
		runs = append(runs, inBackground(t.Context(), t, fast))
	}
	for i, fast := range runs {
		if result := await(t, fast); result.ExitCode != 0 {
			t.Errorf("run %d: %+v", i, result)
		}
		slices.Sort(transcripts[i].lines)
		if got := strings.Join(transcripts[i].lines, ", "); got != "stderr: fast, stdout: fast" {
			t.Errorf("run %d: got %q", i, got)
		}
	}
	if _, err := goOn.end.WriteString("go\n"); err != nil {
		t.Fatal(err)
	}
	await(t, done)
	goleak.VerifyNone(t, ignore)
}
