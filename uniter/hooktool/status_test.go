package hooktool_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/unit-agent/unit-agent/model"
)

func TestStatusSet(t *testing.T) {
	const invalid = `invalid status "%s", expected one of [maintenance blocked waiting active]`
	fenced := func(run *hookRun) { run.model.err = fmt.Errorf("cannot write: %w", model.ErrFenced) }
	runRows(t, []row{
		{args: "status-set active"},
		{args: "status-set", usage: "invalid args, require <status> [message]"},
		{args: "status-set unknown", usage: fmt.Sprintf(invalid, "unknown")},
		{args: "status-set error why", usage: fmt.Sprintf(invalid, "error")},
		{args: "status-set Active", usage: fmt.Sprintf(invalid, "Active")},
		{args: "status-set ''", usage: fmt.Sprintf(invalid, "")},
		{args: "status-set active well more", usage: `unrecognized args: ["more"]`},
		{args: "status-set --application=maybe active", usage: `invalid boolean value "maybe" for option --application: strconv.ParseBool: parsing "maybe": invalid syntax`},
		{args: "status-set active", with: with(modelFails), failed: "cannot set status of unit wordpress/0: boom"},

		{args: "status-set --application active", failed: "this unit is not the leader"},
		{args: "status-set --application active", with: with(asLeader)},
		{args: "status-set --application active", with: with(leaderUnknown), failed: "leadership status unknown: boom"},
		{args: "status-set --application active", with: with(asLeader, noFence), failed: "cannot tell the term of leadership: boom"},
		{args: "status-set --application active", with: with(asLeader, fenced), failed: "this unit is not the leader"},
		{args: "status-set --application active", with: with(asLeader, modelFails), failed: "cannot set status of application wordpress: boom"},
	})
}

// TestStatusSetWrites covers what is written, at once, in all the spellings that charms use.
func TestStatusSetWrites(t *testing.T) {
	for args, want := range map[string]string{
		"active":                  `wordpress/0: active ""`,
		"maintenance 'two words'": `wordpress/0: maintenance "two words"`,
		"--application=False blocked -- --message": `wordpress/0: blocked "--message"`,
		"--application=False active -- ''":         `wordpress/0: active ""`,
		"--application=True waiting -- 'for it'":   `wordpress: waiting "for it"`,
		"active --application":                     `wordpress: active ""`,
		"--application=1 active -":                 `wordpress: active "-"`,
		"--application=t active":                   `wordpress: active ""`,
		"--application=FALSE active":               `wordpress/0: active ""`,
	} {
		t.Run(args, func(t *testing.T) {
			run := begin(t, configChanged, asLeader)
			run.must(words("status-set " + args)...)
			if !reflect.DeepEqual(run.model.writes, []string{want}) {
				t.Errorf("written: %q", run.model.writes)
			}
			if !run.model.last.Since.Equal(now) {
				t.Errorf("the status holds since %v", run.model.last.Since)
			}
			if run.model.fence != nil && !reflect.DeepEqual(run.model.fence, fenceOf(7)) {
				t.Errorf("the fence is %v", run.model.fence)
			}
			if flush := run.flushed(); !reflect.DeepEqual(flush, model.Flush{Unit: "wordpress/0"}) {
				t.Errorf("the flush is %+v", flush)
			}
		})
	}
}

func TestApplicationStatusIsFenced(t *testing.T) {
	run := begin(t, configChanged, asLeader)
	run.must("status-set", "--application", "active")
	if !reflect.DeepEqual(run.model.fence, fenceOf(7)) {
		t.Errorf("the fence is %v", run.model.fence)
	}
}

func TestStatusGet(t *testing.T) {
	const (
		units    = `{"wordpress/0":{"status":"waiting"},"wordpress/1":{"status":"active"}}`
		allUnits = `{"wordpress/0":{"message":"for a database","status":"waiting","status-data":{}},` +
			`"wordpress/1":{"message":"","status":"active","status-data":{}}}`
		allYAML = `application-status:
  status: active
  units:
    wordpress/0:
      status: waiting
    wordpress/1:
      status: active
units:
  wordpress/0:
    status: waiting
  wordpress/1:
    status: active
`
	)
	fresh := func(run *hookRun) { run.view.unit.Workload = model.StatusInfo{Status: "unknown"} }
	leader := with(asLeader)
	runRows(t, []row{
		{args: "status-get", stdout: "waiting\n"},
		{args: "status-get --format=yaml", stdout: "status: waiting\n"},
		{args: "status-get --format=json", stdout: `{"status":"waiting"}` + "\n"},
		{args: "status-get --include-data", stdout: "message: for a database\nstatus: waiting\nstatus-data:\n  \"n\": 1\n"},
		{args: "status-get --include-data --format=json", stdout: `{"message":"for a database","status":"waiting","status-data":{"n":1}}` + "\n"},
		{args: "status-get --application=false --include-data --format=json", with: with(fresh), stdout: `{"message":"","status":"unknown","status-data":{}}` + "\n"},
		{args: "status-get more", usage: `unrecognized args: ["more"]`},
		{args: "status-get", with: with(modelFails), failed: "cannot read status of unit wordpress/0: boom"},

		{args: "status-get --application", failed: "finding application status: this unit is not the leader"},
		{args: "status-get --application", with: with(leaderUnknown), failed: "finding application status: leadership status unknown: boom"},
		{args: "status-get --application", with: leader, stdout: "active\n"},
		{args: "status-get --application --format=yaml", with: leader, stdout: allYAML},
		{args: "status-get --application --format=json", with: leader,
			stdout: `{"application-status":{"status":"active","units":` + units + `},"units":` + units + "}\n"},
		{args: "status-get --application=true --include-data --format=json", with: leader,
			stdout: `{"application-status":{"message":"all well","status":"active","status-data":{},"units":` + allUnits + `},"units":` + allUnits + "}\n"},
		{args: "status-get --application", with: with(asLeader, modelFails), failed: "cannot read status of application wordpress: boom"},
	})
}

// TestStatusReadsOwnWrites covers statuses that were set since the hook first looked at the model.
func TestStatusReadsOwnWrites(t *testing.T) {
	run := begin(t, configChanged, asLeader)
	run.must("status-get")
	run.must("status-set", "blocked", "no disk")
	run.must("status-set", "--application", "maintenance")
	if got := run.must("status-get", "--include-data", "--format=json"); got != `{"message":"no disk","status":"blocked","status-data":{}}`+"\n" {
		t.Errorf("got %s", got)
	}
	want := `{"wordpress/0":{"status":"blocked"},"wordpress/1":{"status":"active"}}`
	if got := run.must("status-get", "--application", "--format=json"); got != `{"application-status":{"status":"maintenance","units":`+want+`},"units":`+want+"}\n" {
		t.Errorf("got %s", got)
	}
	if run.view.unitStatuses["wordpress/0"].Status != "waiting" {
		t.Error("the view's own statuses were changed")
	}
	run.model.err = errBoom
	run.call("status-set", "active")
	if got := run.must("status-get"); got != "blocked\n" {
		t.Errorf("after a write that failed: got %s", got)
	}
}

func TestApplicationVersionSet(t *testing.T) {
	runRows(t, []row{
		{args: "application-version-set 1.2"},
		{args: "application-version-set", usage: "no version specified"},
		{args: "application-version-set 1 2", usage: `unrecognized args: ["2"]`},
		{args: "application-version-set 1", with: with(modelFails), failed: "cannot set version of unit wordpress/0: boom"},
	})
	run := begin(t, configChanged)
	run.must("application-version-set", "--", "-1.2 (beta)")
	run.must("application-version-set", "")
	if want := []string{`wordpress/0: version "-1.2 (beta)"`, `wordpress/0: version ""`}; !slices.Equal(run.model.writes, want) {
		t.Errorf("written: %q", run.model.writes)
	}
}
