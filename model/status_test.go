package model

import (
	"reflect"
	"testing"
	"time"

	"github.com/juju/clock/testclock"
)

func TestStatuses(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	config := testConfig()
	config.Clock = testclock.NewClock(now)
	r := openRig(t, config)
	r.deploy(mysql, 1)
	earlier := now.Add(-time.Hour)
	r.check(r.SetWorkloadStatus(r.ctx, "mysql/0", StatusInfo{Status: StatusActive, Message: "ready", Data: map[string]any{"a": "b"}}))
	r.check(r.SetAgentStatus(r.ctx, "mysql/0", StatusInfo{Status: StatusIdle, Since: earlier}))
	r.check(r.SetWorkloadVersion(r.ctx, "mysql/0", "8.0"))
	r.check(r.SetUnitAddresses(r.ctx, "mysql/0", "1.2.3.4", "10.0.0.1"))
	got, err := r.Unit(r.ctx, "mysql/0")
	r.check(err)
	want := Unit{
		Name: "mysql/0", Application: "mysql", Life: Alive, Created: now, PublicAddress: "1.2.3.4", PrivateAddress: "10.0.0.1",
		Workload:        StatusInfo{Status: StatusActive, Message: "ready", Data: map[string]any{"a": "b"}, Since: now},
		Agent:           StatusInfo{Status: StatusIdle, Since: earlier},
		WorkloadVersion: "8.0", VersionSince: now,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got unit  %+v\nwant unit %+v", got, want)
	}
	r.check(r.SetApplicationStatus(r.ctx, "mysql", StatusInfo{Status: StatusBlocked}))
	status, units, err := r.View("mysql/0").ApplicationStatus(r.ctx, "mysql")
	r.check(err)
	if status.Status != StatusBlocked || !status.Since.Equal(now) || units["mysql/0"].Status != StatusActive {
		t.Errorf("got application status %+v and units %+v", status, units)
	}
}

func TestStatusesOfWhatIsNotThere(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	status := StatusInfo{Status: StatusActive}
	for want, err := range map[string]error{
		`unit "mysql/1" not found`: r.SetWorkloadStatus(r.ctx, "mysql/1", status),
		`unit "mysql/2" not found`: r.SetAgentStatus(r.ctx, "mysql/2", status),
		`unit "mysql/3" not found`: r.SetWorkloadVersion(r.ctx, "mysql/3", "1"),
		`unit "mysql/4" not found`: r.SetUnitAddresses(r.ctx, "mysql/4", "a", "b"),
		`cannot set the status of application "nobody": application "nobody" not found`: r.SetApplicationStatus(r.ctx, "nobody", status),
	} {
		wantError(t, err, want)
		if !IsNotFound(err) {
			t.Errorf("%v does not satisfy IsNotFound", err)
		}
	}
	wantError(t, r.SetWorkloadStatus(r.ctx, "mysql", status), `invalid unit name "mysql"`)
	if n := r.count(r.keys.units()); n != 1 {
		t.Errorf("there are %d keys of units, want 1", n)
	}
}

func TestWorstStatus(t *testing.T) {
	at := func(status string, minute int) StatusInfo {
		return StatusInfo{Status: status, Since: time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC)}
	}
	for _, test := range []struct {
		statuses []StatusInfo
		want     StatusInfo
	}{
		{nil, StatusInfo{Status: StatusUnknown}},
		{[]StatusInfo{at(StatusUnknown, 1)}, at(StatusUnknown, 1)},
		{[]StatusInfo{at(StatusActive, 1), at(StatusBlocked, 2), at(StatusWaiting, 3)}, at(StatusBlocked, 2)},
		{[]StatusInfo{at(StatusActive, 1), at(StatusMaintenance, 2), at(StatusWaiting, 3)}, at(StatusWaiting, 3)},
		{[]StatusInfo{at(StatusBlocked, 1), at(StatusError, 2)}, at(StatusError, 2)},
		{[]StatusInfo{at(StatusActive, 3), at(StatusActive, 1), at(StatusActive, 2)}, at(StatusActive, 1)},
		{[]StatusInfo{at("odd", 1), at(StatusTerminated, 2)}, at(StatusTerminated, 2)},
	} {
		if got := WorstStatus(test.statuses); !reflect.DeepEqual(got, test.want) {
			t.Errorf("the worst of %v is %v, want %v", test.statuses, got, test.want)
		}
	}
}

func TestShown(t *testing.T) {
	active, idle, failed := StatusInfo{Status: StatusActive}, StatusInfo{Status: StatusIdle}, StatusInfo{Status: StatusError, Message: "hook failed"}
	for _, test := range []struct {
		about                   string
		unit                    Unit
		wantWorkload, wantAgent string
	}{
		{"all well", Unit{Workload: active, Agent: idle, Taken: true, AgentAlive: true}, StatusActive, StatusIdle},
		{"a hook failed", Unit{Workload: active, Agent: failed, Taken: true, AgentAlive: true}, StatusError, StatusIdle},
		{"the agent is gone", Unit{Workload: active, Agent: idle, Taken: true}, StatusActive, StatusLost},
		{"a hook failed and the agent is gone", Unit{Workload: active, Agent: failed, Taken: true}, StatusError, StatusLost},
		{"nobody came yet", Unit{}.withDefaults(), StatusWaiting, StatusAllocating},
	} {
		workload, agent := test.unit.Shown()
		if workload.Status != test.wantWorkload || agent.Status != test.wantAgent {
			t.Errorf("%s: got %s and %s, want %s and %s", test.about, workload.Status, agent.Status, test.wantWorkload, test.wantAgent)
		}
	}
}

func TestResolve(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 2)
	resolved := func() Resolved {
		t.Helper()
		unit, err := r.Unit(r.ctx, "mysql/0")
		r.check(err)
		return unit.Resolved
	}
	r.unchanged(func() {
		wantError(t, r.Resolve(r.ctx, "mysql/0", ResolvedRetry), `unit "mysql/0" is not in an error state`)
		wantError(t, r.Resolve(r.ctx, "mysql/9", ResolvedRetry), `unit "mysql/9" not found`)
		wantError(t, r.Resolve(r.ctx, "mysql", ResolvedRetry), `invalid unit name "mysql"`)
		r.check(r.ClearResolved(r.ctx, "mysql/0"))
		r.check(r.ClearResolved(r.ctx, "mysql/9"))
	})
	r.check(r.SetAgentStatus(r.ctx, "mysql/0", StatusInfo{Status: StatusError}))
	for _, mode := range []Resolved{ResolvedNone, "perhaps"} {
		wantError(t, r.Resolve(r.ctx, "mysql/0", mode), `cannot resolve unit "mysql/0": invalid mode "`+string(mode)+`", expected "retry" or "no-retry"`)
	}
	for _, mode := range []Resolved{ResolvedRetry, ResolvedSkip} {
		r.check(r.Resolve(r.ctx, "mysql/0", mode))
		if got := resolved(); got != mode {
			t.Errorf("got %q, want %q", got, mode)
		}
	}
	r.check(r.ClearResolved(r.ctx, "mysql/0"))
	if got := resolved(); got != ResolvedNone {
		t.Errorf("got %q, want nothing", got)
	}
}
