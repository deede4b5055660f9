package runner

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// start starts the process and returns its id, which is its group's too. The
// calling goroutine must stay locked to its thread while the process runs.
func start(path, dir string, env []string, files []uintptr) (pid int, err error) {
	attr := &syscall.ProcAttr{
		Dir:   dir,
		Env:   env,
		Files: files,
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}
	pid, err = forkExec(path, attr)
	switch {
	case err == nil:
		return pid, nil
	case errors.Is(err, syscall.ENOEXEC):
		return 0, fmt.Errorf("%w: begin it with a line such as #!/bin/sh", err)
	case errors.Is(err, syscall.ENOENT):
		if _, statErr := os.Stat(dir); statErr != nil {
			return 0, statErr
		}
		return 0, errors.New("the interpreter that its first line names is not there")
	}
	return 0, err
}

// busyWaits are the pauses before a script that is open for writing is tried
// again. A charm is written by this process; a process that is being forked
// meanwhile has what is being written open until its exec.
var busyWaits = []time.Duration{1, 2, 4, 8, 16, 32, 64, 128}

func forkExec(path string, attr *syscall.ProcAttr) (pid int, err error) {
	argv := []string{path}
	pid, err = syscall.ForkExec(path, argv, attr)
	for _, wait := range busyWaits {
		if err != syscall.ETXTBSY {
			break
		}
		time.Sleep(wait * time.Millisecond)
		pid, err = syscall.ForkExec(path, argv, attr)
	}
	return pid, err
}
