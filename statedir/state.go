package statedir

import (
	"errors"
	"fmt"
	"maps"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/hook"
)

// State describes the state of a relation: what has been told to the unit by
// hooks that ran.
type State struct {
	// RelationId identifies the relation.
	RelationId int

	// Members maps the name of each remote unit that has joined to the version of
	// its settings that a hook was last run for. No version is negative.
	Members map[string]int64

	// ApplicationMembers maps the name of an application to the version of its
	// settings that a hook was last run for.
	ApplicationMembers map[string]int64

	// ChangedPending names the unit whose relation-joined was the last hook: its
	// relation-changed must be the next. It is empty or a member.
	ChangedPending string

	// broken holds once relation-broken was written. There are no members then,
	// and there never will be.
	broken bool
}

// clone returns a copy that shares nothing with s.
func (s *State) clone() *State {
	c := *s
	c.Members = maps.Clone(s.Members)
	c.ApplicationMembers = maps.Clone(s.ApplicationMembers)
	return &c
}

// Validate returns an error unless hi may be the next hook of the relation: it
// is well formed, it is of this relation, and it keeps the order that hooks are
// promised to run in. It must be asked before the hook is run.
func (s *State) Validate(hi hook.Info) error {
	if err := s.validate(hi); err != nil {
		return fmt.Errorf("inappropriate %q for %q: %w", hi.Kind, subject(hi), err)
	}
	return nil
}

// subject names what a relation hook is about.
func subject(hi hook.Info) string {
	if hi.RemoteUnit != "" {
		return hi.RemoteUnit
	}
	return hi.RemoteApplication
}

// The texts here are known to people who search for them, as are those of the
// reader.
func (s *State) validate(hi hook.Info) error {
	if !hi.Kind.IsRelation() {
		return errors.New("not a relation hook")
	}
	if hi.RelationId != s.RelationId {
		return fmt.Errorf("expected relation %d, got relation %d", s.RelationId, hi.RelationId)
	}
	if err := hi.Validate(); err != nil {
		return err
	}
	if s.broken && hi.Kind != hooks.RelationBroken {
		return errBroken
	}
	switch hi.Kind {
	case hooks.RelationCreated:
		if len(s.Members) > 0 {
			return errors.New(`cannot run "relation-created" after units have joined`)
		}
		return nil
	case hooks.RelationBroken:
		if len(s.Members) > 0 {
			return errors.New(`cannot run "relation-broken" while units still present`)
		}
		return nil
	}
	if s.ChangedPending != "" {
		if hi.Kind != hooks.RelationChanged || hi.RemoteUnit != s.ChangedPending {
			return fmt.Errorf(`expected "relation-changed" for %q`, s.ChangedPending)
		}
		return nil
	}
	if hi.RemoteUnit == "" {
		// An application's settings may change before any of its units joins.
		return nil
	}
	_, joined := s.Members[hi.RemoteUnit]
	switch {
	case joined && hi.Kind == hooks.RelationJoined:
		return errors.New("unit already joined")
	case !joined && hi.Kind != hooks.RelationJoined:
		return errors.New("unit has not joined")
	}
	return nil
}

var errBroken = errors.New("relation is broken and cannot be changed further")

// Reflects reports whether the state already has the effect of hi, which was or
// was not written before a crash. The state alone cannot tell that of
// relation-created, nor of a relation-broken that another process wrote; for
// those ask StateDir.Reflects.
func (s *State) Reflects(hi hook.Info) bool {
	version, joined := s.Members[hi.RemoteUnit]
	switch hi.Kind {
	case hooks.RelationJoined:
		return joined && version == hi.ChangeVersion
	case hooks.RelationChanged:
		if hi.RemoteUnit == "" {
			version, known := s.ApplicationMembers[hi.RemoteApplication]
			return known && version == hi.ChangeVersion
		}
		return joined && version == hi.ChangeVersion && s.ChangedPending != hi.RemoteUnit
	case hooks.RelationDeparted:
		return !joined
	case hooks.RelationBroken:
		return s.broken
	}
	return false
}
