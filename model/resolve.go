package model

import (
	"context"
	"fmt"
)

// Resolved is what a person asked to be done about a failed hook.
type Resolved string

const (
	// ResolvedNone means that nothing was asked.
	ResolvedNone Resolved = ""
	// ResolvedRetry asks for the failed hook to be run again.
	ResolvedRetry Resolved = "retry"
	// ResolvedSkip asks for the failed hook to be counted as run.
	ResolvedSkip Resolved = "no-retry"
)

// Resolve asks a unit's agent to retry or to skip the hook that failed. It is an error if the unit's agent does not
// report one. The error of a unit that is not there satisfies IsNotFound.
func (m *Model) Resolve(ctx context.Context, unit string, mode Resolved) error {
	if _, err := applicationOf(unit); err != nil {
		return err
	}
	if mode != ResolvedRetry && mode != ResolvedSkip {
		return fmt.Errorf("cannot resolve unit %q: invalid mode %q, expected %q or %q", unit, mode, ResolvedRetry, ResolvedSkip)
	}
	meta, agent, resolved := m.keys.unitMeta(unit), m.keys.unitPart(unit, agentSuffix), m.keys.unitPart(unit, resolvedSuffix)
	_, err := m.transact(ctx, nil, func(d *draft) error {
		if err := d.load(meta, agent, resolved); err != nil {
			return err
		}
		if d.seen[meta] == nil {
			return &NotFoundError{Noun: unitNoun(unit)}
		}
		d.guardExists(meta)
		status, _, err := read[StatusInfo](d, agent)
		if err != nil {
			return err
		}
		if status.Status != StatusError {
			return fmt.Errorf("%s is not in an error state", unitNoun(unit))
		}
		return write(d, resolved, resolvedRecord{Mode: mode, Since: m.now()})
	})
	return err
}

// ClearResolved removes what Resolve asked for. It is no error if there was nothing.
func (m *Model) ClearResolved(ctx context.Context, unit string) error {
	if _, err := applicationOf(unit); err != nil {
		return err
	}
	key := m.keys.unitPart(unit, resolvedSuffix)
	_, err := m.transact(ctx, nil, func(d *draft) error {
		if value, err := d.get(key); err != nil || value == nil {
			return err
		}
		d.remove(key)
		return nil
	})
	return err
}
