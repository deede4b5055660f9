package runner

import (
	"cmp"
	"context"
	"errors"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pipeWait is how long output is still read after the hook's process has
	// exited: a child that it left behind may hold the other ends of its pipes
	// for ever.
	pipeWait = 100 * time.Millisecond

	// termGrace is how long a process group has between being asked to end and
	// being made to.
	termGrace = 2 * time.Second
)

// runProcess starts the process and sees it through. It fills in the result's
// Duration and Interrupted.
func runProcess(ctx context.Context, inv Invocation, path, dir string, result *Result) (syscall.WaitStatus, error) {
	stdio, err := newStdio(inv.Output)
	if err != nil {
		return 0, err
	}
	defer stdio.close()

	// The kernel takes the death of the thread that started a process for the
	// death of its parent. While this goroutine is locked to the thread, the
	// thread lives.
	runtime.LockOSThread()
	pid, err := start(path, dir, inv.Env, stdio.files())
	if err != nil {
		runtime.UnlockOSThread()
		return 0, err
	}
	if inv.OnStart != nil {
		inv.OnStart(identify(pid, inv.Env))
	}
	stdio.read()
	exited := make(chan struct{})
	stopped := make(chan bool, 1)
	unwatch := context.AfterFunc(ctx, func() { stopped <- stopGroup(pid, inv.StopTimeout, exited) })

	// Until it is reaped the process keeps its id, and with it the group's,
	// from being given to another. So the group may be signalled until then.
	waitErr := waitExit(pid)
	runtime.UnlockOSThread()
	result.Duration = time.Since(result.Start)
	close(exited)
	if !unwatch() {
		result.Interrupted = <-stopped
	}
	stdio.finish(cmp.Or(inv.pipeWait, pipeWait))
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	status, err := reap(pid)
	return status, errors.Join(waitErr, err)
}

// stopGroup ends the group of the process pid after timeout, unless exited is
// closed before, and reports whether it had to.
func stopGroup(pid int, timeout time.Duration, exited <-chan struct{}) bool {
	if closedWithin(exited, timeout) {
		return false
	}
	_ = syscall.Kill(-pid, syscall.SIGTERM)
	if !closedWithin(exited, termGrace) {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
	return true
}

func closedWithin(c <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-timer.C:
	}
	select {
	case <-c: // both at once: what happened counts, not what was picked
		return true
	default:
		return false
	}
}

// waitExit returns when the process has exited, and does not reap it.
func waitExit(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return os.NewSyscallError("waitid", err)
		}
	}
}

// reap takes the exit status of a process.
func reap(pid int) (syscall.WaitStatus, error) {
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if err != syscall.EINTR {
			return status, os.NewSyscallError("wait4", err)
		}
	}
}
