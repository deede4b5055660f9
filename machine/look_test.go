package machine_test

import (
	"os"
	"testing"
	"time"

	"github.com/juju/charm/v12/hooks"
	"github.com/juju/worker/v3"

	"github.com/unit-agent/unit-agent/machine"
	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/statedir"
	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/operation"
)

// record writes the record of loner/0 as an agent leaves it.
func (s *site) record(state operation.State) {
	s.t.Helper()
	home := s.home("loner/0")
	s.check(os.MkdirAll(home.RelationsDir(), 0o755))
	executor, err := operation.NewExecutor(home.OperationFile(), nil)
	s.check(err)
	s.check(executor.Update(func(record *operation.State) { *record = state }))
}

// done is the record of a unit that has done all that is asked of it.
func (s *site) done() operation.State {
	s.t.Helper()
	state, err := s.UnitState(s.ctx, "loner/0")
	s.check(err)
	return operation.State{Installed: true, Started: true, Leader: true, ConfigHash: state.ConfigHash}
}

func (s *site) lead() {
	s.t.Helper()
	s.check(s.config.Claimer.ClaimLeadership("loner", "loner/0", time.Minute))
}

func (s *site) agentSays(status, message string) {
	s.t.Helper()
	s.check(s.SetAgentStatus(s.ctx, "loner/0", model.StatusInfo{Status: status, Message: message}))
}

// TestLook looks at one unit of no agent, which is as its record says.
func TestLook(t *testing.T) {
	failed := func(s *site, info hook.Info) {
		state := s.done().Begin(operation.Pending{Hook: info}).Fail("exit status 1")
		s.record(state)
	}
	// Where a unit may be removed, an agent must have run it.
	take := func(s *site) {
		claim, err := s.ClaimUnit(s.ctx, "loner/0", "0")
		s.check(err)
		s.check(worker.Stop(claim))
	}
	for name, test := range map[string]struct {
		prepare func(*site)
		want    machine.Progress
	}{
		"no record":   {func(s *site) {}, machine.Progress{Busy: "loner/0 is starting"}},
		"not started": {func(s *site) { s.record(operation.State{Installed: true}) }, machine.Progress{Busy: "loner/0 is starting"}},
		"a hook runs": {func(s *site) {
			s.record(s.done().Begin(operation.Pending{Hook: hook.Info{Kind: hooks.UpdateStatus}}))
		}, machine.Progress{Busy: "loner/0 runs update-status"}},
		"a hook failed, and the model has not heard": {func(s *site) {
			failed(s, hook.Info{Kind: hooks.ConfigChanged})
		}, machine.Progress{Busy: "loner/0 has to report that config-changed failed"}},
		"a hook failed": {func(s *site) {
			failed(s, hook.Info{Kind: hooks.RelationChanged, RelationId: 0, RemoteUnit: "other/0"})
			s.agentSays(model.StatusError, "whatever")
		}, machine.Progress{InError: `loner/0: hook failed: "db-relation-changed" for other/0: exit status 1`}},
		"a hook failed and is resolved": {func(s *site) {
			failed(s, hook.Info{Kind: hooks.ConfigChanged})
			s.agentSays(model.StatusError, "whatever")
			s.check(s.Resolve(s.ctx, "loner/0", model.ResolvedRetry))
		}, machine.Progress{Busy: "loner/0 runs config-changed"}},
		"nobody leads": {func(s *site) {
			done := s.done()
			done.Leader = false
			done.LeaderSettingsTold = true
			s.record(done)
		}, machine.Progress{Busy: "loner has no leader yet"}},
		"all done": {func(s *site) {
			s.lead()
			s.record(s.done())
		}, machine.Progress{}},
		"leadership": {func(s *site) {
			s.lead()
			done := s.done()
			done.Leader = false
			s.record(done)
		}, machine.Progress{Busy: "loner/0 has leader-elected to run"}},
		"configuration": {func(s *site) {
			s.lead()
			s.record(s.done())
			s.check(s.SetConfig(s.ctx, "loner", map[string]string{"value": "second"}, nil))
		}, machine.Progress{Busy: "loner/0 has config-changed to run"}},
		"a relation": {func(s *site) {
			s.lead()
			s.record(s.done())
			_, err := s.AddRelation(s.ctx, "loner", "other")
			s.check(err)
		}, machine.Progress{Busy: "loner/0 has to enter"}},
		"a relation's unit": {func(s *site) {
			s.meet()
			s.other()
		}, machine.Progress{Busy: "loner/0 has relation-joined to run"}},
		"a relation without units": {func(s *site) { s.meet() }, machine.Progress{}},
		"a relation that ends": {func(s *site) {
			s.meet()
			s.check(s.RemoveRelation(s.ctx, "loner", "other"))
		}, machine.Progress{Busy: "loner/0 has relation-broken to run"}},
		"a relation that the others are to leave": {func(s *site) {
			s.meet()
			s.other()
			s.check(s.RemoveRelation(s.ctx, "loner", "other"))
			s.check(s.LeaveScope(s.ctx, 0, "loner/0"))
			s.check(os.RemoveAll(s.home("loner/0").RelationsDir()))
		}, machine.Progress{Busy: "relation 0 is being removed"}},
		"a unit that goes": {func(s *site) {
			s.lead()
			take(s)
			s.record(s.done())
			s.check(s.RemoveUnit(s.ctx, "loner/0"))
		}, machine.Progress{Busy: "loner/0 has stop to run"}},
		"a unit that went and is still there": {func(s *site) {
			s.lead()
			take(s)
			done := s.done()
			done.Stopped, done.Removed = true, true
			s.record(done)
			s.check(s.RemoveUnit(s.ctx, "loner/0"))
		}, machine.Progress{Busy: "loner/0 has to finish"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.deploy("loner", "requires:\n  db: {interface: x}\n", 1)
			s.deploy("other", "provides:\n  server: {interface: x}\n", 0)
			if name == "a hook failed" {
				_, err := s.AddRelation(s.ctx, "loner", "other")
				s.check(err)
			}
			test.prepare(s)
			if got := s.look(); got != test.want || got.Idle() != (test.want == machine.Progress{}) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// meet has loner/0 be in a relation with nobody.
func (s *site) meet() {
	s.t.Helper()
	s.lead()
	s.record(s.done())
	_, err := s.AddRelation(s.ctx, "loner", "other")
	s.check(err)
	s.check(s.EnterScope(s.ctx, 0, "loner/0", nil))
	dir, err := statedir.ReadStateDir(s.home("loner/0").RelationsDir(), 0)
	s.check(err)
	s.check(dir.Ensure())
}

// other has a unit on no machine be in that relation.
func (s *site) other() {
	s.t.Helper()
	_, err := s.AddUnits(s.ctx, "other", 1, "")
	s.check(err)
	s.check(s.SetAgentStatus(s.ctx, "other/0", model.StatusInfo{Status: model.StatusIdle}))
	s.check(s.EnterScope(s.ctx, 0, "other/0", nil))
}

// TestLookElsewhere takes the word of an agent on another machine.
func TestLookElsewhere(t *testing.T) {
	s := newSite(t)
	_, err := s.AddMachine(s.ctx, model.Machine{Hostname: "there"})
	s.check(err)
	s.deploy("loner", "", 0)
	_, err = s.AddUnits(s.ctx, "loner", 1, "1")
	s.check(err)
	for _, test := range []struct {
		status, message string
		want            machine.Progress
	}{
		{"", "", machine.Progress{Busy: "loner/0 on machine 1 is allocating"}},
		{model.StatusExecuting, "running start hook", machine.Progress{Busy: "loner/0 on machine 1 is executing"}},
		{model.StatusError, `hook failed: "start"`, machine.Progress{InError: `loner/0: hook failed: "start"`}},
		{model.StatusIdle, "", machine.Progress{}},
	} {
		if test.status != "" {
			s.agentSays(test.status, test.message)
		}
		if got := s.look(); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.status, got, test.want)
		}
	}
}

// TestLookAtARealRun looks all the time while two related applications start, one
// hook fails and is mended, and one application goes. It must never say idle while
// there is something to do.
func TestLookAtARealRun(t *testing.T) {
	s := newSite(t)
	if !s.look().Idle() {
		t.Error("an empty model is not idle")
	}
	s.deploy("loner", "requires:\n  db: {interface: x}\n", 1)
	s.deploy("other", "provides:\n  server: {interface: x}\n", 1)
	relation, err := s.AddRelation(s.ctx, "loner", "other")
	s.check(err)
	s.script("server-relation-changed", "exit 1")
	s.start()
	s.await("a failure", func() bool { return s.look().InError != "" })
	if got, want := s.look().InError, `other/0: hook failed: "server-relation-changed" for loner/0: exit status 1`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	s.check(os.Remove(s.dir + "/server-relation-changed"))
	s.check(s.Resolve(s.ctx, "other/0", model.ResolvedRetry))
	s.awaitIdle()
	for unit, hook := range map[string]string{"loner/0": "db-relation-changed", "other/0": "server-relation-changed"} {
		if s.count(unit, hook) == 0 {
			t.Errorf("idle, and %s has run %q", unit, s.hooks(unit))
		}
	}

	for n := range 5 {
		before := s.count("loner/0", "config-changed")
		s.check(s.SetConfig(s.ctx, "loner", map[string]string{"value": string(rune('a' + n))}, nil))
		s.awaitIdle()
		if got := s.count("loner/0", "config-changed"); got != before+1 {
			t.Errorf("idle, and config-changed ran %d times, want %d", got, before+1)
		}
		before = s.count("other/0", "server-relation-changed")
		s.check(s.Commit(s.ctx, model.Flush{Unit: "loner/0", RelationUnit: map[int]map[string]string{relation.Id: {"n": string(rune('a' + n))}}}))
		s.awaitIdle()
		if got := s.count("other/0", "server-relation-changed"); got != before+1 {
			t.Errorf("idle, and relation-changed ran %d times, want %d", got, before+1)
		}
	}
	s.check(s.RemoveApplication(s.ctx, "other"))
	s.awaitIdle()
	if n := s.count("loner/0", "db-relation-broken"); n != 1 || s.count("other/0", "remove") != 1 {
		t.Errorf("idle, and loner/0 ran %q, other/0 %q", s.hooks("loner/0"), s.hooks("other/0"))
	}
}
