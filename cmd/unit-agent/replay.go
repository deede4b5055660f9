package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/juju/names/v4"
	"github.com/spf13/cobra"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/statedir"
	"github.com/unit-agent/unit-agent/uniter"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

// replayReach bounds the search for a store, which replay can do without.
const replayReach = 5 * time.Second

func (p *program) replayCommand() *cobra.Command {
	var out formatFlag
	var stateDir, unit string
	command := &cobra.Command{
		Use:     "replay",
		GroupID: groupSee,
		Short:   "Show what units know of their relations, and which hooks follow from it",
		Long: `Read the state of relations from disk, without touching it, and show the members
of each relation, the hook that is pending, the hooks that the end of the relation
would run, and, where a store is reachable, the hooks that are due now.

Without flags it reads the units of this machine. State that is damaged is
reported, a line for each fault, and makes the exit code 1.`,
		Example: `  unit-agent replay
  unit-agent replay --unit mysql/0
  unit-agent replay --state-dir ./relations --format json`,
		Args: cobra.NoArgs,
	}
	out.add(command, "tabular", "tabular", "json", "yaml")
	command.Flags().StringVar(&stateDir, "state-dir", "", "directory that holds a directory for each relation")
	command.Flags().StringVar(&unit, "unit", "", "unit of this machine to read")
	command.MarkFlagDirname("state-dir")
	command.RegisterFlagCompletionFunc("unit", p.completeUnits(0))
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		if stateDir != "" && unit != "" {
			return usagef("give --state-dir or --unit, not both")
		}
		replayed, faults, err := p.replay(cmd.Context(), stateDir, unit)
		if err != nil {
			return err
		}
		if err := out.write(p.stdout, replayed, func(w io.Writer) error { return printReplay(w, replayed) }); err != nil {
			return err
		}
		for _, fault := range faults {
			fmt.Fprintln(p.stderr, oneLine(fault))
		}
		if len(faults) > 0 {
			return fmt.Errorf("the state of relations has %s", countOf(len(faults), "fault"))
		}
		return nil
	}
	return command
}

// replay reads one directory, one unit, or all units of this machine. Faults are
// what could not be read, each an error of its own.
func (p *program) replay(ctx context.Context, stateDir, unit string) (replayed []replayedRelation, faults []error, err error) {
	replayed = []replayedRelation{}
	if stateDir != "" {
		if info, err := os.Stat(stateDir); err != nil {
			return nil, nil, fmt.Errorf("cannot read relation state: %w", err)
		} else if !info.IsDir() {
			return nil, nil, fmt.Errorf("cannot read relation state: %s is not a directory", stateDir)
		}
		return p.replayDir(ctx, nil, "", stateDir, replayed, nil)
	}
	var named []string
	if unit != "" {
		named = []string{unit}
	}
	units, err := p.localUnits(named)
	if err != nil {
		return nil, nil, err
	}
	m, done := p.modelIfReachable(ctx)
	defer done()
	for _, unit := range units {
		dir := uniter.HomeOf(p.dataDir, unit).RelationsDir()
		if replayed, faults, err = p.replayDir(ctx, m, unit, dir, replayed, faults); err != nil {
			return nil, nil, err
		}
	}
	return replayed, faults, nil
}

// modelIfReachable returns the model, or nil if there is no store. It does not
// make one.
func (p *program) modelIfReachable(ctx context.Context) (*model.Model, func()) {
	none := func() {}
	if len(p.cluster.endpoints) == 0 {
		if _, err := os.Stat(filepath.Join(p.dataDir, "etcd")); err != nil {
			return nil, none
		}
	}
	reach, cancel := context.WithTimeout(ctx, replayReach)
	defer cancel()
	s, err := p.open(reach)
	if err != nil {
		p.logger.Warn("no store is reachable, so what is due now is not known", "error", err)
		return nil, none
	}
	return s.Model, func() { s.close() }
}

func (p *program) replayDir(ctx context.Context, m *model.Model, unit, dir string, replayed []replayedRelation, faults []error) ([]replayedRelation, []error, error) {
	states, err := statedir.ReadAllStateDirs(dir)
	faults = append(faults, statedir.Faults(err)...)
	var wanted *model.UnitState
	if m != nil && names.IsValidUnit(unit) {
		state, err := m.UnitState(ctx, unit)
		if err == nil {
			wanted = &state
		} else if !model.IsNotFound(err) {
			return nil, nil, err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(states)) {
		r, err := replayRelation(ctx, m, unit, id, states[id].State(), wanted)
		if err != nil {
			return nil, nil, err
		}
		replayed = append(replayed, r)
	}
	return replayed, faults, nil
}

func replayRelation(ctx context.Context, m *model.Model, unit string, id int, state *statedir.State, wanted *model.UnitState) (replayedRelation, error) {
	r := replayedRelation{
		Unit:     unit,
		Relation: id,
		Members:  memberInfos(state.Members),
		Apps:     memberInfos(state.ApplicationMembers),
	}
	if state.ChangedPending != "" {
		r.Pending = &replayedHook{
			Kind: "relation-changed", RemoteUnit: state.ChangedPending, Version: state.Members[state.ChangedPending],
		}
	}
	atEnd, err := uniter.DueHooks(state, nothingPresent, true)
	if err != nil {
		return r, fmt.Errorf("relation %d: %w", id, err)
	}
	r.AtEnd = replayedHooks(atEnd)
	if wanted == nil {
		return r, nil
	}
	of, known := wanted.Relations[id]
	if !known {
		r.Due = []replayedHook{}
		return r, nil
	}
	r.Endpoint = of.Endpoint.Name
	present, _, err := m.RelationUnits(ctx, id, unit)
	if err != nil && !model.IsNotFound(err) {
		return r, err
	}
	dying := of.Life != model.Alive || wanted.Unit.Life != model.Alive
	due, err := uniter.DueHooks(state, present, dying)
	if err != nil {
		return r, fmt.Errorf("relation %d: %w", id, err)
	}
	r.Due = replayedHooks(due)
	return r, nil
}

var nothingPresent = relation.RelationUnitsChange{}
