package model

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/juju/names/v4"
	"gopkg.in/tomb.v2"
)

// MachineUnitsWatcher is a worker that tells which units are placed on a machine.
type MachineUnitsWatcher struct {
	tomb     tomb.Tomb
	changes  chan []string
	follower follower
	placed   chan []string
}

// WatchMachineUnits starts a watcher of the units that are placed on a machine.
func (m *Model) WatchMachineUnits(machine string) (*MachineUnitsWatcher, error) {
	if !names.IsValidMachine(machine) {
		return nil, fmt.Errorf("invalid machine id %q", machine)
	}
	w := &MachineUnitsWatcher{changes: make(chan []string), placed: make(chan []string)}
	w.follower = follower{m: m, prefix: m.keys.machineUnits(machine), apply: w.apply}
	w.tomb.Go(func() error {
		w.tomb.Go(func() error { return w.follower.run(w.tomb.Context(context.Background())) })
		err := w.loop()
		w.tomb.Kill(err)
		close(w.changes)
		return err
	})
	return w, nil
}

// Changes returns a channel that delivers the sorted names of all units: first those that are placed there now,
// then, whenever that changes, those that are placed there then. What lies in between is skipped if nobody receives
// it. The channel is closed when the watcher ends.
func (w *MachineUnitsWatcher) Changes() <-chan []string { return w.changes }

// Kill is part of worker.Worker.
func (w *MachineUnitsWatcher) Kill() { w.tomb.Kill(nil) }

// Wait is part of worker.Worker.
func (w *MachineUnitsWatcher) Wait() error { return w.tomb.Wait() }

func (w *MachineUnitsWatcher) apply([]change) error {
	select {
	case w.placed <- slices.Sorted(maps.Keys(w.follower.known)):
	case <-w.tomb.Dying():
	}
	return nil
}

func (w *MachineUnitsWatcher) loop() error {
	var delivered, next []string
	for {
		var out chan []string
		if next != nil {
			out = w.changes
		}
		select {
		case <-w.tomb.Dying():
			return tomb.ErrDying
		case out <- next:
			delivered, next = next, nil
		case placed := <-w.placed:
			next = nil
			if delivered == nil || !slices.Equal(placed, delivered) {
				next = placed
				if next == nil {
					next = []string{}
				}
			}
		}
	}
}
