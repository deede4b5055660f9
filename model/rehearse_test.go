package model

import "testing"

func TestRehearse(t *testing.T) {
	r := newRig(t)
	machine, err := r.AddMachine(r.ctx, Machine{Hostname: "host"})
	r.check(err)
	r.deploy(mysql, 1)
	r.deploy(wordpress, 0)
	r.relate("wordpress:db", "mysql:server")
	subordinate := testCharm("agent", "subordinate: true\nrequires:\n  info: {interface: juju-info, scope: container}\n", "")
	single := testCharm("single", "requires:\n  db: {interface: mysql, limit: 1}\n", "")

	snapshot, err := r.Status(r.ctx)
	r.check(err)
	deploy := func(args ...DeployArgs) []DeployArgs { return args }
	relate := func(pairs ...[2]string) [][2]string { return pairs }
	for _, test := range []struct {
		about        string
		applications []DeployArgs
		relations    [][2]string
		want         string
	}{
		{about: "nothing"},
		{"all is well", deploy(
			DeployArgs{Application: "db", Charm: mysql, NumUnits: 2, Machine: machine},
			DeployArgs{Application: "one", Charm: single},
		), relate([2]string{"one", "db"}, [2]string{"wordpress:db", "mysql"}), ""},
		{"an application that is there", deploy(DeployArgs{Application: "mysql", Charm: mysql}), nil,
			`cannot add application "mysql": application already exists`},
		{"an application twice", deploy(DeployArgs{Application: "a", Charm: mysql}, DeployArgs{Application: "a", Charm: mysql}), nil,
			`cannot add application "a": application already exists`},
		{"a bad name", deploy(DeployArgs{Application: "a_b", Charm: mysql}), nil,
			`cannot add application "a_b": invalid application name`},
		{"no charm", deploy(DeployArgs{Application: "a"}), nil,
			`cannot add application "a": cannot read charm: metadata.yaml: it is empty: it must give at least name, summary and description`},
		{"a setting that the charm does not have", deploy(DeployArgs{Application: "a", Charm: mysql, Config: map[string]string{"x": "y"}}), nil,
			`cannot add application "a": unknown option "x"`},
		{"units of a subordinate", deploy(DeployArgs{Application: "a", Charm: subordinate, NumUnits: 1}), nil,
			`cannot add application "a": the units of a subordinate application come with those that it is related to`},
		{"a machine that is not there", deploy(DeployArgs{Application: "a", Charm: mysql, Machine: "7"}), nil,
			`cannot add application "a": machine "7" not found`},
		{"an application that is not there", nil, relate([2]string{"wordpress", "nobody"}), `application "nobody" not found`},
		{"an endpoint that is not there", nil, relate([2]string{"wordpress:nothing", "mysql"}), `application "wordpress" has no "nothing" relation`},
		{"no endpoint", nil, relate([2]string{"wordpress:", "mysql"}), `invalid endpoint "wordpress:": it must be APPLICATION or APPLICATION:ENDPOINT`},
		{"endpoints that do not fit", nil, relate([2]string{"mysql", "mysql"}), `cannot add relation "mysql mysql": no relations found`},
		{"more relations than the endpoint takes", deploy(DeployArgs{Application: "one", Charm: single}, DeployArgs{Application: "db", Charm: mysql}),
			relate([2]string{"one", "db"}, [2]string{"one", "mysql"}),
			`cannot add relation "one:db mysql:server": establishing a new relation for one:db would exceed its maximum relation limit of 1`},
	} {
		t.Run(test.about, func(t *testing.T) {
			wantError(t, snapshot.Rehearse(test.applications, test.relations), test.want)
		})
	}
}

// TestRehearseTellsTheTruth does what was rehearsed: the outcome is the same.
func TestRehearseTellsTheTruth(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	single := testCharm("single", "requires:\n  db: {interface: mysql, limit: 1}\n", "")
	for _, args := range []DeployArgs{
		{Application: "one", Charm: single},
		{Application: "one", Charm: single},
		{Application: "two", Charm: single, Config: map[string]string{"a": "b"}},
		{Application: "three-", Charm: single},
		{Application: "db", Charm: mysql, Machine: "3", NumUnits: 1},
		{Application: "db", Charm: mysql},
	} {
		snapshot, err := r.Status(r.ctx)
		r.check(err)
		said := snapshot.Rehearse([]DeployArgs{args}, nil)
		_, err = r.Deploy(r.ctx, args)
		if (said == nil) != (err == nil) || said != nil && said.Error() != err.Error() {
			t.Errorf("%+v: said %v, did %v", args, said, err)
		}
	}
	for _, pair := range [][2]string{{"one", "mysql"}, {"one", "mysql"}, {"one:db", "db"}, {"one", "none"}, {"db", "mysql"}} {
		snapshot, err := r.Status(r.ctx)
		r.check(err)
		said := snapshot.Rehearse(nil, [][2]string{pair})
		_, err = r.AddRelation(r.ctx, pair[0], pair[1])
		if (said == nil) != (err == nil || IsAlreadyExists(err)) {
			t.Errorf("%q: said %v, did %v", pair, said, err)
		}
	}
}
