package model

import (
	"context"
	"reflect"

	"gopkg.in/tomb.v2"
)

// UnitState is all of the model that decides what a unit has to do, apart from its relations' members.
// Its maps are shared by all who receive them and are not to be changed.
type UnitState struct {
	Unit            Unit
	ApplicationLife Life
	Resolved        Resolved
	Charm           CharmRef
	Trust           bool
	// Config holds the values in effect, typed (string, int64, float64, bool), without the unset options.
	Config map[string]any
	// ConfigAll is Config with a nil for each unset option.
	ConfigAll map[string]any
	// ConfigHash changes with Config and Trust, and with nothing else.
	ConfigHash string
	Relations  map[int]UnitRelation
	// LeaderSettings is the version of what the application's leader shares with its units, 0 if it never shared anything.
	LeaderSettings int64
}

// UnitWatcher is a worker that tells what became of a unit. It ends with an error that satisfies IsNotFound when
// the unit is not there, or no longer.
type UnitWatcher struct {
	tomb    tomb.Tomb
	changes chan UnitState
	woken   chan struct{}

	application *applicationShare
	follower    follower
	// unit is what the unit's keys say, received from the follower's goroutine.
	unit chan Unit
}

// WatchUnit starts a watcher of a unit.
func (m *Model) WatchUnit(unit string) (*UnitWatcher, error) {
	application, err := applicationOf(unit)
	if err != nil {
		return nil, err
	}
	w := &UnitWatcher{
		changes: make(chan UnitState), woken: make(chan struct{}, 1), unit: make(chan Unit),
		application: m.shareApplication(application),
	}
	w.follower = follower{m: m, prefix: m.keys.unit(unit), wanted: wantedOfUnit, apply: w.apply(unit)}
	w.application.wake(w.woken)
	w.tomb.Go(func() error {
		w.tomb.Go(func() error { return w.follower.run(w.tomb.Context(context.Background())) })
		err := w.loop()
		w.application.leave(w.woken)
		w.tomb.Kill(err)
		close(w.changes)
		return err
	})
	return w, nil
}

func wantedOfUnit(rest string) bool {
	for _, suffix := range unitSuffixes {
		if rest == suffix {
			return true
		}
	}
	return false
}

// apply returns what the follower tells its changes.
func (w *UnitWatcher) apply(name string) func([]change) error {
	state, err := newUnit(name)
	return func(changes []change) error {
		if err != nil {
			return err
		}
		for _, c := range changes {
			if err := state.set(w.follower.prefix+c.rest, c.rest, c.value); err != nil {
				return err
			}
		}
		if state.Life == "" {
			return &NotFoundError{Noun: unitNoun(name)}
		}
		select {
		case w.unit <- state.withDefaults():
		case <-w.tomb.Dying():
		}
		return nil
	}
}

// Changes returns a channel that delivers the unit's whole state: first as it is, then, whenever something that an
// agent has to act on has changed, as it has become. States in between are skipped if nobody receives them.
// Statuses, ports, the claim and the workload's version, which agents write themselves, are in the state but are no
// reason to deliver it. The channel is closed when the watcher ends.
func (w *UnitWatcher) Changes() <-chan UnitState { return w.changes }

// Kill is part of worker.Worker.
func (w *UnitWatcher) Kill() { w.tomb.Kill(nil) }

// Wait is part of worker.Worker.
func (w *UnitWatcher) Wait() error { return w.tomb.Wait() }

func (w *UnitWatcher) loop() error {
	var unit *Unit
	var delivered, next *UnitState
	for {
		var out chan UnitState
		var value UnitState
		if next != nil {
			out, value = w.changes, *next
		}
		select {
		case <-w.tomb.Dying():
			return tomb.ErrDying
		case out <- value:
			delivered, next = next, nil
			continue
		case fresh := <-w.unit:
			unit = &fresh
		case <-w.woken:
		}
		view, err := w.application.current()
		if err != nil {
			return err
		}
		if unit == nil || view == nil {
			continue
		}
		state := newUnitState(*unit, view)
		next = nil
		if delivered == nil || !state.sameWork(*delivered) {
			next = &state
		}
	}
}

func newUnitState(unit Unit, view *applicationView) UnitState {
	return UnitState{
		Unit: unit, ApplicationLife: view.life, Resolved: unit.Resolved, Charm: view.charm, Trust: view.trust,
		Config: view.config, ConfigAll: view.configAll, ConfigHash: view.configHash, Relations: view.relations,
		LeaderSettings: view.leaderSettings,
	}
}

// sameWork tells whether two states leave an agent the same things to do.
func (s UnitState) sameWork(other UnitState) bool {
	for _, state := range []*UnitState{&s, &other} {
		state.Unit.Workload, state.Unit.Agent = StatusInfo{}, StatusInfo{}
		state.Unit.WorkloadVersion, state.Unit.VersionSince = "", state.Unit.Created
		state.Unit.Ports, state.Unit.Taken, state.Unit.AgentAlive = nil, false, false
	}
	return reflect.DeepEqual(s, other)
}
