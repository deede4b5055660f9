package hooktool_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/model"
)

type settings = map[string]string

// turns makes the accesses of a test, and those of the server in between, an order that the race
// detector knows of: it cannot see that they follow each other through another process.
type turns struct{ mu sync.Mutex }

func (t *turns) take() (release func()) {
	t.mu.Lock()
	return t.mu.Unlock
}

// fakeView is a model that one hook looks at.
type fakeView struct {
	*turns
	units   map[string]settings // by "relation id unit"
	apps    map[string]settings // by "relation id application"
	members map[int][]string
	unit    model.Unit

	applicationStatus model.StatusInfo
	unitStatuses      map[string]model.StatusInfo
	ports             map[string][]model.PortRange // of the machine, by unit
	leaderSettings    settings

	err   error         // of every read, if not nil
	block chan struct{} // if not nil, Unit says so here and then waits for its context
}

func notFound(format string, args ...any) error {
	return &model.NotFoundError{Noun: fmt.Sprintf(format, args...)}
}

func (v *fakeView) UnitSettings(_ context.Context, id int, unit string) (map[string]string, error) {
	defer v.take()()
	if s, ok := v.units[fmt.Sprint(id, " ", unit)]; ok || v.err != nil {
		return s, v.err
	}
	return nil, notFound("unit %q", unit)
}

func (v *fakeView) ApplicationSettings(_ context.Context, id int, app string) (map[string]string, error) {
	defer v.take()()
	if s, ok := v.apps[fmt.Sprint(id, " ", app)]; ok || v.err != nil {
		return s, v.err
	}
	return nil, notFound("application %q", app)
}

func (v *fakeView) RelationMembers(_ context.Context, id int) ([]string, error) {
	defer v.take()()
	if m, ok := v.members[id]; ok || v.err != nil {
		return m, v.err
	}
	return nil, notFound("relation %d", id)
}

func (v *fakeView) Unit(ctx context.Context, unit string) (model.Unit, error) {
	if v.block != nil {
		v.block <- struct{}{}
		<-ctx.Done()
		return model.Unit{}, ctx.Err()
	}
	defer v.take()()
	if unit != v.unit.Name {
		return model.Unit{}, notFound("unit %q", unit)
	}
	return v.unit, v.err
}

func (v *fakeView) ApplicationStatus(_ context.Context, app string) (model.StatusInfo, map[string]model.StatusInfo, error) {
	defer v.take()()
	if app != v.unit.Application {
		return model.StatusInfo{}, nil, notFound("application %q", app)
	}
	return v.applicationStatus, v.unitStatuses, v.err
}

func (v *fakeView) LeaderSettings(_ context.Context, app string) (map[string]string, error) {
	defer v.take()()
	if app != v.unit.Application {
		return nil, notFound("application %q", app)
	}
	return v.leaderSettings, v.err
}

func (v *fakeView) OpenPortsOnMachine(_ context.Context, machine string) (map[string][]model.PortRange, error) {
	defer v.take()()
	if machine != v.unit.Machine {
		return nil, notFound("machine %q", machine)
	}
	return v.ports, v.err
}

// fakeModel writes down what is written at once.
type fakeModel struct {
	*turns
	writes []string
	fence  []clientv3.Cmp // of the last application status
	last   model.StatusInfo
	err    error
}

func (m *fakeModel) write(format string, args ...any) error {
	if m.err == nil {
		m.writes = append(m.writes, fmt.Sprintf(format, args...))
	}
	return m.err
}

func (m *fakeModel) SetWorkloadStatus(_ context.Context, unit string, s model.StatusInfo) error {
	defer m.take()()
	m.last = s
	return m.write("%s: %s %q", unit, s.Status, s.Message)
}

func (m *fakeModel) SetApplicationStatus(_ context.Context, app string, s model.StatusInfo, fence ...clientv3.Cmp) error {
	defer m.take()()
	m.last, m.fence = s, fence
	return m.write("%s: %s %q", app, s.Status, s.Message)
}

func (m *fakeModel) SetLeaderSettings(_ context.Context, app string, changes map[string]string, fence ...clientv3.Cmp) error {
	defer m.take()()
	m.fence = fence
	return m.write("%s: leader settings %q", app, changes)
}

func (m *fakeModel) SetWorkloadVersion(_ context.Context, unit, version string) error {
	defer m.take()()
	return m.write("%s: version %q", unit, version)
}

// leadership is what the hook's unit knows of it.
type leadership struct {
	*turns
	leader   bool
	err      error
	fenceErr error
	term     int64 // of the fence
}

func (l *leadership) isLeader() (bool, error) {
	defer l.take()()
	return l.leader, l.err
}

func (l *leadership) fence() ([]clientv3.Cmp, error) {
	defer l.take()()
	if l.fenceErr != nil {
		return nil, l.fenceErr
	}
	return fenceOf(l.term), nil
}

func fenceOf(term int64) []clientv3.Cmp {
	return []clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision("leader"), "=", term)}
}

// logBook is the unit's log.
type logBook struct {
	*turns
	lines []string
}

func (l *logBook) log(level slog.Level, module, message string) {
	defer l.take()()
	l.lines = append(l.lines, fmt.Sprintf("%d %s %s", level, module, message))
}

// The model that most tests look at: wordpress/0, which is related to three databases and
// three caches, and to its peers.
func newView(turns *turns) *fakeView {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &fakeView{
		turns: turns,
		units: map[string]settings{
			"1 mysql/0":     {"host": "10.0.0.1", "port": "3306", "motd": "a <b> & c\n"},
			"1 mysql/1":     {},
			"1 mysql/7":     {"host": "was-here"}, // it has left
			"1 wordpress/0": {"private-address": "10.0.0.9", "old": "1"},
			"1 wordpress/1": {"private-address": "10.0.0.8"},
			"2 wordpress/0": {},
			"2 wordpress/1": {"weight": "5"},
		},
		apps: map[string]settings{
			"1 mysql":     {"version": "8.0"},
			"1 wordpress": {"site": "blog"},
			"2 wordpress": {"token": "t0k3n"},
		},
		members: map[int][]string{
			1: {"mysql/1", "mysql/0", "mysql/10"},
			2: {"wordpress/1", "wordpress/2"},
			4: {}, 5: {"redis/0"}, 6: {}, 9: {}, 10: {},
		},
		unit: model.Unit{
			Name: "wordpress/0", Application: "wordpress", Machine: "0",
			PublicAddress: "203.0.113.9", PrivateAddress: "10.0.0.9",
			Workload: model.StatusInfo{Status: "waiting", Message: "for a database", Data: map[string]any{"n": 1}, Since: since},
			Ports:    []model.PortRange{{Protocol: "tcp", From: 80, To: 80}},
		},
		applicationStatus: model.StatusInfo{Status: "active", Message: "all well", Since: since},
		unitStatuses: map[string]model.StatusInfo{
			"wordpress/0": {Status: "waiting", Message: "for a database"},
			"wordpress/1": {Status: "active"},
		},
		ports: map[string][]model.PortRange{
			"wordpress/0": {{Protocol: "tcp", From: 80, To: 80}},
			"wordpress/1": {{Protocol: "tcp", From: 7070, To: 7070}},
			"haproxy/0":   {{Protocol: "tcp", From: 8000, To: 8010}, {Protocol: "icmp"}},
		},
	}
}

func newRelations() map[int]model.UnitRelation {
	relations := make(map[int]model.UnitRelation)
	add := func(id int, life model.Life, endpoint, remote, remoteEndpoint string) {
		relations[id] = model.UnitRelation{
			Id: id, Life: life, Peer: remote == "wordpress",
			Endpoint: model.Endpoint{Application: "wordpress", Name: endpoint},
			Remote:   model.Endpoint{Application: remote, Name: remoteEndpoint},
		}
	}
	add(1, model.Alive, "db", "mysql", "server")
	add(2, model.Alive, "cluster", "wordpress", "cluster")
	add(4, model.Dying, "cache", "memcached", "cache") // nobody left in it
	add(5, model.Dying, "cache", "redis", "cache")     // somebody is
	add(6, model.Dead, "cache", "varnish", "cache")
	add(9, model.Alive, "db", "mariadb", "db")
	add(10, model.Alive, "db", "postgresql", "db")
	return relations
}

var errBoom = errors.New("boom")

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// membersOf returns a function that knows the relations of a map.
func membersOf(members map[int][]string) func(int) ([]string, bool) {
	return func(id int) ([]string, bool) {
		units, ok := members[id]
		return units, ok
	}
}
