package hooktool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/unit-agent/unit-agent/uniter/hooktool/client"
)

// errEnded refuses a call that came before its hook's end and whose turn comes after it.
var errEnded = errors.New("bad request: the hook has ended")

// activation is the time in which tools may call for a hook.
type activation struct {
	hook   *Context
	ctx    context.Context // done once the hook has ended
	cancel context.CancelFunc

	turn  sync.Mutex // held by the call that is running
	ended bool       // guarded by turn
}

// end refuses further calls and returns when none is running.
func (a *activation) end() {
	a.cancel()
	a.turn.Lock()
	defer a.turn.Unlock()
	a.ended = true
}

// answer runs one call. It reads the arguments and has input fetched before it takes its turn, so
// that a caller which is slow to give its standard input keeps no other waiting.
func (a *activation) answer(call client.Call, fetch func(string) ([]byte, error), logger *slog.Logger) (reply client.Answer) {
	// A tool that panics is a bug. It fails its hook, which is put on record; it
	// need not take every unit's agent down with it.
	defer func() {
		if cause := recover(); cause != nil {
			logger.Error("hook tool panicked", "tool", call.Tool, "panic", cause, "stack", string(debug.Stack()))
			reply = refusal(client.ExitFailed, nil, fmt.Errorf("internal error in %s: %v", call.Tool, cause))
		}
	}()
	t, ok := findTool(call.Tool)
	if !ok {
		return refusal(client.ExitFailed, nil, fmt.Errorf("bad request: unknown command %q", call.Tool))
	}
	res := &result{}
	cmd, err := t.parse(a.hook, call.Args)
	if err == nil {
		err = takeInputs(cmd, fetch)
	}
	if err == nil {
		err = a.run(cmd, res)
	}
	return answer(t, res, err)
}

func takeInputs(cmd command, fetch func(string) ([]byte, error)) error {
	reader, ok := cmd.(inputReader)
	if !ok {
		return nil
	}
	for _, name := range reader.inputs() {
		content, err := fetch(name)
		if err != nil {
			return err
		}
		if err := reader.take(name, content); err != nil {
			return err
		}
	}
	return nil
}

// run gives the command its turn.
func (a *activation) run(cmd command, res *result) error {
	a.turn.Lock()
	defer a.turn.Unlock()
	if a.ended {
		return errEnded
	}
	return cmd.run(a.ctx, res)
}
