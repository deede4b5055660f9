package model

import (
	"reflect"
	"testing"
)

func tcp(from, to int, endpoints ...string) PortRange {
	return PortRange{Protocol: "tcp", From: from, To: to, Endpoints: endpoints}
}

func TestPortRangeString(t *testing.T) {
	for want, port := range map[string]PortRange{
		"80/tcp":        tcp(80, 80, "a"),
		"8000-8010/udp": {Protocol: "udp", From: 8000, To: 8010},
		"icmp":          {Protocol: "icmp"},
	} {
		if got := port.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestPortRangesOverlap(t *testing.T) {
	udp := PortRange{Protocol: "udp", From: 80, To: 90}
	for _, test := range []struct {
		a, b PortRange
		want bool
	}{
		{tcp(80, 80), tcp(80, 80), true},
		{tcp(80, 90), tcp(90, 95), true},
		{tcp(80, 90), tcp(91, 95), false},
		{tcp(80, 90), tcp(85, 86), true},
		{tcp(80, 90), udp, false},
		{PortRange{Protocol: "icmp"}, PortRange{Protocol: "icmp"}, true},
	} {
		if got := test.a.Overlaps(test.b); got != test.want || test.b.Overlaps(test.a) != test.want {
			t.Errorf("%s overlaps %s: %t, want %t", test.a, test.b, got, test.want)
		}
	}
}

func TestApplyPorts(t *testing.T) {
	all := []string{"web", "admin", "db"}
	for _, test := range []struct {
		about                       string
		ports, opened, closed, want []PortRange
	}{
		{"nothing", nil, nil, nil, nil},
		{"open", nil, []PortRange{tcp(80, 80)}, nil, []PortRange{tcp(80, 80)}},
		{"open again", []PortRange{tcp(80, 80)}, []PortRange{tcp(80, 80)}, nil, []PortRange{tcp(80, 80)}},
		{
			"sorted", []PortRange{tcp(80, 80)}, []PortRange{{Protocol: "udp", From: 1, To: 1}, tcp(8, 9), tcp(8, 8), {Protocol: "icmp"}}, nil,
			[]PortRange{{Protocol: "icmp"}, tcp(8, 8), tcp(8, 9), tcp(80, 80), {Protocol: "udp", From: 1, To: 1}},
		},
		{"open for some", nil, []PortRange{tcp(80, 80, "web", "admin", "web")}, nil, []PortRange{tcp(80, 80, "admin", "web")}},
		{"open for more", []PortRange{tcp(80, 80, "web")}, []PortRange{tcp(80, 80, "admin")}, nil, []PortRange{tcp(80, 80, "admin", "web")}},
		{"open for all instead of some", []PortRange{tcp(80, 80, "web")}, []PortRange{tcp(80, 80)}, nil, []PortRange{tcp(80, 80)}},
		{"open for some that is for all", []PortRange{tcp(80, 80)}, []PortRange{tcp(80, 80, "web")}, nil, []PortRange{tcp(80, 80)}},
		{"close", []PortRange{tcp(80, 80, "web"), tcp(81, 81)}, nil, []PortRange{tcp(80, 80)}, []PortRange{tcp(81, 81)}},
		{"close what is not open", []PortRange{tcp(80, 80)}, nil, []PortRange{tcp(80, 81), tcp(9, 9)}, []PortRange{tcp(80, 80)}},
		{"close for one", []PortRange{tcp(80, 80, "admin", "web")}, nil, []PortRange{tcp(80, 80, "web")}, []PortRange{tcp(80, 80, "admin")}},
		{"close for the last", []PortRange{tcp(80, 80, "web")}, nil, []PortRange{tcp(80, 80, "web")}, nil},
		{"close for another one", []PortRange{tcp(80, 80, "web")}, nil, []PortRange{tcp(80, 80, "db")}, []PortRange{tcp(80, 80, "web")}},
		{"close for one of all", []PortRange{tcp(80, 80)}, nil, []PortRange{tcp(80, 80, "web")}, []PortRange{tcp(80, 80, "admin", "db")}},
		{"close, then open", []PortRange{tcp(80, 80, "web")}, []PortRange{tcp(80, 80, "db")}, []PortRange{tcp(80, 80)}, []PortRange{tcp(80, 80, "db")}},
	} {
		t.Run(test.about, func(t *testing.T) {
			input := ApplyPorts(test.ports, nil, nil, all)
			if got := ApplyPorts(test.ports, test.opened, test.closed, all); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if got := ApplyPorts(test.ports, nil, nil, all); !reflect.DeepEqual(got, input) {
				t.Errorf("the ports themselves became %+v", got)
			}
		})
	}
}

func TestCommitPorts(t *testing.T) {
	r := newRig(t)
	charm := testCharm("web", "provides:\n  site: {interface: http}\n  admin: {interface: http}\nextra-bindings:\n  data:\n", "")
	r.deploy(charm, 1)
	ports := func() []PortRange {
		t.Helper()
		unit, err := r.Unit(r.ctx, "web/0")
		r.check(err)
		return unit.Ports
	}
	r.unchanged(func() { r.check(r.Commit(r.ctx, Flush{Unit: "web/0", ClosePorts: []PortRange{tcp(1, 1)}})) })
	r.check(r.Commit(r.ctx, Flush{Unit: "web/0", OpenPorts: []PortRange{tcp(80, 80)}}))
	r.check(r.Commit(r.ctx, Flush{Unit: "web/0", ClosePorts: []PortRange{tcp(80, 80, "admin")}}))
	if got, want := ports(), []PortRange{tcp(80, 80, "data", "site")}; !reflect.DeepEqual(got, want) {
		t.Errorf("got ports %v, want %v", got, want)
	}
	r.check(r.Commit(r.ctx, Flush{Unit: "web/0", ClosePorts: []PortRange{tcp(80, 80)}}))
	if got := ports(); len(got) != 0 {
		t.Errorf("got ports %v, want none", got)
	}
}
