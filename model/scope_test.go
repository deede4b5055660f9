package model

import (
	"errors"
	"testing"
)

func TestEnterScope(t *testing.T) {
	r := newRig(t)
	r.deploy(wordpress, 2)
	r.deploy(mysql, 1)
	relation := r.relate("wordpress", "mysql")
	r.check(r.EnterScope(r.ctx, relation.Id, "mysql/0", map[string]string{"a": "1", "empty": ""}))
	if got, want := r.value(r.keys.member(relation.Id, "mysql/0")), `{"settings":{"a":"1"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r.unchanged(func() { r.check(r.EnterScope(r.ctx, relation.Id, "mysql/0", map[string]string{"b": "2"})) })
	// Who is in stays in, whatever became of the relation.
	r.check(r.RemoveRelation(r.ctx, "wordpress", "mysql"))
	r.unchanged(func() { r.check(r.EnterScope(r.ctx, relation.Id, "mysql/0", nil)) })
}

func TestEnterScopeRefuses(t *testing.T) {
	r := newRig(t)
	r.deploy(wordpress, 3)
	r.deploy(mysql, 1)
	r.deploy(memcached, 1)
	alive := r.relate("wordpress", "memcached")
	dying := r.relate("wordpress", "mysql")
	r.enter(dying.Id, "mysql/0")
	r.check(r.RemoveRelation(r.ctx, "wordpress", "mysql"))
	r.take("wordpress/1")
	r.check(r.RemoveUnit(r.ctx, "wordpress/1"))
	for _, test := range []struct {
		id                 int
		unit, want         string
		isDying, isMissing bool
	}{
		{dying.Id, "wordpress/0", "unit wordpress/0 cannot enter the scope of relation 2: relation 2 is not alive", true, false},
		{alive.Id, "wordpress/1", `unit wordpress/1 cannot enter the scope of relation 1: unit "wordpress/1" is not alive`, true, false},
		{alive.Id, "wordpress/7", `unit wordpress/7 cannot enter the scope of relation 1: unit "wordpress/7" not found`, false, true},
		{77, "wordpress/0", "unit wordpress/0 cannot enter the scope of relation 77: relation 77 not found", false, true},
		{alive.Id, "mysql/0", `unit mysql/0 cannot enter the scope of relation 1: application "mysql" is not in relation 1 "wordpress:cache memcached:cache"`, false, false},
		{alive.Id, "mysql", `invalid unit name "mysql"`, false, false},
	} {
		t.Run(test.want, func(t *testing.T) {
			r.unchanged(func() {
				err := r.EnterScope(r.ctx, test.id, test.unit, nil)
				wantError(t, err, test.want)
				if errors.Is(err, ErrDying) != test.isDying || IsNotFound(err) != test.isMissing {
					t.Errorf("%v is ErrDying: %t, satisfies IsNotFound: %t", err, errors.Is(err, ErrDying), IsNotFound(err))
				}
			})
		})
	}
}

func TestLeaveScope(t *testing.T) {
	r := newRig(t)
	r.deploy(wordpress, 1)
	r.deploy(mysql, 1)
	id := r.relate("wordpress", "mysql").Id
	r.enter(id, "mysql/0", "wordpress/0")
	r.check(r.LeaveScope(r.ctx, id, "mysql/0"))
	if r.value(r.keys.member(id, "mysql/0")) != "" || r.value(r.keys.departed(id, "mysql/0")) != `{"settings":{"ingress-address":"mysql/0"}}` {
		t.Error("the settings did not move to those of the departed")
	}
	r.unchanged(func() {
		r.check(r.LeaveScope(r.ctx, id, "mysql/0"))
		r.check(r.LeaveScope(r.ctx, 77, "mysql/0"))
		wantError(t, r.LeaveScope(r.ctx, id, "x"), `invalid unit name "x"`)
	})
	// A relation that is alive stays with nobody in it.
	r.check(r.LeaveScope(r.ctx, id, "wordpress/0"))
	if r.relationLife(id) != Alive {
		t.Error("a relation that is alive went with its last unit")
	}
	// Who comes back begins afresh.
	r.check(r.EnterScope(r.ctx, id, "mysql/0", map[string]string{"b": "2"}))
	if r.value(r.keys.member(id, "mysql/0")) != `{"settings":{"b":"2"}}` || r.value(r.keys.departed(id, "mysql/0")) != "" {
		t.Error("the unit that came back is not there, or still among the departed")
	}
	r.check(r.LeaveScope(r.ctx, id, "mysql/0"))
	if got := r.value(r.keys.departed(id, "mysql/0")); got != `{"settings":{"b":"2"}}` {
		t.Errorf("after the second time the departed unit's settings are %s", got)
	}
}

func TestContainerScopeKeepsPrincipal(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 2)
	r.deploy(logger, 0)
	id := r.relate("logger:info", "mysql").Id
	r.addSubordinate("logger/0", "mysql/1")
	r.enter(id, "mysql/0", "logger/0")
	if got, want := r.value(r.keys.member(id, "logger/0")), `{"settings":{"ingress-address":"logger/0"},"principal":"mysql/1"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := r.value(r.keys.member(id, "mysql/0")), `{"settings":{"ingress-address":"mysql/0"},"principal":"mysql/0"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r.check(r.Commit(r.ctx, Flush{Unit: "logger/0", RelationUnit: map[int]map[string]string{id: {"a": "b"}}}))
	if got, want := r.value(r.keys.member(id, "logger/0")), `{"principal":"mysql/1","settings":{"a":"b","ingress-address":"logger/0"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// addSubordinate makes a subordinate unit as what deploys subordinates will.
func (r *rig) addSubordinate(unit, principal string) {
	r.t.Helper()
	r.put(r.keys.unitMeta(unit), `{"life":"alive","principal":"`+principal+`","created":"2026-01-01T00:00:00Z"}`)
}
