package model

import (
	"testing"

	jujucharm "github.com/juju/charm/v12"
)

func TestAddRelation(t *testing.T) {
	for _, test := range []struct{ a, b, want string }{
		{"wordpress", "mysql", "wordpress:db mysql:server"},
		{"mysql", "wordpress", "wordpress:db mysql:server"},
		{"mysql:server", "wordpress:db", "wordpress:db mysql:server"},
		{"wordpress:cache", "memcached", "wordpress:cache memcached:cache"},
		{"haproxy:back", "wordpress", "haproxy:back wordpress:website"},
		// What a charm provides without saying so is found where nothing else fits.
		{"logger", "mysql", "logger:info mysql:juju-info"},
		{"mysql:juju-info", "logger", "logger:info mysql:juju-info"},
		// It is not considered where something else fits.
		{"logger", "wordpress", "wordpress:logging-dir logger:logging"},
		{"logger:info", "wordpress", "logger:info wordpress:juju-info"},
	} {
		t.Run(test.a+" "+test.b, func(t *testing.T) {
			r := newRig(t)
			for _, charm := range []Charm{wordpress, mysql, memcached, haproxy, logger} {
				r.deploy(charm, 0)
			}
			relation := r.relate(test.a, test.b)
			if relation.Key() != test.want || relation.Life != Alive || relation.Id != 1 || relation.Peer() {
				t.Errorf("got relation %d %q %s, want 1 %q alive", relation.Id, relation.Key(), relation.Life, test.want)
			}
			for _, endpoint := range relation.Endpoints {
				if got, want := r.value(r.keys.indexed(endpoint.Application, 1)), r.value(r.keys.relationMeta(1)); got == "" || got != want {
					t.Errorf("the index of %s says %s, the relation %s", endpoint.Application, got, want)
				}
			}
		})
	}
}

func TestRelationScope(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 0)
	r.deploy(logger, 0)
	r.deploy(wordpress, 0)
	if scope := r.relate("logger:info", "mysql").Scope(); scope != jujucharm.ScopeContainer {
		t.Errorf("got scope %s, want container", scope)
	}
	if scope := r.relate("wordpress", "mysql").Scope(); scope != jujucharm.ScopeGlobal {
		t.Errorf("got scope %s, want global", scope)
	}
}

func TestRelationSides(t *testing.T) {
	a := Endpoint{Application: "a", Name: "x", Role: jujucharm.RoleProvider}
	b := Endpoint{Application: "b", Name: "y", Role: jujucharm.RoleRequirer}
	relation := newRelation(3, a, b)
	if relation.Key() != "b:y a:x" || relation.String() != relation.Key() {
		t.Errorf("got key %q", relation.Key())
	}
	if own, ok := relation.Endpoint("a"); !ok || own != a {
		t.Errorf("got own endpoint %v", own)
	}
	if remote, ok := relation.Remote("a"); !ok || remote != b {
		t.Errorf("got remote endpoint %v", remote)
	}
	if _, ok := relation.Remote("c"); ok {
		t.Error("an application that is not in it has a remote endpoint")
	}
	peer := Relation{Endpoints: []Endpoint{a}}
	if remote, ok := peer.Remote("a"); !ok || remote != a || !peer.Peer() {
		t.Errorf("got peer's remote endpoint %v", remote)
	}
	damaged := Relation{Endpoints: []Endpoint{a, a}}
	if _, ok := damaged.Remote("a"); ok {
		t.Error("a relation of an application with itself has a remote endpoint")
	}
}

func TestAddRelationRefuses(t *testing.T) {
	r := newRig(t)
	// A global endpoint that declares container scope without anybody being subordinate.
	boxed := testCharm("boxed", "requires:\n  box: {interface: http, scope: container}\n", "")
	for _, charm := range []Charm{wordpress, mysql, memcached, haproxy, logger, boxed} {
		r.deploy(charm, 0)
	}
	other := wordpress
	_, err := r.Deploy(r.ctx, DeployArgs{Application: "blog", Charm: other})
	r.check(err)
	r.relate("wordpress", "mysql")
	r.relate("wordpress", "memcached")
	dying := r.relate("haproxy:back", "wordpress")
	_, err = r.AddUnits(r.ctx, "haproxy", 1, "")
	r.check(err)
	r.enter(dying.Id, "haproxy/0")
	r.check(r.RemoveRelation(r.ctx, "haproxy", "wordpress"))
	_, err = r.Deploy(r.ctx, DeployArgs{Application: "gone", Charm: mysql, NumUnits: 1})
	r.check(err)
	r.take("gone/0")
	r.check(r.RemoveApplication(r.ctx, "gone"))

	for _, test := range []struct{ a, b, want string }{
		{"mysql", "memcached", "no relations found"},
		{"mysql", "mysql", "no relations found"},
		{"mysql:cluster", "gone:cluster", "no relations found"},
		{"wordpress:db", "memcached:cache", "no relations found"},
		{"wordpress:website", "mysql:server", "no relations found"},
		{"wordpress:dbx", "mysql", `application "wordpress" has no "dbx" relation`},
		{"mysql", "wordpress:dbx", `application "wordpress" has no "dbx" relation`},
		{"nobody", "mysql", `application "nobody" not found`},
		{"wordpress", "nobody:db", `application "nobody" not found`},
		{"wordpress:db:x", "mysql", `invalid endpoint "wordpress:db:x": it must be APPLICATION or APPLICATION:ENDPOINT`},
		{"wordpress:", "mysql", `invalid endpoint "wordpress:": it must be APPLICATION or APPLICATION:ENDPOINT`},
		{"mysql", "", `invalid endpoint "": it must be APPLICATION or APPLICATION:ENDPOINT`},
		{"Wordpress", "mysql", `invalid endpoint "Wordpress": it must be APPLICATION or APPLICATION:ENDPOINT`},
		{"blog", "haproxy", `ambiguous relation: "blog haproxy" could refer to "haproxy:back blog:website"; "haproxy:front blog:website"`},
		{"wordpress", "mysql", `cannot add relation "wordpress:db mysql:server": relation wordpress:db mysql:server already exists`},
		{"mysql:server", "wordpress:db", `cannot add relation "wordpress:db mysql:server": relation wordpress:db mysql:server already exists`},
		{"haproxy:back", "wordpress", `cannot add relation "haproxy:back wordpress:website": relation haproxy:back wordpress:website is dying, but not yet removed`},
		{
			"blog", "memcached",
			`cannot add relation "blog:cache memcached:cache": establishing a new relation for memcached:cache would exceed its maximum relation limit of 1`,
		},
		{"blog", "gone", `cannot add relation "blog:db gone:server": application "gone" is not alive`},
		{"boxed", "blog", `cannot add relation "boxed:box blog:website": container scoped relation requires at least one subordinate application`},
	} {
		t.Run(test.a+" "+test.b, func(t *testing.T) {
			r.unchanged(func() {
				_, err := r.AddRelation(r.ctx, test.a, test.b)
				wantError(t, err, test.want)
			})
		})
	}
	if _, err := r.AddRelation(r.ctx, "wordpress", "mysql"); !IsAlreadyExists(err) {
		t.Errorf("%v is not of what exists", err)
	}
}

func TestRemoveRelationRefuses(t *testing.T) {
	r := newRig(t)
	for _, charm := range []Charm{wordpress, mysql, haproxy} {
		r.deploy(charm, 0)
	}
	r.relate("haproxy:front", "wordpress")
	r.relate("haproxy:back", "wordpress")
	for _, test := range []struct{ a, b, want string }{
		{"wordpress", "mysql", `relation "wordpress mysql" not found`},
		{"haproxy:front", "wordpress:db", `relation "haproxy:front wordpress:db" not found`},
		{"nobody", "mysql", `application "nobody" not found`},
		{"wordpress", "nobody", `application "nobody" not found`},
		{"wordpress", "a:b:c", `invalid endpoint "a:b:c": it must be APPLICATION or APPLICATION:ENDPOINT`},
		{"haproxy", "wordpress", `ambiguous relation: "haproxy wordpress" could refer to "haproxy:back wordpress:website"; "haproxy:front wordpress:website"`},
		{"mysql:cluster", "mysql", `cannot remove relation "mysql:cluster": it is a peer relation, which lasts as long as its application`},
	} {
		t.Run(test.a+" "+test.b, func(t *testing.T) {
			r.unchanged(func() { wantError(t, r.RemoveRelation(r.ctx, test.a, test.b), test.want) })
		})
	}
	if err := r.RemoveRelation(r.ctx, "wordpress", "mysql"); !IsNotFound(err) {
		t.Errorf("%v does not satisfy IsNotFound", err)
	}
}
