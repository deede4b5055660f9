package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	jujucharm "github.com/juju/charm/v12"

	"github.com/unit-agent/unit-agent/model"
)

var noon = time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC)

// exampleSnapshot is a model with one of everything that a table shows.
func exampleSnapshot() *model.Snapshot {
	status := func(current, message string) model.StatusInfo {
		return model.StatusInfo{Status: current, Message: message, Since: noon}
	}
	application := func(name, charm string, life model.Life, leader string) model.ApplicationSnapshot {
		return model.ApplicationSnapshot{
			Application: model.Application{Name: name, Charm: model.Charm{Name: charm, Revision: 12}, Life: life},
			Leader:      leader,
		}
	}
	endpoint := func(app, name, iface string, role jujucharm.RelationRole, scope jujucharm.RelationScope) model.Endpoint {
		return model.Endpoint{Application: app, Name: name, Interface: iface, Role: role, Scope: scope}
	}
	mysql := application("mysql", "mysql", model.Alive, "mysql/0")
	mysql.WorkloadVersion, mysql.Exposed, mysql.Status = "8.0", true, status("active", "")
	blog := application("blog", "wordpress", model.Dying, "")
	blog.Status = status("error", `hook failed: "stop"`)
	agent := application("agent", "agent", model.Alive, "")
	agent.Status = status("unknown", "")
	return &model.Snapshot{
		Name: "default", UUID: "7d6c", Time: noon,
		Applications: map[string]model.ApplicationSnapshot{"mysql": mysql, "blog": blog, "agent": agent},
		Units: map[string]model.Unit{
			"mysql/0": {
				Name: "mysql/0", Application: "mysql", Number: 0, Life: model.Alive, Machine: "0", PublicAddress: "10.0.0.1",
				Workload: status("active", "primary"), Agent: status("idle", ""), AgentAlive: true, Taken: true,
				Ports: []model.PortRange{
					{Protocol: "icmp"}, {Protocol: "tcp", From: 80, To: 80}, {Protocol: "tcp", From: 8000, To: 8010}, {Protocol: "udp", From: 53, To: 53},
				},
			},
			"mysql/10": {
				Name: "mysql/10", Application: "mysql", Number: 10, Life: model.Alive, Machine: "10",
				Workload: status("waiting", "agent initialising"), Agent: status("allocating", ""),
			},
			"mysql/2": {
				Name: "mysql/2", Application: "mysql", Number: 2, Life: model.Alive, Machine: "0",
				Workload: status("maintenance", "a\nmessage\x1b[31m of the charm"), Agent: status("executing", "running start hook"), Taken: true,
			},
			"blog/0": {
				Name: "blog/0", Application: "blog", Number: 0, Life: model.Dying, Machine: "2",
				Workload: status("active", ""), Agent: status("error", `hook failed: "stop"`), AgentAlive: true, Taken: true,
			},
		},
		Relations: map[int]model.Relation{
			3: {Id: 3, Life: model.Dying, Endpoints: []model.Endpoint{
				endpoint("blog", "db", "mysql", jujucharm.RoleRequirer, jujucharm.ScopeGlobal),
				endpoint("mysql", "server", "mysql", jujucharm.RoleProvider, jujucharm.ScopeGlobal),
			}},
			0: {Id: 0, Life: model.Alive, Endpoints: []model.Endpoint{
				endpoint("mysql", "cluster", "mysql-cluster", jujucharm.RolePeer, jujucharm.ScopeGlobal),
			}},
			4: {Id: 4, Life: model.Alive, Endpoints: []model.Endpoint{
				endpoint("agent", "info", "juju-info", jujucharm.RoleRequirer, jujucharm.ScopeContainer),
				endpoint("mysql", "juju-info", "juju-info", jujucharm.RoleProvider, jujucharm.ScopeGlobal),
			}},
		},
		Machines: map[string]model.Machine{
			"0":  {Id: "0", Hostname: "first", Addresses: []string{"10.0.0.1", "fd00::1"}, AgentAlive: true, Since: noon},
			"10": {Id: "10", Hostname: "last", Since: noon},
			"2":  {Id: "2", Hostname: "gone", Addresses: []string{"10.0.0.2"}, Since: noon},
		},
	}
}

func TestPrintStatus(t *testing.T) {
	var out strings.Builder
	if err := printStatus(&out, exampleSnapshot(), true); err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(out.String(), "\n\n")
	const want = `App    Version  Status   Scale  Charm      Rev  Exposed  Message
agent           unknown      0  agent       12  no
blog            error        1  wordpress   12  no       hook failed: "stop"
mysql  8.0      active       3  mysql       12  yes

Unit      Workload     Agent       Machine  Public address  Ports                         Message
blog/0    error        idle        2                                                      (dying) hook failed: "stop"
mysql/0*  active       idle        0        10.0.0.1        icmp 80,8000-8010/tcp 53/udp  primary
mysql/2   maintenance  lost        0                                                      a message [31m of the charm
mysql/10  waiting      allocating  10                                                     agent initialising

Machine  State    Address   Hostname
0        started  10.0.0.1  first
2        down     10.0.0.2  gone
10       down               last

Integration provider  Requirer       Interface      Type         Message
mysql:cluster         mysql:cluster  mysql-cluster  peer
mysql:server          blog:db        mysql          regular      dying
mysql:juju-info       agent:info     juju-info      subordinate
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if strings.ContainsRune(out.String(), '\x1b') {
		t.Error("an escape sequence of a charm got through")
	}
}

// TestStatusFitsATerminal holds that nothing is wider than 80 columns, with
// names as long as people make them.
func TestStatusFitsATerminal(t *testing.T) {
	snapshot := exampleSnapshot()
	unit := snapshot.Units["mysql/0"]
	unit.Name, unit.Application = "postgresql-k8s-primary/12", "postgresql-k8s-primary"
	unit.Workload.Message = strings.Repeat("there is much to say ", 10)
	unit.PublicAddress = "2001:db8:85a3:8d3:1319:8a2e:370:7348"
	snapshot.Units[unit.Name] = unit
	application := snapshot.Applications["mysql"]
	application.Name = unit.Application
	snapshot.Applications[unit.Application] = application
	for _, table := range []*table{
		modelTable(snapshot), applicationTable(snapshot), unitTable(snapshot), machineTable(snapshot), relationTable(snapshot),
	} {
		out := table.layOut(screen{width: 80})
		for line := range strings.Lines(out) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%d characters: %s", n, line)
			}
		}
	}
	if out := unitTable(snapshot).layOut(screen{width: 80}); !strings.Contains(out, "there is") {
		t.Errorf("nothing is left of the message:\n%s", out)
	}
}

func TestKeepNamed(t *testing.T) {
	for _, test := range []struct {
		names []string
		want  string
	}{
		{nil, "agent blog mysql; blog/0 mysql/0 mysql/10 mysql/2; 0 10 2; 0 3 4"},
		{[]string{"mysql/0"}, "mysql; mysql/0; 0; 0 3 4"},
		{[]string{"blog", "mysql/10"}, "blog mysql; blog/0 mysql/10; 10 2; 0 3 4"},
		{[]string{"agent"}, "agent; ; ; 4"},
		{[]string{"nobody"}, `nothing matches "nobody": it is neither an application nor a unit`},
	} {
		snapshot := exampleSnapshot()
		got := ""
		if err := keepNamed(snapshot, test.names); err != nil {
			got = err.Error()
		} else {
			got = strings.Join([]string{
				keys(snapshot.Applications), keys(snapshot.Units), keys(snapshot.Machines), keys(snapshot.Relations),
			}, "; ")
		}
		if got != test.want {
			t.Errorf("%q: got %s, want %s", test.names, got, test.want)
		}
	}
}

func TestPortList(t *testing.T) {
	tcp := func(from, to int) model.PortRange { return model.PortRange{Protocol: "tcp", From: from, To: to} }
	udp := model.PortRange{Protocol: "udp", From: 53, To: 53}
	for _, test := range []struct {
		ports []model.PortRange
		want  string
	}{
		{nil, ""},
		{[]model.PortRange{tcp(80, 80)}, "80/tcp"},
		{[]model.PortRange{tcp(80, 80), tcp(443, 443), tcp(8000, 8010)}, "80,443,8000-8010/tcp"},
		{[]model.PortRange{tcp(80, 80), udp, tcp(81, 81)}, "80/tcp 53/udp 81/tcp"},
		{[]model.PortRange{{Protocol: "icmp"}, {Protocol: "icmp"}, udp}, "icmp icmp 53/udp"},
	} {
		if got := portList(test.ports); got != test.want {
			t.Errorf("%v: got %q, want %q", test.ports, got, test.want)
		}
	}
}

func TestStatusColours(t *testing.T) {
	for status, want := range map[string]colour{
		"active": green, "error": red, "blocked": red, "waiting": yellow, "maintenance": yellow, "unknown": grey, "": plain, "other": plain,
	} {
		if got := statusColour(status); got != want {
			t.Errorf("%q: got %q, want %q", status, got, want)
		}
	}
}
