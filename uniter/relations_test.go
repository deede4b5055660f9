package uniter_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/statedir"
	"github.com/unit-agent/unit-agent/uniter"
)

// newPair is a world with wordpress/0 and two units of mysql, and their relation.
func newPair(t *testing.T) (w *world, db int) {
	t.Helper()
	w = newWorld(t)
	w.deploy("wordpress", wordpress, 1)
	w.deploy("mysql", mysql, 2)
	return w, w.relate("wordpress:db", "mysql:server")
}

// TestRelationsEnd has a relation removed while the units on the other side stay,
// and made again.
func TestRelationRemovedAndMadeAgain(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	w.enter(db, "mysql/0")
	a := w.start("wordpress/0")
	a.awaitIdle()
	w.clearHooks("wordpress/0")

	w.script("db-relation-departed", `echo "departing $JUJU_DEPARTING_UNIT, members $(relation-list)" >>"$log"`)
	w.check(w.RemoveRelation(w.ctx, "wordpress", "mysql"))
	a.awaitIdle()
	want(t, "hooks", w.lines("wordpress/0"),
		"begin db-relation-departed db:1 mysql/0", "departing mysql/0, members ", "end db-relation-departed db:1 mysql/0",
		"begin db-relation-broken db:1", "end db-relation-broken db:1")
	w.leave(db, "mysql/0") // The last one to leave takes the relation with it.

	w.clearHooks("wordpress/0")
	again := w.relate("wordpress:db", "mysql:server")
	w.enter(again, "mysql/1")
	a.awaitIdle()
	w.wantHooks("wordpress/0", `
		db-relation-created db:2
		db-relation-joined db:2 mysql/1
		db-relation-changed db:2 mysql/1
	`)
}

// TestDepartingUnit has the unit itself go, with its application and without.
func TestDepartingUnit(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*world) error{
		"unit":        func(w *world) error { return w.RemoveUnit(w.ctx, "wordpress/0") },
		"application": func(w *world) error { return w.RemoveApplication(w.ctx, "wordpress") },
	} {
		t.Run(name, func(t *testing.T) {
			w, db := newPair(t)
			w.enter(db, "mysql/0")
			a := w.start("wordpress/0")
			a.awaitIdle()
			w.script("db-relation-departed", `echo "departing $JUJU_DEPARTING_UNIT" >>"$log"`)
			w.check(remove(w))
			if err := a.wait(); !errors.Is(err, uniter.ErrFinished) {
				t.Errorf("ended with %v", err)
			}
			if lines := w.lines("wordpress/0"); !slices.Contains(lines, "departing wordpress/0") {
				t.Errorf("hooks %q", lines)
			}
		})
	}
}

// TestUnitThatComesAndGoesUnseen has a unit leave before its joined hook could run.
func TestUnitThatComesAndGoesUnseen(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	in, out := w.pipe("in"), w.pipe("out")
	w.script("start", `echo started >"$world/out"; read line <"$world/in"`)
	a := w.start("wordpress/0")
	out.line()
	w.enter(db, "mysql/0")
	w.leave(db, "mysql/0")
	w.enter(db, "mysql/1")
	w.awaitSeen(db, "mysql/1")
	in.say("go on")
	a.awaitIdle()
	if hooks := w.hooks("wordpress/0"); strings.Contains(strings.Join(hooks, "\n"), "mysql/0") {
		t.Errorf("hooks %q", hooks)
	}
}

// TestPeers has two units of one application meet, and one of them go. There is
// no relation-broken for peers.
func TestPeers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("wordpress", wordpress, 2)
	a := w.start("wordpress/0")
	a.awaitIdle()
	b := w.start("wordpress/1", func(c *uniter.Config) { c.Leadership = newTracker("wordpress/1", false) })
	b.awaitIdle()
	a.awaitIdle()
	w.wantHooks("wordpress/0", `
		install
		ring-relation-created ring:0
		leader-elected
		config-changed
		start
		ring-relation-joined ring:0 wordpress/1
		ring-relation-changed ring:0 wordpress/1
	`)
	w.clearHooks("wordpress/0")
	w.clearHooks("wordpress/1")
	w.check(w.RemoveUnit(w.ctx, "wordpress/1"))
	if err := b.wait(); !errors.Is(err, uniter.ErrFinished) {
		t.Errorf("ended with %v", err)
	}
	a.awaitIdle()
	w.wantHooks("wordpress/1", "ring-relation-departed ring:0 wordpress/0\nstop\nremove\n")
	w.wantHooks("wordpress/0", "ring-relation-departed ring:0 wordpress/1\n")
	for _, outcome := range b.outcomes() {
		if strings.Contains(outcome, "broken") {
			t.Errorf("the journal has %s", outcome)
		}
	}
}

// TestRelationGoneByForce has the model lose a relation whose hook failed: the hook
// and the relation are forgotten, and the unit goes on.
func TestRelationGoneByForce(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	w.enter(db, "mysql/0")
	w.script("db-relation-changed", "exit 1")
	a := w.start("wordpress/0")
	a.awaitFailures(1)
	w.clearHooks("wordpress/0")
	w.forceRemove(db, "wordpress", "mysql")
	a.awaitIdle()
	w.awaitAgent("wordpress/0", model.StatusIdle, "")
	if dirs, err := statedir.ReadAllStateDirs(a.home.RelationsDir()); err != nil || dirs[db] != nil {
		t.Errorf("the relation's state is still there: %v, %v", dirs, err)
	}
	w.check(w.SetConfig(w.ctx, "wordpress", map[string]string{"value": "second"}, nil))
	a.awaitIdle()
	w.mend("db-relation-changed")
	again := w.relate("wordpress:db", "mysql:server")
	w.enter(again, "mysql/0")
	a.awaitIdle()
	w.wantHooks("wordpress/0", `
		config-changed
		db-relation-created db:2
		db-relation-joined db:2 mysql/0
		db-relation-changed db:2 mysql/0
	`)
}

// TestRelationGoneByForceDuringItsHook has the model lose the relation that a hook
// writes to.
func TestRelationGoneByForceDuringItsHook(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	w.enter(db, "mysql/0")
	in, out := w.pipe("in"), w.pipe("out")
	w.script("db-relation-changed", `relation-set a=b; echo here >"$world/out"; read line <"$world/in"`)
	a := w.start("wordpress/0")
	out.line()
	w.forceRemove(db, "wordpress", "mysql")
	in.say("go on")
	a.awaitIdle()
	want(t, "journal", a.outcomes()[5:], "start done", "db-relation-joined done", "db-relation-changed failed")
}

// TestRelationGoneBetweenStarts has the model lose a relation while no agent runs.
func TestRelationGoneBetweenStarts(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	w.enter(db, "mysql/0")
	a := w.start("wordpress/0")
	a.awaitIdle()
	w.check(a.stop())
	w.clearHooks("wordpress/0")
	w.forceRemove(db, "wordpress", "mysql")
	w.check(w.SetConfig(w.ctx, "wordpress", map[string]string{"value": "second"}, nil))
	a = w.start("wordpress/0")
	a.awaitIdle()
	w.wantHooks("wordpress/0", "config-changed")
}

// newRelations are the relations of wordpress/0 without its worker.
func newRelations(t *testing.T, w *world) uniter.Relations {
	t.Helper()
	relations, err := uniter.OpenRelations(uniter.Config{
		Unit: "wordpress/0", Home: uniter.Home{Dir: t.TempDir()}, Model: w.Model, Logger: silent,
	})
	w.check(err)
	t.Cleanup(relations.Stop)
	return relations
}

// TestEnterRelationThatEnds has the model refuse a unit that enters a relation, as
// it does when the relation ends while the news of it is on its way. Nothing may
// be tried again meanwhile.
func TestEnterRelationThatEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, db int){
		"dying": func(w *world, db int) {
			w.enter(db, "mysql/0")
			w.check(w.RemoveRelation(w.ctx, "wordpress", "mysql"))
		},
		"gone": func(w *world, _ int) { w.check(w.RemoveRelation(w.ctx, "wordpress", "mysql")) },
	} {
		t.Run(name, func(t *testing.T) {
			w, db := newPair(t)
			relations := newRelations(t, w)
			end(w, db)
			w.check(relations.Enter(w.ctx, db))
			local := uniter.Local{Relations: relations.Snapshot()}
			local.Installed, local.Started, local.Leader = true, true, true
			remote := uniter.Remote{Life: model.Alive, Leader: true, Relations: map[int]model.UnitRelation{db: {Id: db, Life: model.Alive}}}
			if decision := uniter.Next(local, remote); decision.Step != uniter.Wait {
				t.Errorf("then comes %+v", decision)
			}
		})
	}
}

// TestScheduleOfRelationThatIsGone has the watch of a relation find that it is
// gone before the unit does.
func TestScheduleOfRelationThatIsGone(t *testing.T) {
	t.Parallel()
	w, db := newPair(t)
	home := uniter.Home{Dir: t.TempDir()}
	w.check(os.MkdirAll(home.RelationsDir()+"/1", 0o755))
	relations, err := uniter.OpenRelations(uniter.Config{Unit: "wordpress/0", Home: home, Model: w.Model, Logger: silent})
	w.check(err)
	t.Cleanup(relations.Stop)
	w.check(relations.Enter(w.ctx, db))
	w.forceRemove(db)
	remote := uniter.Remote{Life: model.Alive, Relations: map[int]model.UnitRelation{db: {Id: db, Life: model.Alive}}}
	w.check(relations.Reconcile(remote))
	schedule := relations.Schedule(db)
	w.check(relations.Accept())
	w.check(relations.Reconcile(remote))
	if relations.Schedule(db) != schedule {
		t.Error("it is watched again and again until the news is here")
	}
	remote.Relations = nil
	if local := (uniter.Local{Relations: relations.Snapshot()}); uniter.Next(local, remote).Step != uniter.Forget {
		t.Error("it is not forgotten")
	}
}
