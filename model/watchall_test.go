package model

import (
	"context"
	"testing"

	"github.com/unit-agent/unit-agent/store/etcdtest"
)

// watchAllOf returns the channel after its first word.
func (r *rig) watchAllOf() <-chan struct{} {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.ctx)
	changes := r.WatchAll(ctx)
	r.t.Cleanup(func() {
		cancel()
		for range changes {
		}
	})
	receive(r.t, changes)
	return changes
}

func TestWatchAll(t *testing.T) {
	r := newRig(t)
	machine, err := r.AddMachine(r.ctx, Machine{})
	r.check(err)
	r.related()
	changes := r.watchAllOf()
	for about, change := range map[string]func() error{
		"a status":      func() error { return r.SetWorkloadStatus(r.ctx, "mysql/0", StatusInfo{Status: StatusActive}) },
		"a new unit":    func() error { _, err := r.AddUnits(r.ctx, "mysql", 1, machine); return err },
		"a life":        func() error { return r.RemoveRelation(r.ctx, "mysql", "wordpress") },
		"ports":         func() error { return r.Commit(r.ctx, Flush{Unit: "mysql/0", OpenPorts: []PortRange{tcp(1, 1)}}) },
		"a machine":     func() error { _, err := r.AddMachine(r.ctx, Machine{}); return err },
		"a leader":      func() error { r.put(r.LeaderKey("mysql"), `{"holder":"mysql/0"}`); return nil },
		"an app status": func() error { return r.SetApplicationStatus(r.ctx, "mysql", StatusInfo{Status: StatusActive}) },
	} {
		before, err := r.Status(r.ctx)
		r.check(err)
		r.check(change())
		for {
			receive(t, changes)
			after, err := r.Status(r.ctx)
			r.check(err)
			if after.Revision > before.Revision {
				break
			}
			t.Logf("%s: woken before", about)
		}
	}
}

// TestWatchAllIgnoresWhatIsNotShown asks what wakes, for keys as the watch delivers them.
func TestWatchAllIgnoresWhatIsNotShown(t *testing.T) {
	w := watchAll{leaders: map[string]string{}}
	for _, test := range []struct {
		rest, value string
		want        bool
	}{
		{"meta", "{}", false},
		{"sequences/relation", "{}", false},
		{"apps/mysql/meta", "{}", true},
		{"apps/mysql/charm", "{}", true},
		{"apps/mysql/status", "{}", true},
		{"apps/mysql/config", "{}", false},
		{"apps/mysql/relations/3", "{}", true},
		{"apps/mysql/leases/leader", `{"holder":"mysql/0","n":1}`, true},
		{"apps/mysql/leases/leader", `{"holder":"mysql/0","n":2}`, false},
		{"apps/other/leases/leader", `{"holder":"mysql/0","n":2}`, true},
		{"apps/mysql/leases/leader", `{"holder":"mysql/1"}`, true},
		{"apps/mysql/leases/leader", "", true},
		{"apps/mysql/leases/leader", "", false},
		{"apps/mysql/leases/pins/x", `{"holder":"mysql/1"}`, false},
		{"relations/3/meta", "{}", false},
		{"relations/3/units/mysql/0", "{}", false},
		{"units/mysql/0/meta", "{}", true},
		{"units/mysql/0/claim", "{}", true},
		{"machines/0/alive", "{}", true},
		{"machines/0/units/mysql/0", "{}", true},
		{"nonsense", "", false},
	} {
		if got := w.shown(test.rest, []byte(test.value)); got != test.want {
			t.Errorf("%s = %s wakes: %t, want %t", test.rest, test.value, got, test.want)
		}
	}
}

func TestWatchAllUnderTrouble(t *testing.T) {
	server := etcdtest.NewServer(t)
	r := openRig(t, Config{Client: server.Client(), Logger: silent})
	line := newLine(t, server)
	far := openRig(t, Config{Client: line.client, Logger: silent})
	changes := far.watchAllOf()
	for range 3 {
		line.cut()
		_, err := r.AddMachine(r.ctx, Machine{})
		r.check(err)
		server.Compact()
		line.mend()
		receive(t, changes)
	}
	server.Restart()
	_, err := r.AddMachine(r.ctx, Machine{})
	r.check(err)
	receive(t, changes)
}
