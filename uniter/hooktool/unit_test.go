package hooktool_test

import "testing"

func TestUnitGet(t *testing.T) {
	noAddress := func(run *hookRun) { run.view.unit.PublicAddress = "" }
	runRows(t, []row{
		{args: "unit-get private-address", stdout: "10.0.0.9\n"},
		{args: "unit-get public-address", stdout: "203.0.113.9\n"},
		{args: "unit-get --format=json public-address", stdout: "\"203.0.113.9\"\n"},
		{args: "unit-get --format=yaml private-address", stdout: "10.0.0.9\n"},
		{args: "unit-get public-address", with: with(noAddress), failed: "unit wordpress/0 has no public-address"},
		{args: "unit-get", usage: "no setting specified"},
		{args: "unit-get hostname", usage: `unknown setting "hostname"`},
		{args: "unit-get private-address more", usage: `unrecognized args: ["more"]`},
		{args: "unit-get private-address", with: with(modelFails), failed: "cannot read addresses of unit wordpress/0: boom"},
	})
}
