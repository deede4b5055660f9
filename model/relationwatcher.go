package model

import (
	"context"
	"maps"
	"slices"
	"sync"

	"gopkg.in/tomb.v2"

	"github.com/unit-agent/unit-agent/uniter/relation"
)

// RelationUnitsWatcher is a worker that tells what one unit sees of a relation: the units of the other side, or its
// peers, never itself, and the settings of the other application, or in a peer relation of its own. In a relation
// of container scope it sees only the units of the same principal. What the unit's own agent wrote is no change.
//
// It ends with an error that satisfies IsNotFound if the relation is not there. When a relation that it watches is
// removed, everybody departs and nothing more comes.
type RelationUnitsWatcher struct {
	tomb    tomb.Tomb
	m       *Model
	unit    string
	changes chan relation.RelationUnitsChange
	woken   chan struct{}
	share   *relationShare

	// sight is set before the watcher is attached to the share.
	sight sight

	// fresh and applicationSeen belong to the share, which uses them with its mu held.
	fresh           delta
	applicationSeen int64

	mu      sync.Mutex
	pending delta
}

var _ relation.RelationUnitsWatcher = (*RelationUnitsWatcher)(nil)

// WatchRelationUnits starts a watcher of what a unit sees of a relation.
func (m *Model) WatchRelationUnits(relationId int, unit string) (*RelationUnitsWatcher, error) {
	if _, err := applicationOf(unit); err != nil {
		return nil, err
	}
	w := &RelationUnitsWatcher{
		m: m, unit: unit, changes: make(chan relation.RelationUnitsChange), woken: make(chan struct{}, 1),
		share: m.shareRelation(relationId),
	}
	w.share.wake(w.woken)
	w.tomb.Go(func() error {
		err := w.loop()
		w.share.leave(w)
		w.tomb.Kill(err)
		close(w.changes)
		return err
	})
	return w, nil
}

// Changes returns a channel that delivers first the whole present state, then what became different. Several
// changes become one if nobody receives them. A unit that left may be named though it was never delivered as
// present. The channel is closed when the watcher ends.
func (w *RelationUnitsWatcher) Changes() <-chan relation.RelationUnitsChange { return w.changes }

// Err returns tomb.ErrStillAlive while the watcher runs, then the error that it ended with.
func (w *RelationUnitsWatcher) Err() error { return w.tomb.Err() }

// Stop ends the watcher and returns the error that it ended with.
func (w *RelationUnitsWatcher) Stop() error {
	w.Kill()
	return w.Wait()
}

// Kill is part of worker.Worker.
func (w *RelationUnitsWatcher) Kill() { w.tomb.Kill(nil) }

// Wait is part of worker.Worker.
func (w *RelationUnitsWatcher) Wait() error { return w.tomb.Wait() }

func (w *RelationUnitsWatcher) loop() error {
	attached := false
	var next delta
	for {
		var out chan relation.RelationUnitsChange
		var value relation.RelationUnitsChange
		if !next.empty() {
			out, value = w.changes, next.change()
		}
		select {
		case <-w.tomb.Dying():
			return tomb.ErrDying
		case out <- value:
			next = delta{}
		case <-w.woken:
			found, listed, err := w.share.look()
			if err != nil {
				return err
			}
			if listed && !attached {
				if err := w.attach(found); err != nil {
					return err
				}
				attached = true
			}
			next.merge(w.take())
		}
	}
}

// attach finds out what the unit sees and has the share tell of it.
func (w *RelationUnitsWatcher) attach(found Relation) error {
	var err error
	if w.sight, err = sightOf(found, w.unit); err != nil {
		return err
	}
	if w.sight.container {
		if err := w.findPrincipal(); err != nil {
			return err
		}
	}
	w.share.attach(w)
	return nil
}

func (w *RelationUnitsWatcher) findPrincipal() error {
	ctx := w.tomb.Context(context.Background())
	err := w.m.persist(ctx, func() (bool, error) {
		unit, err := w.m.Unit(ctx, w.unit)
		switch {
		case IsNotFound(err):
			return false, applyError{err}
		case err != nil:
			return false, err
		}
		w.sight.principal = principalOf(w.unit, unit.Principal)
		return true, errDone
	})
	if err == nil && ctx.Err() != nil {
		return tomb.ErrDying
	}
	return err
}

// addApplication puts the settings of an application into a delta if they are news to the unit. It is called with
// the share's mu held.
func (w *RelationUnitsWatcher) addApplication(to *delta, application string, bag bagVersion) {
	version := bag.seenBy(w.unit)
	if application != w.sight.remote || version == 0 || version == w.applicationSeen {
		return
	}
	w.applicationSeen = version
	to.write(application, version)
}

// flush passes on what the share has found new. It is called with the share's mu held.
func (w *RelationUnitsWatcher) flush() {
	if !w.fresh.empty() {
		w.add(w.fresh)
		w.fresh = delta{}
	}
}

func (w *RelationUnitsWatcher) add(more delta) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending.merge(more)
	poke(w.woken)
}

func (w *RelationUnitsWatcher) take() delta {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.pending
	w.pending = delta{}
	return taken
}

// delta is a RelationUnitsChange in the making. In the whole state there is nobody who departed.
type delta struct {
	whole        bool
	changed      map[string]relation.UnitSettings
	applications map[string]int64
	departed     map[string]struct{}
}

func (d *delta) empty() bool {
	return !d.whole && len(d.changed) == 0 && len(d.applications) == 0 && len(d.departed) == 0
}

func (d *delta) enter(unit string, version int64) {
	if d.changed == nil {
		d.changed = map[string]relation.UnitSettings{}
	}
	d.changed[unit] = relation.UnitSettings{Version: version}
	delete(d.departed, unit)
}

func (d *delta) depart(unit string) {
	delete(d.changed, unit)
	if d.whole {
		return
	}
	if d.departed == nil {
		d.departed = map[string]struct{}{}
	}
	d.departed[unit] = struct{}{}
}

func (d *delta) write(application string, version int64) {
	if d.applications == nil {
		d.applications = map[string]int64{}
	}
	d.applications[application] = version
}

// merge adds what happened after d.
func (d *delta) merge(later delta) {
	if d.empty() || later.whole {
		*d = later
		return
	}
	for unit, settings := range later.changed {
		d.enter(unit, settings.Version)
	}
	for unit := range later.departed {
		d.depart(unit)
	}
	for application, version := range later.applications {
		d.write(application, version)
	}
}

func (d *delta) change() relation.RelationUnitsChange {
	return relation.RelationUnitsChange{
		Changed: d.changed, AppChanged: d.applications, Departed: slices.Sorted(maps.Keys(d.departed)),
	}
}
