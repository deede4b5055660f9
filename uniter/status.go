package uniter

import (
	"context"
	"fmt"
	"time"

	"github.com/juju/clock"

	"github.com/unit-agent/unit-agent/model"
)

// busyDelay is how long a unit is busy before the model is told: most hooks are
// over sooner, and a write for each would cost more than the hook.
const busyDelay = 100 * time.Millisecond

// statusWriter tells the model what the agent does, the newest word only, beside
// the hooks and not on their path.
type statusWriter struct {
	unit   string
	model  *model.Model
	clock  clock.Clock
	newest chan model.StatusInfo
}

func newStatusWriter(config Config) *statusWriter {
	return &statusWriter{
		unit:   config.Unit,
		model:  config.Model,
		clock:  config.Clock,
		newest: make(chan model.StatusInfo, 1),
	}
}

// set replaces what is still to be written. It does not block; one goroutine
// may call it.
func (w *statusWriter) set(status model.StatusInfo) {
	status.Since = w.clock.Now()
	select {
	case <-w.newest:
	default:
	}
	w.newest <- status
}

// run writes what is set until the context ends.
func (w *statusWriter) run(ctx context.Context) error {
	var written model.StatusInfo
	for {
		var next model.StatusInfo
		select {
		case <-ctx.Done():
			return nil
		case next = <-w.newest:
		}
		if next.Status == agentExecuting {
			var ok bool
			if next, ok = w.afterDelay(ctx, next); !ok {
				return nil
			}
		}
		if next.Status == written.Status && next.Message == written.Message {
			continue
		}
		if err := w.model.SetAgentStatus(ctx, w.unit, next); err != nil {
			if ctx.Err() != nil || model.IsNotFound(err) {
				return nil
			}
			return fmt.Errorf("cannot write the agent's status: %w", err)
		}
		written = next
	}
}

// afterDelay returns the newest status once the unit has been busy for a while,
// or as soon as it is not busy any more.
func (w *statusWriter) afterDelay(ctx context.Context, busy model.StatusInfo) (newest model.StatusInfo, ok bool) {
	timer := w.clock.NewTimer(busyDelay)
	defer timer.Stop()
	for newest = busy; newest.Status == agentExecuting; {
		select {
		case <-ctx.Done():
			return newest, false
		case newest = <-w.newest:
		case <-timer.Chan():
			return newest, true
		}
	}
	return newest, true
}

// What an agent says of itself.
const (
	agentExecuting = "executing"
	agentIdle      = "idle"
	agentError     = "error"
)
