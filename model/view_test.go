package model

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/unit-agent/unit-agent/store/etcdtest"
)

func TestViewIsOfOneMoment(t *testing.T) {
	r := newRig(t)
	id := r.related()
	set := func(value string) {
		t.Helper()
		r.check(r.Commit(r.ctx, Flush{
			Unit: "mysql/0", RelationUnit: map[int]map[string]string{id: {"k": value}}, RelationApp: map[int]map[string]string{id: {"k": value}},
			OpenPorts: []PortRange{tcp(len(value), len(value))}, WorkloadStatus: &StatusInfo{Status: value},
		}))
	}
	set("a")
	view := r.View("wordpress/0")
	settings, err := view.UnitSettings(r.ctx, id, "mysql/0")
	r.check(err)
	if settings["k"] != "a" {
		t.Errorf("got %v", settings)
	}
	settings["k"] = "the caller's to change"
	set("bb")
	r.enter(id, "mysql/1")

	settings, err = view.UnitSettings(r.ctx, id, "mysql/0")
	r.check(err)
	application, err := view.ApplicationSettings(r.ctx, id, "mysql")
	r.check(err)
	if settings["k"] != "a" || application["k"] != "a" {
		t.Errorf("got %v and %v, want what was there at first", settings, application)
	}
	members, err := view.RelationMembers(r.ctx, id)
	r.check(err)
	if !slices.Equal(members, []string{"mysql/0"}) {
		t.Errorf("got members %v", members)
	}
	unit, err := view.Unit(r.ctx, "mysql/0")
	r.check(err)
	if unit.Workload.Status != "a" || len(unit.Ports) != 1 || unit.Ports[0].From != 1 {
		t.Errorf("got unit %+v", unit)
	}
	fresh, err := r.View("wordpress/0").RelationMembers(r.ctx, id)
	r.check(err)
	if !slices.Equal(fresh, []string{"mysql/0", "mysql/1"}) {
		t.Errorf("got members %v", fresh)
	}
}

// TestViewIsCached reads without a store what was read before.
func TestViewIsCached(t *testing.T) {
	r := newRig(t)
	id := r.related()
	view := r.View("wordpress/0")
	read := func(ctx context.Context) {
		t.Helper()
		_, err := view.UnitSettings(ctx, id, "mysql/0")
		r.check(err)
		_, err = view.ApplicationSettings(ctx, id, "mysql")
		r.check(err)
		_, err = view.RelationMembers(ctx, id)
		r.check(err)
		_, err = view.Unit(ctx, "mysql/0")
		r.check(err)
		_, err = view.Application(ctx, "mysql")
		r.check(err)
		_, _, err = view.ApplicationStatus(ctx, "mysql")
		r.check(err)
		_, err = view.OpenPortsOnMachine(ctx, "0")
		r.check(err)
	}
	read(r.ctx)
	gone, cancel := context.WithCancel(r.ctx)
	cancel()
	read(gone)
}

// TestViewOfForgottenMoment compacts away the moment that a view shows: it goes on with the present one.
func TestViewOfForgottenMoment(t *testing.T) {
	server := etcdtest.NewServer(t)
	r := openRig(t, Config{Client: server.Client(), Logger: silent})
	id := r.related()
	view := r.View("wordpress/0")
	_, err := view.Unit(r.ctx, "wordpress/0")
	r.check(err)
	r.check(r.Commit(r.ctx, Flush{Unit: "mysql/0", RelationUnit: map[int]map[string]string{id: {"k": "new"}}}))
	server.Compact()
	settings, err := view.UnitSettings(r.ctx, id, "mysql/0")
	r.check(err)
	if settings["k"] != "new" {
		t.Errorf("got %v", settings)
	}
	r.enter(id, "mysql/1")
	server.Compact()
	members, err := view.RelationMembers(r.ctx, id)
	r.check(err)
	if !slices.Equal(members, []string{"mysql/0", "mysql/1"}) {
		t.Errorf("got members %v", members)
	}
}

func TestViewOfTheDeparted(t *testing.T) {
	r := newRig(t)
	id := r.related()
	r.check(r.LeaveScope(r.ctx, id, "mysql/0"))
	settings, err := r.View("wordpress/0").UnitSettings(r.ctx, id, "mysql/0")
	r.check(err)
	if !maps.Equal(settings, map[string]string{"ingress-address": "mysql/0"}) {
		t.Errorf("got %v", settings)
	}
	// They are readable after the unit itself is gone.
	r.check(r.RemoveUnit(r.ctx, "mysql/0"))
	r.check(r.RemoveDeadUnit(r.ctx, "mysql/0"))
	if _, err := r.View("wordpress/0").UnitSettings(r.ctx, id, "mysql/0"); err != nil {
		t.Error(err)
	}
}

func TestViewOfWhatIsNotThere(t *testing.T) {
	r := newRig(t)
	id := r.related()
	view := r.View("wordpress/0")
	empty, err := view.ApplicationSettings(r.ctx, id, "mysql")
	r.check(err)
	if empty == nil || len(empty) != 0 {
		t.Errorf("settings that were never written are %v", empty)
	}
	_, e1 := view.UnitSettings(r.ctx, id, "mysql/1")
	_, e2 := view.UnitSettings(r.ctx, 77, "mysql/0")
	_, e3 := view.ApplicationSettings(r.ctx, 77, "mysql")
	_, e4 := view.ApplicationSettings(r.ctx, id, "other")
	_, e5 := view.RelationMembers(r.ctx, 77)
	_, e6 := view.Unit(r.ctx, "mysql/9")
	_, e7 := view.Application(r.ctx, "other")
	_, _, e8 := view.ApplicationStatus(r.ctx, "other")
	for want, err := range map[string]error{
		`unit "mysql/1" in relation 1 not found`:      e1,
		`unit "mysql/0" in relation 77 not found`:     e2,
		`relation 77 not found`:                       e3,
		`application "other" in relation 1 not found`: e4,
		`unit "mysql/9" not found`:                    e6,
		`application "other" not found`:               e7,
	} {
		wantError(t, err, want)
		if !IsNotFound(err) {
			t.Errorf("%v does not satisfy IsNotFound", err)
		}
	}
	wantError(t, e5, `relation 77 not found`)
	wantError(t, e8, `application "other" not found`)
	_, err = view.UnitSettings(r.ctx, id, "../meta")
	wantError(t, err, `invalid unit name "../meta"`)
	_, err = view.Unit(r.ctx, "mysql")
	wantError(t, err, `invalid unit name "mysql"`)
	_, err = r.View("other/0").RelationMembers(r.ctx, id)
	wantError(t, err, `application "other" is not in relation 1 "wordpress:db mysql:server"`)
}

func TestViewMembers(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 3)
	r.deploy(logger, 0)
	r.enter(0, "mysql/0", "mysql/2")
	boxed := r.relate("logger:info", "mysql").Id
	r.addSubordinate("logger/0", "mysql/0")
	r.addSubordinate("logger/1", "mysql/1")
	r.enter(boxed, "mysql/0", "mysql/1", "logger/0", "logger/1")
	for _, test := range []struct {
		unit string
		id   int
		want []string
	}{
		{"mysql/0", 0, []string{"mysql/2"}},
		{"mysql/1", 0, []string{"mysql/0", "mysql/2"}},
		{"logger/0", boxed, []string{"mysql/0"}},
		{"logger/1", boxed, []string{"mysql/1"}},
		{"mysql/0", boxed, []string{"logger/0"}},
		{"mysql/2", boxed, []string{}},
	} {
		got, err := r.View(test.unit).RelationMembers(r.ctx, test.id)
		r.check(err)
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s sees %v in relation %d, want %v", test.unit, got, test.id, test.want)
		}
	}
}

func TestOpenPortsOnMachine(t *testing.T) {
	r := newRig(t)
	machine, err := r.AddMachine(r.ctx, Machine{})
	r.check(err)
	r.deploy(mysql, 1)
	_, err = r.AddUnits(r.ctx, "mysql", 3, machine)
	r.check(err)
	for i, unit := range []string{"mysql/0", "mysql/1", "mysql/2"} {
		r.check(r.Commit(r.ctx, Flush{Unit: unit, OpenPorts: []PortRange{tcp(i+1, i+1)}}))
	}
	r.check(r.Commit(r.ctx, Flush{Unit: "mysql/2", ClosePorts: []PortRange{tcp(3, 3)}}))
	got, err := r.View("mysql/1").OpenPortsOnMachine(r.ctx, machine)
	r.check(err)
	if want := map[string][]PortRange{"mysql/1": {tcp(2, 2)}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
