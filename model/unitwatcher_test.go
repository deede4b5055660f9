package model

import (
	"reflect"
	"strings"
	"testing"

	jujucharm "github.com/juju/charm/v12"

	"github.com/unit-agent/unit-agent/store/etcdtest"
)

func (r *rig) watchUnit(unit string) *UnitWatcher {
	r.t.Helper()
	w, err := r.WatchUnit(unit)
	r.check(err)
	r.stop(w)
	return w
}

// nextState returns the first state that satisfies a condition.
func nextState(t *testing.T, w *UnitWatcher, about string, ok func(UnitState) bool) UnitState {
	t.Helper()
	for {
		state := receive(t, w.Changes())
		if ok(state) {
			return state
		}
		t.Logf("waiting for %s, skipping %+v", about, state)
	}
}

// still fails the test if a watcher, which has delivered everything before, has something to tell before marker
// changes the unit's address.
func (r *rig) still(w *UnitWatcher, unit, marker string) {
	r.t.Helper()
	r.check(r.SetUnitAddresses(r.ctx, unit, marker, ""))
	if got := receive(r.t, w.Changes()); got.Unit.PublicAddress != marker {
		r.t.Errorf("something else was told of before: %+v", got)
	}
}

func TestUnitWatcher(t *testing.T) {
	r := newRig(t)
	machine, err := r.AddMachine(r.ctx, Machine{})
	r.check(err)
	_, err = r.Deploy(r.ctx, DeployArgs{Application: "wordpress", Charm: wordpress, NumUnits: 1, Machine: machine, Config: map[string]string{"port": "8"}})
	r.check(err)
	r.deploy(mysql, 1)
	w := r.watchUnit("wordpress/0")
	first := receive(t, w.Changes())
	if first.Unit.Name != "wordpress/0" || first.Unit.Machine != machine || first.Unit.Life != Alive || first.ApplicationLife != Alive ||
		first.Charm != wordpress.Ref() || first.Config["port"] != int64(8) || first.Trust || len(first.Relations) != 0 || first.ConfigHash == "" {
		t.Errorf("got %+v", first)
	}
	now, err := r.UnitState(r.ctx, "wordpress/0")
	r.check(err)
	if !reflect.DeepEqual(first, now) {
		t.Errorf("the watcher says %+v\nUnitState says  %+v", first, now)
	}

	relation := r.relate("wordpress", "mysql")
	state := receive(t, w.Changes())
	own, _ := relation.Endpoint("wordpress")
	remote, _ := relation.Endpoint("mysql")
	want := UnitRelation{Id: relation.Id, Life: Alive, Endpoint: own, Remote: remote}
	if !reflect.DeepEqual(state.Relations, map[int]UnitRelation{relation.Id: want}) {
		t.Errorf("got relations %+v", state.Relations)
	}
	if state.ConfigHash != first.ConfigHash {
		t.Error("a relation changes the hash of the config")
	}

	r.check(r.SetConfig(r.ctx, "wordpress", map[string]string{"port": "9"}, nil))
	if state = receive(t, w.Changes()); state.Config["port"] != int64(9) || state.ConfigHash == first.ConfigHash {
		t.Errorf("got %+v", state)
	}
	r.check(r.SetAgentStatus(r.ctx, "wordpress/0", StatusInfo{Status: StatusError}))
	r.check(r.Resolve(r.ctx, "wordpress/0", ResolvedRetry))
	if state = receive(t, w.Changes()); state.Resolved != ResolvedRetry || state.Unit.Resolved != ResolvedRetry {
		t.Errorf("got %+v", state)
	}
	r.check(r.ClearResolved(r.ctx, "wordpress/0"))
	if state = receive(t, w.Changes()); state.Resolved != ResolvedNone {
		t.Errorf("got %+v", state)
	}
	r.enter(relation.Id, "mysql/0", "wordpress/0")
	r.check(r.RemoveRelation(r.ctx, "wordpress", "mysql"))
	if state = receive(t, w.Changes()); state.Relations[relation.Id].Life != Dying {
		t.Errorf("got %+v", state)
	}
	r.check(r.LeaveScope(r.ctx, relation.Id, "wordpress/0"))
	r.check(r.LeaveScope(r.ctx, relation.Id, "mysql/0"))
	if state = receive(t, w.Changes()); len(state.Relations) != 0 {
		t.Errorf("got %+v", state)
	}
	r.check(r.RemoveUnit(r.ctx, "wordpress/0"))
	if state = receive(t, w.Changes()); state.Unit.Life != Dying || state.ApplicationLife != Alive {
		t.Errorf("got %+v", state)
	}
}

// TestUnitWatcherIgnoresWhatAgentsWrite: what an agent says of itself is nothing for it to act on.
func TestUnitWatcherIgnoresWhatAgentsWrite(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 2)
	w := r.watchUnit("mysql/0")
	receive(t, w.Changes())
	r.check(r.SetAgentStatus(r.ctx, "mysql/0", StatusInfo{Status: StatusExecuting}))
	r.check(r.SetWorkloadStatus(r.ctx, "mysql/0", StatusInfo{Status: StatusActive}))
	r.check(r.SetWorkloadVersion(r.ctx, "mysql/0", "8"))
	r.check(r.SetApplicationStatus(r.ctx, "mysql", StatusInfo{Status: StatusActive}))
	r.check(r.Commit(r.ctx, Flush{Unit: "mysql/0", OpenPorts: []PortRange{tcp(1, 1)}}))
	r.take("mysql/0", "mysql/1")
	r.enter(0, "mysql/0")
	r.put(r.LeaderKey("mysql"), `{"holder":"mysql/0"}`)
	r.put(r.keys.unitPart("mysql/0", "actions/1"), "not of this version")
	r.check(r.SetUnitAddresses(r.ctx, "mysql/1", "10.0.0.9", ""))
	r.still(w, "mysql/0", "10.0.0.1")
}

// TestUnitWatcherTellsOfAgent: what is no reason to deliver a state is right in the one that is delivered.
func TestUnitWatcherTellsOfAgent(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	w := r.watchUnit("mysql/0")
	if first := receive(t, w.Changes()).Unit; first.Taken || first.AgentAlive || first.Agent.Status != StatusAllocating {
		t.Errorf("got %+v", first)
	}
	claim := r.claim("mysql/0", "0")
	r.check(r.SetAgentStatus(r.ctx, "mysql/0", StatusInfo{Status: StatusIdle}))
	r.check(r.SetUnitAddresses(r.ctx, "mysql/0", "1", ""))
	if second := receive(t, w.Changes()).Unit; !second.Taken || !second.AgentAlive || second.Agent.Status != StatusIdle {
		t.Errorf("got %+v", second)
	}
	claim.Kill()
	r.check(claim.Wait())
	r.check(r.SetUnitAddresses(r.ctx, "mysql/0", "2", ""))
	if third := receive(t, w.Changes()).Unit; !third.Taken || third.AgentAlive {
		t.Errorf("got %+v", third)
	}
}

// TestUnitWatcherSkipsWhatIsOver delivers the newest state to who comes late, and nothing if everything is as it was.
func TestUnitWatcherSkipsWhatIsOver(t *testing.T) {
	r := newRig(t)
	r.deploy(wordpress, 1)
	w := r.watchUnit("wordpress/0")
	receive(t, w.Changes())
	for _, port := range []string{"1", "2", "3"} {
		r.check(r.SetConfig(r.ctx, "wordpress", map[string]string{"port": port}, nil))
	}
	last := nextState(t, w, "the last port", func(s UnitState) bool { return s.Config["port"] == int64(3) })
	r.check(r.SetConfig(r.ctx, "wordpress", map[string]string{"title": "x"}, nil))
	r.check(r.SetConfig(r.ctx, "wordpress", nil, []string{"title"}))
	r.check(r.SetUnitAddresses(r.ctx, "wordpress/0", "1.1.1.1", ""))
	state := nextState(t, w, "the address", func(s UnitState) bool { return s.Unit.PublicAddress != "" })
	state.Unit.PublicAddress = ""
	if !state.sameWork(last) {
		t.Errorf("got %+v, want %+v", state, last)
	}
}

func TestUnitWatcherOfApplicationThatGoes(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	r.take("mysql/0")
	w, err := r.WatchUnit("mysql/0")
	r.check(err)
	receive(t, w.Changes())
	r.check(r.RemoveApplication(r.ctx, "mysql"))
	nextState(t, w, "the end", func(s UnitState) bool {
		return s.ApplicationLife == Dying && s.Unit.Life == Dying && len(s.Relations) == 0
	})
	r.check(r.RemoveDeadUnit(r.ctx, "mysql/0"))
	for range w.Changes() {
		// Of the two keys' ends the application's may be seen first.
	}
	err = wait(t, w)
	wantError(t, err, `unit "mysql/0" not found`)
	if !IsNotFound(err) {
		t.Errorf("%v does not satisfy IsNotFound", err)
	}
}

func TestUnitWatcherOfNobody(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	w, err := r.WatchUnit("mysql/1")
	r.check(err)
	if err := wait(t, w); !IsNotFound(err) {
		t.Errorf("got error %v, want one that satisfies IsNotFound", err)
	}
	if _, ok := <-w.Changes(); ok {
		t.Error("the channel is open")
	}
	_, err = r.WatchUnit("mysql")
	wantError(t, err, `invalid unit name "mysql"`)
	_, err = r.UnitState(r.ctx, "mysql/1")
	wantError(t, err, `unit "mysql/1" not found`)
}

func TestUnitWatcherOfDamage(t *testing.T) {
	for _, damage := range []struct{ suffix, value, want string }{
		{"charm", `{"documents":{"metadata":"name: 7"}}`, "cannot read charm"},
		{"charm", "{", "cannot understand the value of key"},
		{"meta", "[]", "cannot understand the value of key"},
		{"config", "7", "cannot understand the value of key"},
		{"relations/0", `{"life":"alive","endpoints":[]}`, `application "mysql" is not in it`},
		{"relations/x", `{}`, `invalid relation id "x"`},
	} {
		r := newRig(t)
		r.deploy(mysql, 1)
		w, err := r.WatchUnit("mysql/0")
		r.check(err)
		receive(t, w.Changes())
		r.put(r.keys.application("mysql")+damage.suffix, damage.value)
		if err := wait(t, w); err == nil || !strings.Contains(err.Error(), damage.want) {
			t.Errorf("%s is %s: got error %v", damage.suffix, damage.value, err)
		}
		if len(r.applications) != 0 {
			t.Error("the share is left behind")
		}
	}
}

// TestUnitsShareAFollower has many units of an application watch it together.
func TestUnitsShareAFollower(t *testing.T) {
	r := newRig(t)
	units := r.deploy(wordpress, 10)
	watchers := make([]*UnitWatcher, len(units))
	for i, unit := range units {
		w, err := r.WatchUnit(unit)
		r.check(err)
		watchers[i] = w
	}
	if len(r.applications) != 1 || r.applications["wordpress"].users != len(units) {
		t.Errorf("there are %d shares", len(r.applications))
	}
	var configs []map[string]any
	for _, w := range watchers {
		configs = append(configs, receive(t, w.Changes()).Config)
	}
	if reflect.ValueOf(configs[0]).Pointer() != reflect.ValueOf(configs[9]).Pointer() {
		t.Error("each unit has a config of its own")
	}
	r.check(r.SetConfig(r.ctx, "wordpress", map[string]string{"port": "9"}, nil))
	for i, w := range watchers {
		if state := receive(t, w.Changes()); state.Config["port"] != int64(9) {
			t.Errorf("unit %d sees %v", i, state.Config)
		}
	}
	for i, w := range watchers {
		w.Kill()
		r.check(w.Wait())
		if i < len(watchers)-1 && r.applications["wordpress"] == nil {
			t.Fatal("the share went before its last user")
		}
	}
	if len(r.applications) != 0 {
		t.Error("the share is left behind")
	}
	// It begins again for the next one.
	receive(t, r.watchUnit("wordpress/0").Changes())
}

func TestUnitWatcherUnderTrouble(t *testing.T) {
	server := etcdtest.NewServer(t)
	r := openRig(t, Config{Client: server.Client(), Logger: silent})
	line := newLine(t, server)
	far := openRig(t, Config{Client: line.client, Logger: silent})
	r.deploy(wordpress, 1)
	w := far.watchUnit("wordpress/0")
	receive(t, w.Changes())
	for port := 1; port < 4; port++ {
		line.cut()
		r.check(r.SetConfig(r.ctx, "wordpress", map[string]string{"port": string(rune('0' + port))}, nil))
		server.Compact()
		line.mend()
		state := receive(t, w.Changes())
		if state.Config["port"] != int64(port) {
			t.Errorf("got %v, want port %d", state.Config, port)
		}
	}
	server.Restart()
	r.still(w, "wordpress/0", "1.2.3.4")
}

func TestMachineUnitsWatcher(t *testing.T) {
	r := newRig(t)
	machine, err := r.AddMachine(r.ctx, Machine{})
	r.check(err)
	r.deploy(mysql, 1)
	w, err := r.WatchMachineUnits(machine)
	r.check(err)
	r.stop(w)
	expect := func(want ...string) {
		t.Helper()
		for {
			got := receive(t, w.Changes())
			if got == nil {
				t.Fatal("got nil")
			}
			if reflect.DeepEqual(got, append([]string{}, want...)) {
				return
			}
			t.Logf("skipping %v", got)
		}
	}
	expect()
	_, err = r.AddUnits(r.ctx, "mysql", 2, machine)
	r.check(err)
	expect("mysql/1", "mysql/2")
	_, err = r.AddUnits(r.ctx, "mysql", 1, "")
	r.check(err)
	r.take("mysql/1")
	r.check(r.RemoveUnit(r.ctx, "mysql/1"))
	r.check(r.RemoveUnit(r.ctx, "mysql/2"))
	expect("mysql/1")
	r.check(r.RemoveDeadUnit(r.ctx, "mysql/1"))
	expect()
	_, err = r.WatchMachineUnits("x")
	wantError(t, err, `invalid machine id "x"`)
}

func TestUnitRelationOfPeer(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	state, err := r.UnitState(r.ctx, "mysql/0")
	r.check(err)
	peer := state.Relations[0]
	if !peer.Peer || peer.Endpoint != peer.Remote || peer.Endpoint.Role != jujucharm.RolePeer || peer.Endpoint.Interface != "mysql-cluster" {
		t.Errorf("got %+v", peer)
	}
}
