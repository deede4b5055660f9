package runner_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/runner"
)

// A hook that does nothing, through the runner and beside its floors: the same
// script through a bare fork, exec and wait, and through os/exec without
// output.
func BenchmarkRun(b *testing.B) {
	dir := newCharm(b, map[string]string{"hooks/install": "exit 0\n"})
	script := filepath.Join(dir, "hooks/install")
	env := runner.Environment(config(hook.Info{Kind: hooks.Install}))

	b.Run("hook", func(b *testing.B) {
		inv := invocation(dir)
		inv.Env = env
		inv.Output = func(runner.Stream, []byte) {}
		benchmarkRun(b, inv)
	})
	b.Run("hook-with-onstart", func(b *testing.B) {
		inv := invocation(dir)
		inv.Env = env
		inv.Output = func(runner.Stream, []byte) {}
		inv.OnStart = func(runner.Process) {}
		benchmarkRun(b, inv)
	})
	b.Run("hook-without-output", func(b *testing.B) {
		inv := invocation(dir)
		inv.Env = env
		benchmarkRun(b, inv)
	})
	b.Run("floor-forkexec", func(b *testing.B) {
		b.ReportAllocs()
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for b.Loop() {
			pid, err := syscall.ForkExec(script, []string{script}, &syscall.ProcAttr{
				Dir: dir, Env: env, Files: []uintptr{0, 1, 2},
			})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor-os-exec", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			command := exec.Command(script)
			command.Dir, command.Env = dir, env
			if err := command.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchmarkRun(b *testing.B, inv runner.Invocation) {
	b.ReportAllocs()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	for b.Loop() {
		result, err := runner.Run(ctx, inv)
		if err != nil || result.ExitCode != 0 {
			b.Fatalf("%+v, %v", result, err)
		}
	}
}

func BenchmarkEnvironment(b *testing.B) {
	c := config(hook.Info{Kind: hooks.RelationJoined, RelationId: 7, RemoteUnit: "wordpress/2"})
	b.ReportAllocs()
	for b.Loop() {
		runner.Environment(c)
	}
}
