package operation

import (
	"errors"
	"fmt"
	"time"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/hook"
)

// State is what a unit's agent must remember of its life across restarts,
// beside the relations' own state directories.
type State struct {
	// Installed, Started, Stopped and Removed say which of the hooks that run
	// once in a unit's life have been committed.
	Installed bool `yaml:"installed,omitempty"`
	Started   bool `yaml:"started,omitempty"`
	Stopped   bool `yaml:"stopped,omitempty"`
	Removed   bool `yaml:"removed,omitempty"`

	// Leader is true from the commit of leader-elected until the unit notices
	// that it leads no longer.
	Leader bool `yaml:"leader,omitempty"`

	// LeaderSettings is the version of the leader's settings that the unit was
	// told of last, and LeaderSettingsTold false if it was not, since its start
	// or since it led itself.
	LeaderSettings     int64 `yaml:"leader-settings,omitempty"`
	LeaderSettingsTold bool  `yaml:"leader-settings-told,omitempty"`

	// ConfigHash identifies the configuration that the last committed
	// config-changed hook saw; empty if none ran yet.
	ConfigHash string `yaml:"config-hash,omitempty"`

	// CharmDigest identifies the charm content that the unit runs.
	CharmDigest string `yaml:"charm-digest,omitempty"`

	// Pending is the hook that was begun and is not committed, or nil.
	Pending *Pending `yaml:"pending,omitempty"`
}

// Pending is a hook between its beginning and its commit.
type Pending struct {
	// Hook is the hook as it was chosen; a retry keeps this identity.
	Hook hook.Info `yaml:"hook"`

	// Began is when the hook's last run was recorded.
	Began time.Time `yaml:"began"`

	// ConfigHash identifies the configuration that the hook saw, LeaderSettings
	// the version of the leader's settings.
	ConfigHash     string `yaml:"config-hash,omitempty"`
	LeaderSettings int64  `yaml:"leader-settings,omitempty"`

	// Interrupted is true when the agent itself ended the run, and has said so
	// in the journal; it is false while the hook runs, and if the agent died.
	Interrupted bool `yaml:"interrupted,omitempty"`

	// Failed is true when the run ended and did not succeed; Failures counts
	// such runs, and Reason is the last one's error in one line.
	Failed   bool   `yaml:"failed,omitempty"`
	Failures int    `yaml:"failures,omitempty"`
	Reason   string `yaml:"reason,omitempty"`
}

// Validate returns an error if no agent can have left this state.
func (s State) Validate() error {
	switch {
	case s.Started && !s.Installed:
		return errors.New("started before it was installed")
	case s.Removed && !s.Stopped:
		return errors.New("removed before it was stopped")
	case s.Stopped && !s.Installed:
		return errors.New("stopped before it was installed")
	}
	if s.Pending == nil {
		return nil
	}
	if err := s.Pending.Hook.Validate(); err != nil {
		return fmt.Errorf("pending hook: %w", err)
	}
	if s.Pending.Failures < 0 || s.Pending.Failed && s.Pending.Failures == 0 {
		return fmt.Errorf("pending hook: failed with a count of %d failures", s.Pending.Failures)
	}
	if s.Pending.Failed && s.Pending.Interrupted {
		return errors.New("pending hook: both failed and interrupted")
	}
	return nil
}

// Begin returns the state in which run is pending. A hook that is begun again
// keeps its count of failures.
func (s State) Begin(run Pending) State {
	if s.Pending != nil {
		run.Failures = s.Pending.Failures
	}
	s.Pending = &run
	return s
}

// Fail returns the state in which the pending hook has failed once more.
func (s State) Fail(reason string) State {
	failed := *s.Pending
	failed.Failed = true
	failed.Failures++
	failed.Reason = reason
	s.Pending = &failed
	return s
}

// Interrupt returns the state in which the agent itself has ended the pending
// hook's run.
func (s State) Interrupt() State {
	interrupted := *s.Pending
	interrupted.Interrupted = true
	s.Pending = &interrupted
	return s
}

// Resign returns the state of a unit that leads no longer, and has to be told
// what its leader shares.
func (s State) Resign() State {
	s.Leader, s.LeaderSettingsTold = false, false
	return s
}

// Commit returns the state after the pending hook: nothing pending, and the
// unit's life moved on.
func (s State) Commit() State {
	done := *s.Pending
	s.Pending = nil
	switch done.Hook.Kind {
	case hooks.Install:
		s.Installed = true
	case hooks.Start:
		s.Started = true
	case hooks.Stop:
		s.Stopped = true
	case hooks.Remove:
		s.Removed = true
	case hooks.LeaderElected:
		s.Leader = true
	case hooks.LeaderDeposed:
		s = s.Resign()
	case hooks.LeaderSettingsChanged:
		s.LeaderSettings, s.LeaderSettingsTold = done.LeaderSettings, true
	case hooks.ConfigChanged:
		s.ConfigHash = done.ConfigHash
	}
	return s
}
