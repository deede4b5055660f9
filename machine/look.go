package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter"
)

// Progress is how far the units of a model are with what the model wants.
type Progress struct {
	// Busy says what is still to be done, by the first unit found that has
	// something to do; empty if none has.
	Busy string

	// InError says what failed, if a hook did and waits for its retry.
	InError string
}

// Idle reports whether there is nothing to do and nothing failed.
func (p Progress) Idle() bool { return p.Busy == "" && p.InError == "" }

// Look compares what the units have done with what the model wants of them. For
// units on this machine that is exact: their records are read before the model,
// so that a hook that ended in between is seen in neither or in both. For units
// elsewhere their agents' word is taken.
func Look(ctx context.Context, dataDir, machineId string, m *model.Model) (Progress, error) {
	before, err := m.Status(ctx)
	if err != nil {
		return Progress{}, err
	}
	records := make(map[string]uniter.Record)
	var progress Progress
	for name, unit := range before.Units {
		if unit.Machine != machineId {
			progress.elsewhere(unit)
			continue
		}
		record, err := uniter.ReadRecord(uniter.HomeOf(dataDir, name))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err != nil {
			return Progress{}, err
		}
		records[name] = record
		progress.recorded(before, unit, record)
	}
	if !progress.Idle() {
		return progress, nil
	}
	after, err := m.Status(ctx)
	if err != nil {
		return Progress{}, err
	}
	for name, unit := range after.Units {
		record, read := records[name]
		if unit.Machine != machineId {
			progress.elsewhere(unit)
			continue
		}
		if !read {
			progress.busy("%s has just been added", name)
			continue
		}
		if err := progress.compare(ctx, m, after, unit, record); err != nil {
			return Progress{}, err
		}
	}
	for id, relation := range after.Relations {
		if relation.Life != model.Alive {
			progress.busy("relation %d is being removed", id)
		}
	}
	for name, application := range after.Applications {
		if application.Life != model.Alive {
			progress.busy("application %s is being removed", name)
		}
	}
	return progress, nil
}

func (p *Progress) busy(format string, args ...any) {
	if p.Busy == "" {
		p.Busy = fmt.Sprintf(format, args...)
	}
}

// elsewhere takes the word of the agent of a unit on another machine.
func (p *Progress) elsewhere(unit model.Unit) {
	switch unit.Agent.Status {
	case "idle":
	case "error":
		p.InError = fmt.Sprintf("%s: %s", unit.Name, unit.Agent.Message)
	default:
		p.busy("%s on machine %s is %s", unit.Name, unit.Machine, unit.Agent.Status)
	}
}

// recorded tells what can be told from the unit's record alone.
func (p *Progress) recorded(now *model.Snapshot, unit model.Unit, record uniter.Record) {
	pending := record.Operation.Pending
	switch {
	case pending != nil && pending.Failed && unit.Agent.Status != model.StatusError:
		// Others learn of the failure, and can resolve it, once the model says so.
		p.busy("%s has to report that %s failed", unit.Name, pending.Hook.Kind)
	case pending != nil && pending.Failed && unit.Resolved == model.ResolvedNone:
		endpoint, _ := now.Relations[pending.Hook.RelationId].Endpoint(unit.Application)
		p.InError = fmt.Sprintf("%s: %s: %s", unit.Name, uniter.FailureMessage(pending.Hook, endpoint.Name), pending.Reason)
	case pending != nil:
		p.busy("%s runs %s", unit.Name, pending.Hook.Kind)
	case !record.Operation.Started && unit.Life == model.Alive:
		p.busy("%s is starting", unit.Name)
	}
}

// compare tells what the unit's worker would do next.
func (p *Progress) compare(ctx context.Context, m *model.Model, now *model.Snapshot, unit model.Unit, record uniter.Record) error {
	state, err := m.UnitState(ctx, unit.Name)
	if model.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	seen := make(map[int]uniter.Seen)
	for id := range state.Relations {
		present, inScope, err := m.RelationUnits(ctx, id, unit.Name)
		if model.IsNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		seen[id] = uniter.Seen{Present: present, InScope: inScope}
	}
	leader := now.Applications[unit.Application].Leader
	if leader == "" {
		p.busy("%s has no leader yet", unit.Application)
	}
	decision, _, err := uniter.Due(record, state, seen, leader == unit.Name)
	if err != nil {
		return fmt.Errorf("unit %s: %w", unit.Name, err)
	}
	switch {
	case decision.Step == uniter.Run:
		p.busy("%s has %s to run", unit.Name, decision.Hook.Kind)
	case decision.Step != uniter.Wait:
		p.busy("%s has to %s", unit.Name, decision.Step)
	}
	return nil
}
