package uniter_test

import (
	"errors"
	"testing"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter"
)

// TestLifeOfAUnit follows a unit that leads from its install hook to its remove
// hook, with two units on the other side of a relation.
func TestLifeOfAUnit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("wordpress", wordpress, 1)
	w.deploy("mysql", mysql, 2)
	db := w.relate("wordpress:db", "mysql:server")
	w.enter(db, "mysql/0", "host=a")
	w.enter(db, "mysql/1", "host=b")

	a := w.start("wordpress/0")
	a.awaitIdle()
	w.wantHooks("wordpress/0", `
		install
		ring-relation-created ring:0
		db-relation-created db:1
		leader-elected
		config-changed
		start
		db-relation-joined db:1 mysql/0
		db-relation-changed db:1 mysql/0
		db-relation-joined db:1 mysql/1
		db-relation-changed db:1 mysql/1
	`)
	w.awaitAgent("wordpress/0", model.StatusIdle, "")

	w.clearHooks("wordpress/0")
	w.set(db, "mysql/1", "host=c")
	a.awaitIdle()
	w.leave(db, "mysql/0")
	a.awaitIdle()
	w.wantHooks("wordpress/0", `
		db-relation-changed db:1 mysql/1
		db-relation-departed db:1 mysql/0
	`)

	w.clearHooks("wordpress/0")
	w.check(w.RemoveUnit(w.ctx, "wordpress/0"))
	if err := a.wait(); !errors.Is(err, uniter.ErrFinished) {
		t.Errorf("ended with %v", err)
	}
	w.wantHooks("wordpress/0", `
		db-relation-departed db:1 mysql/1
		db-relation-broken db:1
		stop
		remove
	`)
	if _, err := w.Unit(w.ctx, "wordpress/0"); !model.IsNotFound(err) {
		t.Errorf("the unit is still in the model: %v", err)
	}
}
