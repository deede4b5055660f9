package uniter_test

import (
	"errors"
	"io/fs"
	"os"
	"reflect"
	"testing"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/internal/durable/durabletest"
	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/statedir"
	"github.com/unit-agent/unit-agent/uniter"
	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/operation"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

// stateDir writes the state of relation 1 after the hooks, and reads it.
func stateDir(t *testing.T, infos ...hook.Info) *statedir.StateDir {
	t.Helper()
	dir, err := statedir.ReadStateDir(t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		info.RelationId = 1
		if err := dir.Write(info); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadRecord(t *testing.T) {
	home := uniter.Home{Dir: t.TempDir()}
	record, err := uniter.ReadRecord(home)
	if err != nil || record.Operation != (operation.State{}) || len(record.Relations) > 0 {
		t.Errorf("of a unit that never ran: %+v, %v", record, err)
	}
	if _, err := os.Stat(home.StateDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading made a directory: %v", err)
	}

	w := newWorld(t)
	w.deploy("wordpress", wordpress, 1)
	a := w.start("wordpress/0")
	a.awaitIdle()
	disk := durabletest.NewDisk(t, a.home.Dir)
	record, err = uniter.ReadRecord(a.home)
	if err != nil || !record.Operation.Started || len(record.Relations) != 1 {
		t.Errorf("got %+v, %v", record, err)
	}
	if steps := disk.Labels(); len(steps) > 0 {
		t.Errorf("reading writes: %q", steps)
	}
}

func TestDueHooks(t *testing.T) {
	joined := hook.Info{Kind: hooks.RelationJoined, RelationId: 1, RemoteUnit: "mysql/0", ChangeVersion: 3}
	changed := hook.Info{Kind: hooks.RelationChanged, RelationId: 1, RemoteUnit: "mysql/0", ChangeVersion: 3}
	departed := hook.Info{Kind: hooks.RelationDeparted, RelationId: 1, RemoteUnit: "mysql/0", ChangeVersion: 3}
	broken := hook.Info{Kind: hooks.RelationBroken, RelationId: 1}
	there := relation.RelationUnitsChange{Changed: map[string]relation.UnitSettings{"mysql/0": {Version: 3}}}
	for name, test := range map[string]struct {
		state   *statedir.StateDir
		present relation.RelationUnitsChange
		dying   bool
		want    []hook.Info
	}{
		"nobody there": {stateDir(t), relation.RelationUnitsChange{}, false, nil},
		"a new unit":   {stateDir(t), there, false, []hook.Info{joined, changed}},
		"half joined":  {stateDir(t, joined), there, false, []hook.Info{changed}},
		"up to date":   {stateDir(t, joined, changed), there, false, nil},
		"gone":         {stateDir(t, joined, changed), relation.RelationUnitsChange{}, false, []hook.Info{departed}},
		"dying":        {stateDir(t, joined, changed), there, true, []hook.Info{departed, broken}},
	} {
		got, err := uniter.DueHooks(test.state.State(), test.present, test.dying)
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, test.want)
		}
	}
}

// TestDue has what a unit's worker would do next, told without it.
func TestDue(t *testing.T) {
	done := operation.State{Installed: true, Started: true, Leader: true, ConfigHash: "c"}
	alive := model.UnitState{Unit: model.Unit{Name: "wordpress/0", Life: model.Alive}, ApplicationLife: model.Alive, ConfigHash: "c"}
	with := func(life model.Life) model.UnitState {
		state := alive
		state.Relations = map[int]model.UnitRelation{1: {Id: 1, Life: life}}
		return state
	}
	leaving := with(model.Alive)
	leaving.Unit.Life = model.Dying
	created := hook.Info{Kind: hooks.RelationCreated}
	met := map[int]uniter.Seen{1: {InScope: true, Present: relation.RelationUnitsChange{
		Changed: map[string]relation.UnitSettings{"mysql/0": {Version: 3}},
	}}}
	in := map[int]uniter.Seen{1: {InScope: true}}
	none := map[int]*statedir.StateDir{}
	entered := map[int]*statedir.StateDir{1: stateDir(t, created)}
	joined := map[int]*statedir.StateDir{1: stateDir(t, created,
		hook.Info{Kind: hooks.RelationJoined, RemoteUnit: "mysql/0", ChangeVersion: 3},
		hook.Info{Kind: hooks.RelationChanged, RemoteUnit: "mysql/0", ChangeVersion: 3})}
	for name, test := range map[string]struct {
		record uniter.Record
		state  model.UnitState
		seen   map[int]uniter.Seen
		leads  bool
		want   uniter.Decision
	}{
		"new":                {uniter.Record{}, alive, nil, true, uniter.Decision{Step: uniter.Run, Hook: hook.Info{Kind: hooks.Install}}},
		"idle":               {uniter.Record{Operation: done}, alive, nil, true, uniter.Decision{Step: uniter.Wait}},
		"lost":               {uniter.Record{Operation: done}, alive, nil, false, uniter.Decision{Step: uniter.Resign}},
		"a relation":         {uniter.Record{Operation: done, Relations: none}, with(model.Alive), nil, true, uniter.Decision{Step: uniter.Enter, RelationId: 1}},
		"entered":            {uniter.Record{Operation: done, Relations: none}, with(model.Alive), in, true, uniter.Decision{Step: uniter.Run, Hook: hook.Info{Kind: hooks.RelationCreated, RelationId: 1}}},
		"created":            {uniter.Record{Operation: done, Relations: entered}, with(model.Alive), in, true, uniter.Decision{Step: uniter.Wait}},
		"a unit":             {uniter.Record{Operation: done, Relations: entered}, with(model.Alive), met, true, uniter.Decision{Step: uniter.Run, Hook: hook.Info{Kind: hooks.RelationJoined, RelationId: 1, RemoteUnit: "mysql/0", ChangeVersion: 3}}},
		"ending":             {uniter.Record{Operation: done, Relations: entered}, with(model.Dying), in, true, uniter.Decision{Step: uniter.Run, Hook: hook.Info{Kind: hooks.RelationBroken, RelationId: 1}}},
		"to be left":         {uniter.Record{Operation: done, Relations: none}, with(model.Dying), in, true, uniter.Decision{Step: uniter.Leave, RelationId: 1}},
		"left, others there": {uniter.Record{Operation: done, Relations: none}, with(model.Dying), nil, true, uniter.Decision{Step: uniter.Wait}},
		"gone":               {uniter.Record{Operation: done, Relations: entered}, alive, nil, true, uniter.Decision{Step: uniter.Forget, RelationId: 1}},
		"leaving": {uniter.Record{Operation: done, Relations: joined}, leaving, met, true, uniter.Decision{Step: uniter.Run, Hook: hook.Info{
			Kind: hooks.RelationDeparted, RelationId: 1, RemoteUnit: "mysql/0", DepartingUnit: "wordpress/0", ChangeVersion: 3}}},
	} {
		got, _, err := uniter.Due(test.record, test.state, test.seen, test.leads)
		if err != nil || got != test.want {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, test.want)
		}
	}
}
