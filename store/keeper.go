package store

import (
	"context"
	"log/slog"
	"time"

	"github.com/juju/clock"
)

const (
	// lookInterval is how often the embedded server's size is looked at, and the most often.
	lookInterval = time.Minute
	// warningInterval is how often a shortage that stays is spoken of.
	warningInterval = time.Hour
	// lookTimeout bounds one look.
	lookTimeout = time.Minute
)

// keeper decides when an embedded server looks after its size, and tells of a shortage.
// Its zero value is never due.
type keeper struct {
	clock  clock.Clock
	logger *slog.Logger
	timer  clock.Timer

	short  bool      // at the last look
	warned time.Time // the last warning; zero while there is no shortage
}

func newKeeper(cfg Config) keeper {
	// The first look is at once: what a process that ran before left is looked after.
	return keeper{clock: cfg.Clock, logger: cfg.Logger, timer: cfg.Clock.NewTimer(0)}
}

// due gets a value when it is time to look.
func (k *keeper) due() <-chan time.Time {
	if k.timer == nil {
		return nil
	}
	return k.timer.Chan()
}

// refused hears that a write was refused for lack of space. A look at once may help, unless
// the last one could not.
func (k *keeper) refused() {
	if !k.short {
		k.timer.Reset(0)
	}
}

func (k *keeper) look(s *server) {
	ctx, cancel := context.WithTimeout(s.failed, lookTimeout)
	defer cancel()
	now := k.clock.Now()
	// A shortage is spoken of when it begins and once an hour while it lasts.
	speak := k.warned.IsZero() || now.Sub(k.warned) >= warningInterval
	found, err := s.housekeep(ctx, speak)
	k.short = found.short()
	k.timer.Reset(lookInterval)
	if err != nil {
		k.logger.Warn(err.Error())
	}
	switch {
	case !k.short:
		k.warned = time.Time{}
	case speak:
		k.warned = now
		k.tell(found)
	}
}

func (k *keeper) tell(found space) {
	if found.full {
		k.logger.Error("the store is full and refuses writes: remove what the model no longer needs",
			"size", found.size, "used", found.used, "quota", found.quota)
		return
	}
	k.logger.Warn("the store is more than 80% full and will refuse writes at its quota: remove what the model no longer needs",
		"size", found.size, "used", found.used, "quota", found.quota)
}

func (k *keeper) stop() {
	if k.timer != nil {
		k.timer.Stop()
	}
}
