package model

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestDeploy(t *testing.T) {
	r := newRig(t)
	machine, err := r.AddMachine(r.ctx, Machine{Hostname: "host", Addresses: []string{"10.0.0.1"}})
	r.check(err)
	units, err := r.Deploy(r.ctx, DeployArgs{
		Application: "db", Charm: mysql, NumUnits: 2, Machine: machine, Trust: true,
	})
	r.check(err)
	if want := []string{"db/0", "db/1"}; !reflect.DeepEqual(units, want) {
		t.Errorf("got units %v, want %v", units, want)
	}
	application, err := r.Application(r.ctx, "db")
	r.check(err)
	if application.Life != Alive || !application.Trust || application.Subordinate || !reflect.DeepEqual(application.Charm, mysql) {
		t.Errorf("got application %+v", application)
	}
	unit, err := r.Unit(r.ctx, "db/1")
	r.check(err)
	want := Unit{
		Name: "db/1", Application: "db", Number: 1, Life: Alive, Machine: machine, Created: unit.Created,
		Workload: StatusInfo{Status: StatusWaiting, Message: "agent initialising", Since: unit.Created},
		Agent:    StatusInfo{Status: StatusAllocating, Since: unit.Created},
	}
	if !reflect.DeepEqual(unit, want) || unit.Created.IsZero() {
		t.Errorf("got unit  %+v\nwant unit %+v", unit, want)
	}
	snapshot, err := r.Status(r.ctx)
	r.check(err)
	peer := snapshot.RelationsOf("db")
	if len(peer) != 1 || !peer[0].Peer() || peer[0].Key() != "db:cluster" || peer[0].Life != Alive {
		t.Errorf("got relations %v, want the peer relation", peer)
	}
}

func TestDeployOnNoMachine(t *testing.T) {
	r := newRig(t)
	units := r.deploy(memcached, 1)
	unit, err := r.Unit(r.ctx, units[0])
	r.check(err)
	if unit.Machine != "" || unit.Workload.Message != "waiting for machine" {
		t.Errorf("got %+v", unit)
	}
}

func TestDeployPeersGetIdsOfTheirOwn(t *testing.T) {
	r := newRig(t)
	charm := testCharm("ring", "peers:\n  b: {interface: i}\n  a: {interface: j}\n", "")
	r.deploy(charm, 0)
	r.deploy(mysql, 0)
	snapshot, err := r.Status(r.ctx)
	r.check(err)
	got := map[int]string{}
	for id, relation := range snapshot.Relations {
		got[id] = relation.Key()
	}
	if want := map[int]string{0: "ring:a", 1: "ring:b", 2: "mysql:cluster"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got relations %v, want %v", got, want)
	}
}

func TestDeployRefuses(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	r.deploy(memcached, 1)
	r.take("memcached/0")
	r.check(r.RemoveApplication(r.ctx, "memcached"))
	for _, test := range []struct {
		about string
		args  DeployArgs
		want  string
	}{
		{"bad name", DeployArgs{Application: "app-1", Charm: mysql}, `cannot add application "app-1": invalid application name`},
		{"no name", DeployArgs{Charm: mysql}, `cannot add application "": invalid application name`},
		{"there already", DeployArgs{Application: "mysql", Charm: mysql}, `cannot add application "mysql": application already exists`},
		{
			"still going", DeployArgs{Application: "memcached", Charm: memcached},
			`cannot add application "memcached": an application of this name is still being removed: try again when it is gone`,
		},
		{"unknown option", DeployArgs{Application: "wp", Charm: wordpress, Config: map[string]string{"x": "1"}}, `cannot add application "wp": unknown option "x"`},
		{
			"wrong type", DeployArgs{Application: "wp", Charm: wordpress, Config: map[string]string{"port": "many"}},
			`cannot add application "wp": option "port" expected int, got "many"`,
		},
		{"negative number", DeployArgs{Application: "wp", Charm: wordpress, NumUnits: -1}, `cannot add application "wp": the number of units must be at least 1, not -1`},
		{"no such machine", DeployArgs{Application: "wp", Charm: wordpress, NumUnits: 1, Machine: "7"}, `cannot add application "wp": machine "7" not found`},
		{"bad machine", DeployArgs{Application: "wp", Charm: wordpress, NumUnits: 1, Machine: "x/.."}, `cannot add application "wp": invalid machine id "x/.."`},
		{
			"subordinate with units", DeployArgs{Application: "logger", Charm: logger, NumUnits: 1},
			`cannot add application "logger": the units of a subordinate application come with those that it is related to`,
		},
	} {
		t.Run(test.about, func(t *testing.T) {
			r.unchanged(func() {
				_, err := r.Deploy(r.ctx, test.args)
				wantError(t, err, test.want)
			})
		})
	}
	t.Run("no charm", func(t *testing.T) {
		r.unchanged(func() {
			_, err := r.Deploy(r.ctx, DeployArgs{Application: "x"})
			if err == nil || !strings.HasPrefix(err.Error(), `cannot add application "x": cannot read charm: `) {
				t.Errorf("got error %v", err)
			}
		})
	})
	_, err := r.Deploy(r.ctx, DeployArgs{Application: "mysql", Charm: mysql})
	if !IsAlreadyExists(err) {
		t.Errorf("%v is not of what exists", err)
	}
}

func TestAddUnits(t *testing.T) {
	r := newRig(t)
	machine, err := r.AddMachine(r.ctx, Machine{})
	r.check(err)
	r.deploy(mysql, 1)
	units, err := r.AddUnits(r.ctx, "mysql", 2, machine)
	r.check(err)
	if want := []string{"mysql/1", "mysql/2"}; !reflect.DeepEqual(units, want) {
		t.Errorf("got units %v, want %v", units, want)
	}
	if n := r.count(r.keys.machineUnits(machine)); n != 2 {
		t.Errorf("%d units are placed on the machine, want 2", n)
	}
}

func TestAddUnitsRefuses(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	r.deploy(logger, 0)
	r.deploy(memcached, 1)
	r.take("memcached/0")
	r.check(r.RemoveApplication(r.ctx, "memcached"))
	for _, test := range []struct {
		application string
		n           int
		machine     string
		want        string
	}{
		{"mysql", 0, "", `cannot add unit to application "mysql": the number of units must be at least 1, not 0`},
		{"mysql", 1, "0", `cannot add unit to application "mysql": machine "0" not found`},
		{"nobody", 1, "", `cannot add unit to application "nobody": application "nobody" not found`},
		{"a/b", 1, "", `cannot add unit to application "a/b": invalid application name "a/b"`},
		{"memcached", 1, "", `cannot add unit to application "memcached": application "memcached" is not alive`},
		{"logger", 1, "", `cannot add unit to application "logger": the units of a subordinate application come with those that it is related to`},
	} {
		t.Run(test.want, func(t *testing.T) {
			r.unchanged(func() {
				_, err := r.AddUnits(r.ctx, test.application, test.n, test.machine)
				wantError(t, err, test.want)
			})
		})
	}
	if _, err := r.AddUnits(r.ctx, "memcached", 1, ""); !errors.Is(err, ErrDying) {
		t.Errorf("%v is not ErrDying", err)
	}
	if _, err := r.AddUnits(r.ctx, "nobody", 1, ""); !IsNotFound(err) {
		t.Errorf("%v does not satisfy IsNotFound", err)
	}
}

// TestNumbersAreNotUsedTwice removes units and whole applications in between.
func TestNumbersAreNotUsedTwice(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 2)
	r.check(r.RemoveUnit(r.ctx, "mysql/1"))
	units, err := r.AddUnits(r.ctx, "mysql", 1, "")
	r.check(err)
	if units[0] != "mysql/2" {
		t.Errorf("after mysql/1 came %s", units[0])
	}
	r.check(r.RemoveApplication(r.ctx, "mysql"))
	if units := r.deploy(mysql, 1); units[0] != "mysql/3" {
		t.Errorf("the next application began with %s, want mysql/3", units[0])
	}
	snapshot, err := r.Status(r.ctx)
	r.check(err)
	if relations := snapshot.RelationsOf("mysql"); len(relations) != 1 || relations[0].Id != 1 {
		t.Errorf("got relations %v, want one with id 1", relations)
	}
}

func TestMachines(t *testing.T) {
	r := newRig(t)
	id, err := r.AddMachine(r.ctx, Machine{Id: "99", Hostname: "a", Addresses: []string{"10.0.0.1"}, AgentAlive: true})
	r.check(err)
	machine, err := r.Machine(r.ctx, id)
	r.check(err)
	if id != "0" || machine.Id != "0" || machine.Hostname != "a" || machine.Addresses[0] != "10.0.0.1" || machine.AgentAlive || machine.Since.IsZero() {
		t.Errorf("got machine %q: %+v", id, machine)
	}
	r.check(r.UpdateMachine(r.ctx, Machine{Id: id, Hostname: "b"}))
	updated, err := r.Machine(r.ctx, id)
	r.check(err)
	if updated.Hostname != "b" || len(updated.Addresses) != 0 || !updated.Since.Equal(machine.Since) {
		t.Errorf("got machine %+v", updated)
	}
	_, err = r.Machine(r.ctx, "1")
	wantError(t, err, `machine "1" not found`)
	if !IsNotFound(err) {
		t.Errorf("%v does not satisfy IsNotFound", err)
	}
	wantError(t, r.UpdateMachine(r.ctx, Machine{Id: "1"}), `machine "1" not found`)
	wantError(t, r.UpdateMachine(r.ctx, Machine{Id: "-"}), `invalid machine id "-"`)
}
