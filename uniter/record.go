package uniter

import (
	"fmt"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/statedir"
	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/operation"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

// Record is what a unit has done, as its home says.
type Record struct {
	Operation operation.State
	Relations map[int]*statedir.StateDir
}

// ReadRecord reads a unit's record without changing anything. It may be called
// while the unit's agent runs.
func ReadRecord(home Home) (Record, error) {
	state, err := operation.ReadState(home.OperationFile())
	if err != nil {
		return Record{}, err
	}
	relations, err := statedir.ReadAllStateDirs(home.RelationsDir())
	if err != nil {
		return Record{}, err
	}
	return Record{Operation: state, Relations: relations}, nil
}

// Seen is what a unit can see of one of its relations at one moment.
type Seen struct {
	// Present is the whole present state of the other side.
	Present relation.RelationUnitsChange
	// InScope is true while the unit's own settings are there to be seen.
	InScope bool
}

// Due says what the unit's worker would do next if it found the record now, and
// which hooks each relation's schedule has for it. seen holds the relations of
// the unit's application; leads is whether it leads that.
func Due(record Record, state model.UnitState, seen map[int]Seen, leads bool) (Decision, map[int][]hook.Info, error) {
	local := Local{State: record.Operation, Relations: make(map[int]LocalRelation)}
	due := make(map[int][]hook.Info)
	for id, dir := range record.Relations {
		r := LocalRelation{Created: true, Entered: seen[id].InScope, Turn: uint64(id)}
		if wanted, known := state.Relations[id]; known {
			dying := wanted.Life != model.Alive || state.Unit.Life != model.Alive
			hooks, err := DueHooks(dir.State(), seen[id].Present, dying)
			if err != nil {
				return Decision{}, nil, fmt.Errorf("relation %d: %w", id, err)
			}
			if due[id] = hooks; len(hooks) > 0 {
				r.Offer = &hooks[0]
			}
		}
		local.Relations[id] = r
	}
	for id, wanted := range state.Relations {
		if _, recorded := record.Relations[id]; !recorded {
			in := seen[id].InScope
			local.Relations[id] = LocalRelation{Entered: in, Left: !in && wanted.Life != model.Alive}
		}
	}
	remote := Remote{
		Unit:       state.Unit.Name,
		Life:       state.Unit.Life,
		Leaving:    state.ApplicationLife != model.Alive,
		ConfigHash: state.ConfigHash,

		LeaderSettings: state.LeaderSettings,
		Relations:      state.Relations,
		Resolved:       state.Resolved,
		Leader:         leads,
	}
	return Next(local, remote), due, nil
}

// DueHooks returns the hooks that a relation in the given state has to run: to
// catch up with what is present, or to end the relation if it is dying.
func DueHooks(state *statedir.State, present relation.RelationUnitsChange, dying bool) ([]hook.Info, error) {
	var source relation.HookSource
	if dying {
		source = relation.NewDyingHookSource(state)
	} else {
		source = relation.NewLiveHookSource(state, stillWatcher{})
		if err := source.Update(present); err != nil {
			return nil, err
		}
	}
	defer source.Stop()
	var due []hook.Info
	for ; !source.Empty(); source.Pop() {
		due = append(due, source.Next())
	}
	return due, nil
}

// stillWatcher watches a relation in which nothing happens.
type stillWatcher struct{}

func (stillWatcher) Err() error                                   { return nil }
func (stillWatcher) Stop() error                                  { return nil }
func (stillWatcher) Changes() <-chan relation.RelationUnitsChange { return nil }
