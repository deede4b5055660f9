package hooktool_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/model"
)

func TestPortArguments(t *testing.T) {
	named := func(run *hookRun) { run.config.Endpoints = []string{"db", "website"} }
	var rows []row
	for _, tool := range []string{"open-port ", "close-port "} {
		rows = append(rows, []row{
			{args: tool + "443"},
			{args: tool + "443/tcp"},
			{args: tool + "443/TCP"},
			{args: tool + "443/udp"},
			{args: tool + "9100-9110/udp"},
			{args: tool + "9100-9110"},
			{args: tool + "icmp"},
			{args: tool + "ICMP"},
			{args: tool + "0"},
			{args: tool + "65535"},
			{args: tool + "443 --endpoints a,b"},
			{args: tool + "443 --endpoints db,website", with: with(named)},
			{args: tool, usage: "no port or range specified"},
			{args: tool + "''", usage: `invalid port "": invalid syntax`},
			{args: tool + "x", usage: `invalid port "x": invalid syntax`},
			{args: tool + "80x/tcp", usage: `invalid port "80x": invalid syntax`},
			{args: tool + "+80", usage: `invalid port "+80": invalid syntax`},
			{args: tool + "80-", usage: `invalid port "": invalid syntax`},
			{args: tool + "-- -80", usage: `invalid port "": invalid syntax`},
			{args: tool + "1-2-3", usage: `invalid port "2-3": invalid syntax`},
			{args: tool + "99999999999999999999", usage: `invalid port "99999999999999999999": value out of range`},
			{args: tool + "90-80", usage: "invalid port range 90-80/tcp"},
			{args: tool + "65536", usage: "port range bounds must be between 0 and 65535, got 65536-65536"},
			{args: tool + "1-70000/udp", usage: "port range bounds must be between 0 and 65535, got 1-70000"},
			{args: tool + "80/http", usage: `invalid protocol "http", expected "tcp", "udp", or "icmp"`},
			{args: tool + "80/", usage: `invalid protocol "", expected "tcp", "udp", or "icmp"`},
			{args: tool + "80/tcp/udp", usage: `invalid protocol "tcp/udp", expected "tcp", "udp", or "icmp"`},
			{args: tool + "80/icmp", usage: `protocol "icmp" has no ports, got "80"`},
			{args: tool + "80 81", usage: `unrecognized args: ["81"]`},
			{args: tool + "443", with: with(modelFails), failed: "cannot read open ports of unit wordpress/0: boom"},
		}...)
	}
	runRows(t, append(rows, []row{
		{args: "open-port 80"},
		{args: "open-port 443 --endpoints db,x", with: with(named),
			failed: `cannot open 443/tcp (unit "wordpress/0"): the charm has no endpoint "x"`},
		{args: "close-port 443 --endpoints x", with: with(named),
			failed: `cannot close 443/tcp (unit "wordpress/0"): the charm has no endpoint "x"`},
		{args: "open-port 80-90", failed: `cannot open 80-90/tcp (unit "wordpress/0"): port range conflicts with 80/tcp (unit "wordpress/0")`},
		{args: "open-port 80-90/udp"},
		{args: "open-port 8005", failed: `cannot open 8005/tcp (unit "wordpress/0"): port range conflicts with 8000-8010/tcp (unit "haproxy/0")`},
		{args: "open-port 8000-8010", failed: `cannot open 8000-8010/tcp (unit "wordpress/0"): port range conflicts with 8000-8010/tcp (unit "haproxy/0")`},
		{args: "open-port 7000-8000", failed: `cannot open 7000-8000/tcp (unit "wordpress/0"): port range conflicts with 8000-8010/tcp (unit "haproxy/0")`},
		{args: "open-port 8011"},
		{args: "open-port 7070"},
		{args: "open-port 7070-7071", failed: `cannot open 7070-7071/tcp (unit "wordpress/0"): port range conflicts with 7070/tcp (unit "wordpress/1")`},
		{args: "close-port 80-90"},
		{args: "close-port 8005"},
		{args: "open-port 8005", with: with(func(run *hookRun) { run.view.unit.Machine = "" })},
		{args: "open-port 443", with: with(func(run *hookRun) { run.view.unit.Name = "other/0" }),
			failed: `cannot read open ports of unit wordpress/0: unit "wordpress/0" not found`},
	}...))
}

func TestOpenedPorts(t *testing.T) {
	several := func(run *hookRun) {
		run.view.unit.Ports = []model.PortRange{
			{Protocol: "icmp"},
			{Protocol: "tcp", From: 80, To: 80, Endpoints: []string{"db", "website"}},
			{Protocol: "tcp", From: 443, To: 443, Endpoints: []string{"website"}},
			{Protocol: "udp", From: 8000, To: 8010},
		}
	}
	none := func(run *hookRun) { run.view.unit.Ports = nil }
	runRows(t, []row{
		{args: "opened-ports", with: with(several), stdout: "icmp\n80/tcp\n443/tcp\n8000-8010/udp\n"},
		{args: "opened-ports --format=json", with: with(several), stdout: `["icmp","80/tcp","443/tcp","8000-8010/udp"]` + "\n"},
		{args: "opened-ports --format=yaml", with: with(several), stdout: "- icmp\n- 80/tcp\n- 443/tcp\n- 8000-8010/udp\n"},
		{args: "opened-ports --endpoints --format=json", with: with(several),
			stdout: `["icmp (*)","80/tcp (db, website)","443/tcp (website)","8000-8010/udp (*)"]` + "\n"},
		{args: "opened-ports", with: with(none), stdout: ""},
		{args: "opened-ports --format=json", with: with(none), stdout: "[]\n"},
		{args: "opened-ports more", usage: `unrecognized args: ["more"]`},
		{args: "opened-ports", with: with(modelFails), failed: "cannot read open ports of unit wordpress/0: boom"},
	})
}

// TestPortsTogether covers calls that build on each other: what is open afterwards, and what is flushed.
func TestPortsTogether(t *testing.T) {
	tcp80 := model.PortRange{Protocol: "tcp", From: 80, To: 80}
	for _, test := range []struct {
		name           string
		before         []model.PortRange
		calls          string // separated by ;
		want           string // of opened-ports --endpoints, separated by ;
		opened, closed []model.PortRange
	}{
		{
			name: "open", calls: "open-port 443;open-port icmp", want: "icmp (*);80/tcp (*);443/tcp (*)",
			opened: []model.PortRange{{Protocol: "icmp"}, {Protocol: "tcp", From: 443, To: 443}},
		},
		{name: "open again", calls: "open-port 80;open-port 80/tcp", want: "80/tcp (*)"},
		{name: "close", calls: "close-port 80", want: "", closed: []model.PortRange{tcp80}},
		{name: "close and open", calls: "close-port 80;open-port 80", want: "80/tcp (*)"},
		{name: "open and close", calls: "open-port 443;close-port 443", want: "80/tcp (*)"},
		{name: "close what is not open", calls: "close-port 443;close-port 80/udp", want: "80/tcp (*)"},
		{
			name: "replace by a range that overlaps", calls: "close-port 80;open-port 80-90", want: "80-90/tcp (*)",
			opened: []model.PortRange{{Protocol: "tcp", From: 80, To: 90}}, closed: []model.PortRange{tcp80},
		},
		{
			name: "for endpoints", calls: "open-port 443 --endpoints b,a,b,;open-port 443 --endpoints=c", want: "80/tcp (*);443/tcp (a, b, c)",
			opened: []model.PortRange{{Protocol: "tcp", From: 443, To: 443, Endpoints: []string{"a", "b", "c"}}},
		},
		{
			name: "for all, then some", calls: "open-port 443;open-port 443 --endpoints a", want: "80/tcp (*);443/tcp (*)",
			opened: []model.PortRange{{Protocol: "tcp", From: 443, To: 443}},
		},
		{
			name:   "for some, then all",
			before: []model.PortRange{{Protocol: "tcp", From: 80, To: 80, Endpoints: []string{"a"}}},
			calls:  "open-port 80", want: "80/tcp (*)",
			opened: []model.PortRange{tcp80}, closed: []model.PortRange{tcp80},
		},
		{
			name:   "no longer for one",
			before: []model.PortRange{{Protocol: "tcp", From: 80, To: 80, Endpoints: []string{"a", "b"}}},
			calls:  "close-port 80 --endpoints b", want: "80/tcp (a)",
			opened: []model.PortRange{{Protocol: "tcp", From: 80, To: 80, Endpoints: []string{"a"}}}, closed: []model.PortRange{tcp80},
		},
		{
			name: "for all but one", calls: "close-port 80 --endpoints b", want: "80/tcp (a, c)",
			opened: []model.PortRange{{Protocol: "tcp", From: 80, To: 80, Endpoints: []string{"a", "c"}}}, closed: []model.PortRange{tcp80},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			run := begin(t, configChanged, func(run *hookRun) {
				run.config.Endpoints = []string{"a", "b", "c"}
				if test.before != nil {
					run.view.unit.Ports = test.before
				}
			})
			before := model.ApplyPorts(run.view.unit.Ports, nil, nil, nil)
			for call := range strings.SplitSeq(test.calls, ";") {
				run.must(words(call)...)
			}
			open := strings.TrimSuffix(run.must("opened-ports", "--endpoints"), "\n")
			if got := strings.ReplaceAll(open, "\n", ";"); got != test.want {
				t.Errorf("open: %s, want %s", got, test.want)
			}
			flush := run.flushed()
			want := model.Flush{Unit: "wordpress/0", OpenPorts: test.opened, ClosePorts: test.closed}
			if !reflect.DeepEqual(flush, want) {
				t.Errorf("the flush is %+v\nwant %+v", flush, want)
			}
			after := model.ApplyPorts(before, flush.OpenPorts, flush.ClosePorts, run.config.Endpoints)
			if got := strings.Join(describe(after), ";"); got != test.want {
				t.Errorf("after the flush is open: %s, want %s", got, test.want)
			}
		})
	}
}

func describe(ports []model.PortRange) []string {
	var list []string
	for _, p := range ports {
		names := "*"
		if len(p.Endpoints) > 0 {
			names = strings.Join(p.Endpoints, ", ")
		}
		list = append(list, p.String()+" ("+names+")")
	}
	return list
}
