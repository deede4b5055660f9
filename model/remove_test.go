package model

import (
	"testing"
)

func TestRemoveUnitNobodyTookUp(t *testing.T) {
	r := newRig(t)
	machine, err := r.AddMachine(r.ctx, Machine{})
	r.check(err)
	r.deploy(mysql, 0)
	_, err = r.AddUnits(r.ctx, "mysql", 2, machine)
	r.check(err)
	r.check(r.SetWorkloadStatus(r.ctx, "mysql/0", StatusInfo{Status: StatusActive}))
	r.check(r.RemoveUnit(r.ctx, "mysql/0"))
	if n := r.count(r.keys.unit("mysql/0")); n != 0 {
		t.Errorf("%d keys of the unit are left", n)
	}
	if n := r.count(r.keys.machineUnits(machine)); n != 1 {
		t.Errorf("%d units are placed on the machine, want 1", n)
	}
	if r.applicationLife("mysql") != Alive {
		t.Error("the application went with the unit")
	}
}

func TestRemoveUnitThatRan(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	r.take("mysql/0")
	r.check(r.RemoveUnit(r.ctx, "mysql/0"))
	if life := r.life("mysql/0"); life != Dying {
		t.Errorf("the unit is %q, want dying", life)
	}
	r.unchanged(func() { r.check(r.RemoveUnit(r.ctx, "mysql/0")) })
	r.check(r.RemoveDeadUnit(r.ctx, "mysql/0"))
	if life := r.life("mysql/0"); life != "" {
		t.Errorf("the unit is still there, %q", life)
	}
	r.unchanged(func() { r.check(r.RemoveDeadUnit(r.ctx, "mysql/0")) })
}

func TestRemoveUnitInScope(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	r.enter(0, "mysql/0")
	r.check(r.RemoveUnit(r.ctx, "mysql/0"))
	if life := r.life("mysql/0"); life != Dying {
		t.Errorf("the unit is %q, want dying", life)
	}
	wantError(t, r.RemoveDeadUnit(r.ctx, "mysql/0"), `cannot remove unit "mysql/0": it is still in the scope of relation 0 "mysql:cluster"`)
	r.check(r.LeaveScope(r.ctx, 0, "mysql/0"))
	r.check(r.RemoveDeadUnit(r.ctx, "mysql/0"))
}

func TestRemoveUnitRefuses(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	for unit, want := range map[string]string{
		"mysql/1": `unit "mysql/1" not found`,
		"mysql":   `invalid unit name "mysql"`,
		"mysql/x": `invalid unit name "mysql/x"`,
		"a/../0":  `invalid unit name "a/../0"`,
		"":        `invalid unit name ""`,
	} {
		r.unchanged(func() { wantError(t, r.RemoveUnit(r.ctx, unit), want) })
	}
	if !IsNotFound(r.RemoveUnit(r.ctx, "mysql/1")) {
		t.Error("the error does not satisfy IsNotFound")
	}
	r.unchanged(func() {
		wantError(t, r.RemoveDeadUnit(r.ctx, "mysql/0"), `cannot remove unit "mysql/0": it is still alive`)
		wantError(t, r.RemoveDeadUnit(r.ctx, "mysql/00"), `invalid unit name "mysql/00"`)
	})
}

func TestRemoveApplicationNobodyTookUp(t *testing.T) {
	r := newRig(t)
	machine, err := r.AddMachine(r.ctx, Machine{})
	r.check(err)
	r.deploy(wordpress, 0)
	r.deploy(mysql, 0)
	_, err = r.AddUnits(r.ctx, "mysql", 2, machine)
	r.check(err)
	relation := r.relate("wordpress", "mysql")
	r.check(r.RemoveApplication(r.ctx, "mysql"))
	for _, prefix := range []string{
		r.keys.application("mysql"), r.keys.unitsOf("mysql"), r.keys.machineUnits(machine), r.keys.relations(), r.keys.index("wordpress"),
	} {
		if n := r.count(prefix); n != 0 {
			t.Errorf("%d keys are left under %s", n, prefix)
		}
	}
	if r.relationLife(relation.Id) != "" || r.applicationLife("wordpress") != Alive {
		t.Error("the other application is not as it was")
	}
}

func TestRemoveApplicationThatRan(t *testing.T) {
	r := newRig(t)
	r.deploy(wordpress, 1)
	r.deploy(mysql, 3)
	relation := r.relate("wordpress", "mysql")
	const peer = 0
	r.take("mysql/0", "mysql/1", "wordpress/0")
	r.enter(peer, "mysql/0", "mysql/1")
	r.enter(relation.Id, "mysql/0", "wordpress/0")

	r.check(r.RemoveApplication(r.ctx, "mysql"))
	for unit, want := range map[string]Life{"mysql/0": Dying, "mysql/1": Dying, "mysql/2": "", "wordpress/0": Alive} {
		if life := r.life(unit); life != want {
			t.Errorf("%s is %q, want %q", unit, life, want)
		}
	}
	if r.applicationLife("mysql") != Dying || r.relationLife(relation.Id) != Dying || r.relationLife(peer) != Dying {
		t.Error("the application or a relation of it is not dying")
	}
	for _, application := range []string{"mysql", "wordpress"} {
		if got, want := r.value(r.keys.indexed(application, relation.Id)), r.value(r.keys.relationMeta(relation.Id)); got != want {
			t.Errorf("the index of %s says %s, the relation %s", application, got, want)
		}
	}
	r.unchanged(func() { r.check(r.RemoveApplication(r.ctx, "mysql")) })

	r.check(r.LeaveScope(r.ctx, peer, "mysql/0"))
	r.check(r.LeaveScope(r.ctx, relation.Id, "mysql/0"))
	r.check(r.RemoveDeadUnit(r.ctx, "mysql/0"))
	if r.relationLife(relation.Id) != Dying {
		t.Error("the relation went while a unit was in its scope")
	}
	r.check(r.LeaveScope(r.ctx, peer, "mysql/1"))
	if r.relationLife(peer) != "" {
		t.Error("the peer relation is left with nobody in it")
	}
	r.check(r.RemoveDeadUnit(r.ctx, "mysql/1"))
	// The relation with wordpress still holds the application.
	if r.applicationLife("mysql") != Dying {
		t.Error("the application went before its last relation")
	}
	r.check(r.LeaveScope(r.ctx, relation.Id, "wordpress/0"))
	if r.applicationLife("mysql") != "" || r.relationLife(relation.Id) != "" {
		t.Error("the application or the relation is left")
	}
	if r.applicationLife("wordpress") != Alive || r.count(r.keys.index("wordpress")) != 0 {
		t.Error("the other application is not alive and without relations")
	}
}

// TestLastUnitTakesApplication has the relation go first, then the last unit.
func TestLastUnitTakesApplication(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 2)
	r.take("mysql/0", "mysql/1")
	r.check(r.RemoveApplication(r.ctx, "mysql"))
	if r.relationLife(0) != "" {
		t.Error("the peer relation with nobody in it is left")
	}
	r.check(r.RemoveDeadUnit(r.ctx, "mysql/1"))
	if r.applicationLife("mysql") != Dying {
		t.Error("the application went before its last unit")
	}
	r.check(r.RemoveDeadUnit(r.ctx, "mysql/0"))
	if n := r.count(r.keys.application("mysql")); n != 0 {
		t.Errorf("%d keys of the application are left", n)
	}
}

// TestBothApplicationsGo removes two applications, of which one waits for nothing but its relations with the other.
func TestBothApplicationsGo(t *testing.T) {
	r := newRig(t)
	r.deploy(wordpress, 1)
	r.deploy(haproxy, 1)
	first := r.relate("haproxy:front", "wordpress")
	second := r.relate("haproxy:back", "wordpress")
	r.enter(first.Id, "wordpress/0", "haproxy/0")
	r.enter(second.Id, "wordpress/0", "haproxy/0")
	r.check(r.RemoveApplication(r.ctx, "wordpress"))
	for _, id := range []int{first.Id, second.Id} {
		r.check(r.LeaveScope(r.ctx, id, "wordpress/0"))
	}
	r.check(r.RemoveDeadUnit(r.ctx, "wordpress/0"))
	r.check(r.RemoveUnit(r.ctx, "haproxy/0"))
	r.check(r.LeaveScope(r.ctx, first.Id, "haproxy/0"))
	r.check(r.RemoveApplication(r.ctx, "haproxy"))
	if r.applicationLife("wordpress") != Dying || r.applicationLife("haproxy") != Dying {
		t.Error("an application went too early")
	}
	r.check(r.LeaveScope(r.ctx, second.Id, "haproxy/0"))
	if r.applicationLife("wordpress") != "" {
		t.Error("the application that waited for its relations is left")
	}
	r.check(r.RemoveDeadUnit(r.ctx, "haproxy/0"))
	if n := r.count(r.keys.applications()) + r.count(r.keys.units()) + r.count(r.keys.relations()); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

// TestSeveralRelationsGoAtOnce has one command end all that another application waits for.
func TestSeveralRelationsGoAtOnce(t *testing.T) {
	r := newRig(t)
	r.deploy(wordpress, 1)
	r.deploy(haproxy, 0)
	first := r.relate("haproxy:front", "wordpress")
	second := r.relate("haproxy:back", "wordpress")
	// A program that died half way: the application is dying, with relations that nobody is in.
	r.put(r.keys.applicationMeta("haproxy"), `{"life":"dying"}`)
	r.check(r.RemoveApplication(r.ctx, "wordpress"))
	if r.applicationLife("haproxy") != "" || r.applicationLife("wordpress") != "" {
		t.Error("an application is left")
	}
	if r.relationLife(first.Id) != "" || r.relationLife(second.Id) != "" {
		t.Error("a relation is left")
	}
}

func TestRemoveApplicationRefuses(t *testing.T) {
	r := newRig(t)
	wantError(t, r.RemoveApplication(r.ctx, "nobody"), `application "nobody" not found`)
	wantError(t, r.RemoveApplication(r.ctx, "no/body"), `invalid application name "no/body"`)
}

func TestRemoveRelation(t *testing.T) {
	r := newRig(t)
	r.deploy(wordpress, 1)
	r.deploy(mysql, 1)
	relation := r.relate("wordpress", "mysql")
	r.check(r.RemoveRelation(r.ctx, "mysql", "wordpress"))
	if r.relationLife(relation.Id) != "" {
		t.Error("a relation that nobody is in is left")
	}

	relation = r.relate("wordpress", "mysql")
	if relation.Id != 2 {
		t.Errorf("the next relation has id %d, want 2", relation.Id)
	}
	r.enter(relation.Id, "mysql/0", "wordpress/0")
	r.check(r.RemoveRelation(r.ctx, "mysql:server", "wordpress:db"))
	if r.relationLife(relation.Id) != Dying {
		t.Error("a relation that units are in is not dying")
	}
	r.unchanged(func() { r.check(r.RemoveRelation(r.ctx, "mysql", "wordpress")) })
	r.check(r.LeaveScope(r.ctx, relation.Id, "mysql/0"))
	if r.relationLife(relation.Id) != Dying {
		t.Error("a relation that a unit is in is gone")
	}
	r.check(r.LeaveScope(r.ctx, relation.Id, "wordpress/0"))
	if n := r.count(r.keys.relation(relation.Id)); n != 0 {
		t.Errorf("%d keys of the relation are left", n)
	}
	if r.applicationLife("wordpress") != Alive || r.applicationLife("mysql") != Alive {
		t.Error("an application went with the relation")
	}
}
