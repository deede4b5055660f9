package uniter

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/juju/clock"
	"github.com/juju/names/v4"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter/hooktool"
	"github.com/unit-agent/unit-agent/uniter/journal"
	"github.com/unit-agent/unit-agent/uniter/leadership"
)

// DefaultUpdateStatusInterval and DefaultStopTimeout are used where a Config
// leaves the figure at 0.
const (
	DefaultUpdateStatusInterval = 5 * time.Minute
	DefaultStopTimeout          = 30 * time.Second
)

// Config is what a uniter needs. It owns none of it: its maker ends the workers
// among these after the uniter has ended.
type Config struct {
	// Unit is the unit's name, Machine the id of the machine that it is on.
	Unit    string
	Machine string

	// Home is the unit's directory. Nobody else may use it meanwhile.
	Home Home

	// CharmSource is the directory to copy the charm from at the unit's first
	// start. If it is empty, the model's word is taken for where the charm is.
	CharmSource string

	Model *model.Model

	// Claim is the unit's right to be run here; it fences everything that a
	// hook writes.
	Claim *model.UnitClaim

	// Leadership tells whether the unit leads its application; LeadershipChecker
	// gives the comparisons that keep a write to that leadership, as a
	// *[]clientv3.Cmp, and its fencing number, as an *int64.
	Leadership        leadership.Tracker
	LeadershipChecker leadership.Checker

	// Tools serves hook tools on the home's socket.
	Tools *hooktool.Server

	Journal *journal.Journal
	Logger  *slog.Logger
	Clock   clock.Clock

	// UpdateStatusInterval is the mean time between update-status hooks; each
	// wait differs from it by up to a fifth.
	UpdateStatusInterval time.Duration

	// StopTimeout is how long a running hook may go on once the agent is asked
	// to stop.
	StopTimeout time.Duration

	// Waiting, if it is not nil, is called when the unit has done all that it
	// can for now. It must not block.
	Waiting func()
}

// Validate returns an error that names the field that is wrong.
func (c Config) Validate() error {
	switch {
	case !names.IsValidUnit(c.Unit):
		return fmt.Errorf("config: Unit %q is not a unit name", c.Unit)
	case c.Home.Dir == "":
		return errors.New("config: Home is empty")
	case c.Model == nil:
		return errors.New("config: Model is nil")
	case c.Claim == nil:
		return errors.New("config: Claim is nil")
	case c.Leadership == nil:
		return errors.New("config: Leadership is nil")
	case c.LeadershipChecker == nil:
		return errors.New("config: LeadershipChecker is nil")
	case c.Tools == nil:
		return errors.New("config: Tools is nil")
	case c.Journal == nil:
		return errors.New("config: Journal is nil")
	case c.Logger == nil:
		return errors.New("config: Logger is nil")
	case c.Clock == nil:
		return errors.New("config: Clock is nil")
	case c.UpdateStatusInterval < 0:
		return fmt.Errorf("config: UpdateStatusInterval %v is negative", c.UpdateStatusInterval)
	case c.StopTimeout < 0:
		return fmt.Errorf("config: StopTimeout %v is negative", c.StopTimeout)
	}
	return nil
}
