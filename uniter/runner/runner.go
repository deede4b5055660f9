package runner

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"
)

// ErrCharmMissing says that the charm directory holds no charm.
var ErrCharmMissing = errors.New("charm missing from disk")

// Stream names one of a process's two outputs.
type Stream int

const (
	Stdout Stream = iota + 1
	Stderr
)

func (s Stream) String() string {
	if s == Stdout {
		return "stdout"
	}
	return "stderr"
}

// Invocation says what to run and how.
type Invocation struct {
	// CharmDir is the charm's directory.
	CharmDir string

	// Dir is the working directory; empty means CharmDir.
	Dir string

	// Hook is the name of the hook, as in "db-relation-joined". It is ignored
	// if ActionName is set.
	Hook string

	// ActionName is the name of the action to run instead of a hook.
	ActionName string

	// Env is the whole environment; nothing is added to it.
	Env []string

	// Output is called with each line, without its newline. A line longer than
	// maxLine comes in pieces. The bytes are those of the process, valid text
	// or not, and must not be kept after Output has returned. Calls come one at
	// a time, none after Run has returned. While a call blocks, no more is
	// read. Nil drops all output.
	Output func(stream Stream, line []byte)

	// OnStart is called, if it is not nil, once the process runs, before any
	// output is read. The process is not held up by it.
	OnStart func(Process)

	// StopTimeout is how long the hook may go on once the context is done. It
	// must not be negative.
	StopTimeout time.Duration

	// pipeWait overrides the constant for a test that must not depend on a fast
	// machine.
	pipeWait time.Duration
}

// Result says how a run ended.
type Result struct {
	// Script is what ran, relative to the charm directory: "dispatch",
	// "hooks/install". It is empty if Missing.
	Script string

	// Missing is true if the charm has no script for this; nothing ran.
	Missing bool

	// ExitCode is the exit code, -1 if a signal ended the process.
	ExitCode int

	// Signal is the signal that ended the process, 0 if it exited.
	Signal syscall.Signal

	// Start is when the process was started, and Duration how long it ran.
	Start    time.Time
	Duration time.Duration

	// Interrupted is true if the process was told to end before it had, because
	// the context was done. Whatever the exit code says, it may not have
	// finished what it had to do.
	Interrupted bool
}

// Run runs the hook or action and returns when it is over and everything that
// it started in its process group is gone.
//
// When ctx is done, the hook may end by itself for StopTimeout; then its
// process group gets SIGTERM and, if it is still there after a short grace,
// SIGKILL. That is a result, not an error.
//
// An error means that nothing was run: [ErrCharmMissing] if there is no charm,
// the context's error if it was done already, or another one if the script
// cannot be executed.
func Run(ctx context.Context, inv Invocation) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	result, err := run(ctx, inv)
	if err != nil {
		return Result{}, fmt.Errorf("cannot run %s: %w", inv.noun(), err)
	}
	return result, nil
}

func (inv Invocation) noun() string {
	if inv.ActionName != "" {
		return fmt.Sprintf("action %q", inv.ActionName)
	}
	return fmt.Sprintf("hook %q", inv.Hook)
}

func run(ctx context.Context, inv Invocation) (Result, error) {
	if inv.StopTimeout < 0 {
		return Result{}, fmt.Errorf("negative stop timeout %v", inv.StopTimeout)
	}
	charmDir, err := filepath.Abs(inv.CharmDir)
	if err != nil {
		return Result{}, err
	}
	dir := inv.Dir
	if dir == "" {
		dir = charmDir
	}
	script, err := findScript(charmDir, inv.DispatchPath())
	if err != nil {
		return Result{}, err
	}
	if script == "" {
		return Result{Missing: true}, nil
	}
	result := Result{Script: script, Start: time.Now()}
	status, err := runProcess(ctx, inv, filepath.Join(charmDir, script), dir, &result)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", script, err)
	}
	result.ExitCode = status.ExitStatus()
	if status.Signaled() {
		result.Signal = status.Signal()
	}
	return result, nil
}
