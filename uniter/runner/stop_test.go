package runner_test

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unit-agent/unit-agent/uniter/runner"
)

func TestStopLetsTheHookEnd(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	dir := newCharm(t, map[string]string{"dispatch": `
		echo started >ready
		read line <go
		exit 4
	`})
	ready, goOn := newFIFO(t, dir, "ready"), newFIFO(t, dir, "go")
	ctx, cancel := context.WithCancel(t.Context())
	done := inBackground(ctx, t, invocation(dir))
	ready.waitLine()
	cancel()
	if _, err := goOn.end.WriteString("go\n"); err != nil {
		t.Fatal(err)
	}
	if result := await(t, done); result.ExitCode != 4 || result.Interrupted {
		t.Errorf("got %+v, want the hook's own end", result)
	}
	goleak.VerifyNone(t, ignore)
}

func TestStopEndsTheWholeGroup(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	dir := newCharm(t, map[string]string{"dispatch": `
		exec 3>alive
		sleep 1000 &
		(sleep 1000; true) &
		echo started >ready
		wait
	`})
	ready, alive := newFIFO(t, dir, "ready"), newFIFO(t, dir, "alive")
	inv := invocation(dir)
	inv.StopTimeout = 0
	ctx, cancel := context.WithCancel(t.Context())
	done := inBackground(ctx, t, inv)
	ready.waitLine()
	cancel()
	if result := await(t, done); result.Signal != syscall.SIGTERM || result.ExitCode != -1 || !result.Interrupted {
		t.Errorf("got %+v", result)
	}
	alive.waitClosed()
	goleak.VerifyNone(t, ignore)
}

func TestStopOfAHookThatTidiesUp(t *testing.T) {
	dir := newCharm(t, map[string]string{"dispatch": `
		trap 'echo tidied up; exit 0' TERM
		echo started >ready
		while true; do sleep 1000 & wait; done
	`})
	ready := newFIFO(t, dir, "ready")
	var tr transcript
	inv := invocation(dir)
	inv.StopTimeout, inv.Output = time.Millisecond, tr.output
	ctx, cancel := context.WithCancel(t.Context())
	done := inBackground(ctx, t, inv)
	ready.waitLine()
	cancel()
	// Exit 0 is what it says, but nobody knows what it left undone.
	if result := await(t, done); result.ExitCode != 0 || !result.Interrupted {
		t.Errorf("got %+v", result)
	}
	if got := tr.of(runner.Stdout); !slices.Equal(got, []string{"tidied up"}) {
		t.Errorf("got output %q", got)
	}
}

func TestStopOfAHookThatWillNot(t *testing.T) {
	dir := newCharm(t, map[string]string{"dispatch": `
		trap '' TERM
		exec 3>alive
		echo started >ready
		while true; do sleep 1000; done
	`})
	ready, alive := newFIFO(t, dir, "ready"), newFIFO(t, dir, "alive")
	inv := invocation(dir)
	inv.StopTimeout = 0
	ctx, cancel := context.WithCancel(t.Context())
	done := inBackground(ctx, t, inv)
	ready.waitLine()
	cancel()
	if result := await(t, done); result.Signal != syscall.SIGKILL || !result.Interrupted {
		t.Errorf("got %+v", result)
	}
	alive.waitClosed()
}

// The kernel takes the end of the thread that forked for the end of the parent.
// Here the run's goroutine gives its thread away while other goroutines take
// theirs with them as they end.
func TestThreadsThatEnd(t *testing.T) {
	dir := newCharm(t, map[string]string{"dispatch": "read line <go; exit 5"})
	goOn := newFIFO(t, dir, "go")
	inv := invocation(dir)
	inv.OnStart = func(runner.Process) {
		for range 20 {
			var ended sync.WaitGroup
			for range 8 {
				ended.Go(func() { runtime.LockOSThread() }) // and never unlocked
			}
			ended.Wait()
		}
		goOn.end.WriteString("go\n")
	}
	if result, err := runner.Run(t.Context(), inv); err != nil || result.ExitCode != 5 {
		t.Errorf("got %+v, %v", result, err)
	}
}

func killFromFile(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || pid <= 1 {
		t.Fatalf("bad process id %q", data)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
