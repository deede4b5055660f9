package uniter

import (
	"slices"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/operation"
)

// Remote is what the model, the lease and the timers want of the unit.
type Remote struct {
	// Unit is the unit's name.
	Unit string

	// Life is the unit's own; Resolved is what an operator said of its failed
	// hook, if anything.
	Life     model.Life
	Resolved model.Resolved

	// Leaving is true once the unit's application is to go, and the unit with it.
	Leaving bool

	// ConfigHash identifies the configuration that the charm should know.
	ConfigHash string

	// Relations are the relations of the unit's application.
	Relations map[int]model.UnitRelation

	// LeaderSettings is the version of what the application's leader shares.
	LeaderSettings int64

	// Leader is true while the unit's leadership is guaranteed.
	Leader bool

	// RetryDue is true once a failed hook has waited long enough;
	// UpdateStatusDue once the last update-status is long enough ago.
	RetryDue        bool
	UpdateStatusDue bool
}

// Local is what the unit has done so far.
type Local struct {
	operation.State

	// Relations are the relations that the unit knows of, by id.
	Relations map[int]LocalRelation
}

// LocalRelation is how far the unit is with one relation.
type LocalRelation struct {
	// Created is true from the commit of relation-created until that of
	// relation-broken.
	Created bool

	// Entered is true once the unit's settings are there for the other side to
	// see; Left once they have been taken away, or were refused because the
	// relation is ending. A relation that was left is never entered again.
	Entered bool
	Left    bool

	// Offer is the hook at the head of the relation's schedule, if any; offers
	// with lower Turn have waited longer.
	Offer *hook.Info
	Turn  uint64
}

// Step is what the unit's worker can do next.
type Step string

const (
	// Wait: there is nothing to do until something changes.
	Wait Step = "wait"
	// Run: run Decision.Hook.
	Run Step = "run"
	// Skip: commit the failed hook without running it.
	Skip Step = "skip"
	// Drop: forget the pending hook, because what it was about is gone: its
	// relation, or the unit's leadership.
	Drop Step = "drop"
	// Forget: forget the relation, because it is gone from the model.
	Forget Step = "forget"
	// Enter and Leave: enter or leave the relation's scope.
	Enter Step = "enter"
	Leave Step = "leave"
	// Resign: note that the unit leads no longer, and tell a charm that has a
	// hook for that.
	Resign Step = "resign"
	// Finish: the unit's life is over; take it out of the model.
	Finish Step = "finish"
)

// Decision is the most urgent thing to do.
type Decision struct {
	Step Step
	// Hook is the hook to run, for Run.
	Hook hook.Info
	// RelationId is the relation concerned, for Forget, Enter and Leave.
	RelationId int
}

// Next chooses the most urgent thing to do. It depends on its arguments alone.
// The order is that of the charm contract: what a crash or a failure left, then
// the end of the unit's life or its beginning, then relations made and
// leadership, configuration, relation hooks by how long they waited, and at the
// very last update-status.
func Next(local Local, remote Remote) Decision {
	if remote.Life == model.Dead {
		return nextDead(local, remote)
	}
	if local.Pending != nil {
		return nextPending(local, remote)
	}
	if id, ok := lowest(local.Relations, func(id int, l LocalRelation) bool {
		_, known := remote.Relations[id]
		return l.Created && !known
	}); ok {
		return Decision{Step: Forget, RelationId: id}
	}
	if remote.Life == model.Dying {
		return nextDying(local, remote)
	}
	return nextAlive(local, remote)
}

// nextPending decides about the hook that was begun and is not committed. While
// it is there, no other hook runs.
func nextPending(local Local, remote Remote) Decision {
	pending := local.Pending
	if isRelationHook(pending.Hook.Kind) {
		if _, known := remote.Relations[pending.Hook.RelationId]; !known {
			return Decision{Step: Drop}
		}
	}
	switch {
	case pending.Hook.Kind == hooks.LeaderElected && !remote.Leader:
		return Decision{Step: Drop}
	case !pending.Failed:
		return Decision{Step: Run, Hook: pending.Hook}
	case remote.Resolved == model.ResolvedSkip:
		return Decision{Step: Skip}
	case remote.Resolved == model.ResolvedRetry, remote.RetryDue:
		return Decision{Step: Run, Hook: pending.Hook}
	}
	return Decision{Step: Wait}
}

// nextDead takes the unit out of the model without running anything.
func nextDead(local Local, remote Remote) Decision {
	if id, ok := lowest(remote.Relations, func(id int, _ model.UnitRelation) bool {
		return !local.Relations[id].Left
	}); ok {
		return Decision{Step: Leave, RelationId: id}
	}
	return Decision{Step: Finish}
}

// nextDying takes the unit apart: its relations, then stop and remove. A unit
// that was never installed has nothing to stop.
func nextDying(local Local, remote Remote) Decision {
	if decision, ok := nextOffer(local, remote); ok {
		return decision
	}
	if id, ok := lowest(remote.Relations, func(id int, _ model.UnitRelation) bool {
		l := local.Relations[id]
		return !l.Created && !l.Left
	}); ok {
		return Decision{Step: Leave, RelationId: id}
	}
	if _, ok := lowest(local.Relations, func(_ int, l LocalRelation) bool { return l.Created }); ok {
		return Decision{Step: Wait}
	}
	switch {
	case !local.Installed, local.Removed:
		return Decision{Step: Finish}
	case !local.Stopped:
		return run(hooks.Stop)
	}
	return run(hooks.Remove)
}

func nextAlive(local Local, remote Remote) Decision {
	if !local.Installed {
		return run(hooks.Install)
	}
	// A charm may write its settings in relation-created already, so there must
	// be a place for them.
	if id, ok := lowest(remote.Relations, func(id int, r model.UnitRelation) bool {
		l := local.Relations[id]
		return r.Life == model.Alive && !l.Entered && !l.Left
	}); ok {
		return Decision{Step: Enter, RelationId: id}
	}
	if id, ok := lowest(remote.Relations, func(id int, r model.UnitRelation) bool {
		l := local.Relations[id]
		return r.Life == model.Alive && !l.Created && !l.Left
	}); ok {
		return Decision{Step: Run, Hook: hook.Info{Kind: hooks.RelationCreated, RelationId: id}}
	}
	if id, ok := lowest(remote.Relations, func(id int, r model.UnitRelation) bool {
		l := local.Relations[id]
		return r.Life != model.Alive && !l.Created && !l.Left
	}); ok {
		return Decision{Step: Leave, RelationId: id}
	}
	switch {
	case remote.Leader && !local.Leader:
		return run(hooks.LeaderElected)
	case !remote.Leader && local.Leader:
		return Decision{Step: Resign}
	case !remote.Leader && (!local.LeaderSettingsTold || local.LeaderSettings != remote.LeaderSettings):
		return run(hooks.LeaderSettingsChanged)
	case local.ConfigHash != remote.ConfigHash:
		return run(hooks.ConfigChanged)
	case !local.Started:
		return run(hooks.Start)
	}
	if decision, ok := nextOffer(local, remote); ok {
		return decision
	}
	if remote.UpdateStatusDue {
		return run(hooks.UpdateStatus)
	}
	return Decision{Step: Wait}
}

// nextOffer takes the relation hook that was offered first.
func nextOffer(local Local, remote Remote) (Decision, bool) {
	var first *LocalRelation
	for id, l := range local.Relations {
		if _, known := remote.Relations[id]; known && l.Offer != nil && (first == nil || l.Turn < first.Turn) {
			first = &l
		}
	}
	if first == nil {
		return Decision{}, false
	}
	info := *first.Offer
	if info.Kind == hooks.RelationDeparted {
		info.DepartingUnit = info.RemoteUnit
		if remote.Life != model.Alive || remote.Leaving {
			info.DepartingUnit = remote.Unit
		}
	}
	return Decision{Step: Run, Hook: info}, true
}

func run(kind hooks.Kind) Decision {
	return Decision{Step: Run, Hook: hook.Info{Kind: kind}}
}

func isRelationHook(kind hooks.Kind) bool {
	return slices.Contains(relationHooks, kind)
}

var relationHooks = hooks.RelationHooks()

// lowest returns the lowest id of a relation that fits, so that the choice does
// not depend on the order of a map.
func lowest[V any](relations map[int]V, fits func(int, V) bool) (found int, ok bool) {
	for id, relation := range relations {
		if fits(id, relation) && (!ok || id < found) {
			found, ok = id, true
		}
	}
	return found, ok
}
