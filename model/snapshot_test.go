package model

import (
	"context"
	"reflect"
	"testing"

	"github.com/unit-agent/unit-agent/store/etcdtest"
)

func TestSnapshot(t *testing.T) {
	r := newRig(t)
	machine, err := r.AddMachine(r.ctx, Machine{Hostname: "host", Addresses: []string{"10.0.0.1"}})
	r.check(err)
	presence, err := r.AnnounceMachine(r.ctx, machine)
	r.check(err)
	r.stop(presence)
	r.deploy(wordpress, 2)
	r.deploy(mysql, 0)
	_, err = r.AddUnits(r.ctx, "mysql", 1, machine)
	r.check(err)
	relation := r.relate("wordpress", "mysql")
	claim := r.claim("mysql/0", machine)
	r.stop(claim)
	r.enter(relation.Id, "mysql/0")
	r.check(r.SetWorkloadStatus(r.ctx, "mysql/0", StatusInfo{Status: StatusActive}))
	r.check(r.SetWorkloadStatus(r.ctx, "wordpress/0", StatusInfo{Status: StatusBlocked}))
	r.check(r.SetWorkloadVersion(r.ctx, "wordpress/1", "1"))
	r.check(r.SetWorkloadVersion(r.ctx, "wordpress/0", "2"))
	r.check(r.Commit(r.ctx, Flush{Unit: "mysql/0", OpenPorts: []PortRange{tcp(3306, 3306)}}))
	r.put(r.LeaderKey("mysql"), `{"holder":"mysql/0","duration":"30s"}`)
	r.put(r.LeaderKey("wordpress"), `wordpress/1`)

	s, err := r.Status(r.ctx)
	r.check(err)
	if s.Name != "default" || s.UUID != r.UUID() || s.Revision == 0 || s.Time.IsZero() {
		t.Errorf("got snapshot %s %s at %d, %s", s.Name, s.UUID, s.Revision, s.Time)
	}
	if len(s.Applications) != 2 || len(s.Units) != 3 || len(s.Relations) != 2 || len(s.Machines) != 1 {
		t.Errorf("got %d applications, %d units, %d relations, %d machines", len(s.Applications), len(s.Units), len(s.Relations), len(s.Machines))
	}
	db, blog := s.Applications["mysql"], s.Applications["wordpress"]
	if db.Leader != "mysql/0" || db.Status.Status != StatusActive || db.Life != Alive || !reflect.DeepEqual(db.Charm, mysql) {
		t.Errorf("got mysql %+v", db)
	}
	if blog.Leader != "wordpress/1" || blog.Status.Status != StatusBlocked || blog.WorkloadVersion != "2" {
		t.Errorf("got wordpress with leader %s, status %+v, version %s", blog.Leader, blog.Status, blog.WorkloadVersion)
	}
	unit := s.Units["mysql/0"]
	if !unit.AgentAlive || unit.Machine != machine || !unit.Ports[0].SameRange(tcp(3306, 3306)) {
		t.Errorf("got unit %+v", unit)
	}
	alone, err := r.Unit(r.ctx, "mysql/0")
	r.check(err)
	if !reflect.DeepEqual(unit, alone) {
		t.Errorf("in the snapshot it is %+v\nalone it is %+v", unit, alone)
	}
	if !reflect.DeepEqual(s.Relations[relation.Id], relation) {
		t.Errorf("got relation %+v, want %+v", s.Relations[relation.Id], relation)
	}
	if m := s.Machines[machine]; !m.AgentAlive || m.Hostname != "host" {
		t.Errorf("got machine %+v", m)
	}
	if units := s.UnitsOf("wordpress"); len(units) != 2 || units[0].Name != "wordpress/0" || units[1].Name != "wordpress/1" {
		t.Errorf("got units %v", units)
	}
	if relations := s.RelationsOf("mysql"); len(relations) != 2 || relations[0].Id != 0 || relations[1].Id != 1 {
		t.Errorf("got relations %v", relations)
	}

	r.check(r.SetApplicationStatus(r.ctx, "wordpress", StatusInfo{Status: StatusWaiting}))
	s, err = r.Status(r.ctx)
	r.check(err)
	if got := s.Applications["wordpress"].Status.Status; got != StatusWaiting {
		t.Errorf("the leader's status is %q, want waiting", got)
	}
}

func TestSnapshotOfNothing(t *testing.T) {
	r := newRig(t)
	s, err := r.Status(r.ctx)
	r.check(err)
	if s.Applications == nil || s.Units == nil || s.Relations == nil || s.Machines == nil {
		t.Error("a map is nil")
	}
}

// TestSnapshotLeavesOutRemnants has keys whose unit or application is not there.
func TestSnapshotLeavesOutRemnants(t *testing.T) {
	r := newRig(t)
	r.put(r.keys.unitPart("mysql/0", claimSuffix), `{"machine":"0"}`)
	r.put(r.LeaderKey("mysql"), `{"holder":"mysql/0"}`)
	r.put(r.keys.machineAlive("3"), `{"machine":"3"}`)
	s, err := r.Status(r.ctx)
	r.check(err)
	if len(s.Units)+len(s.Applications)+len(s.Machines) != 0 {
		t.Errorf("got %+v", s)
	}
}

func TestSnapshotOfDamage(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	key := r.keys.unitMeta("mysql/0")
	r.put(key, "{")
	_, err := r.Status(r.ctx)
	wantError(t, err, `cannot understand the value of key "`+key+`": unexpected end of JSON input`)
}

// TestSnapshotWhileTheStoreForgets compacts all the time.
func TestSnapshotWhileTheStoreForgets(t *testing.T) {
	server := etcdtest.NewServer(t)
	r := openRig(t, Config{Client: server.Client(), Logger: silent})
	r.deploy(mysql, 5)
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if _, err := r.client.Put(r.ctx, "/other", ""); err == nil {
				server.Compact()
			}
		}
	}()
	for range 20 {
		if _, err := r.Status(r.ctx); err != nil {
			t.Error(err)
		}
	}
	cancel()
	<-done
}

func TestLeaderHolder(t *testing.T) {
	for value, want := range map[string]string{
		`{"holder":"mysql/0"}`: "mysql/0", "mysql/12": "mysql/12", `{"holder":""}`: "", `{}`: "", "": "", `{"holder":"mysql"}`: "", `"mysql/0"`: "",
	} {
		if got := leaderHolder([]byte(value)); got != want {
			t.Errorf("the holder in %s is %q, want %q", value, got, want)
		}
	}
}
