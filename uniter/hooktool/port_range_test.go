package hooktool

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/model"
)

func TestParsePortRange(t *testing.T) {
	for spec, want := range map[string]model.PortRange{
		"80":            {Protocol: "tcp", From: 80, To: 80},
		"80/tcp":        {Protocol: "tcp", From: 80, To: 80},
		"80/UDP":        {Protocol: "udp", From: 80, To: 80},
		"8000-8010":     {Protocol: "tcp", From: 8000, To: 8010},
		"8000-8010/udp": {Protocol: "udp", From: 8000, To: 8010},
		"0-65535":       {Protocol: "tcp", From: 0, To: 65535},
		"007":           {Protocol: "tcp", From: 7, To: 7},
		"icmp":          {Protocol: "icmp"},
		"IcMP":          {Protocol: "icmp"},
	} {
		got, err := parsePortRange(spec)
		if err != nil || !got.SameRange(want) || got.Endpoints != nil {
			t.Errorf("%s: got %+v, %v", spec, got, err)
		}
	}
}

func TestSplitNames(t *testing.T) {
	for list, want := range map[string][]string{
		"": nil, ",, ,": nil, "a": {"a"}, "b,a": {"a", "b"}, " b , a,b": {"a", "b"},
	} {
		if got := splitNames(list); !slices.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%q: got %q", list, got)
		}
	}
}

func FuzzParsePortRange(f *testing.F) {
	for _, seed := range []string{"80", "80/tcp", "8000-8010/udp", "icmp", "-", "/", "1-2-3", "99999999999999999999", "80/ICMP", "１"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		got, err := parsePortRange(spec)
		if err != nil {
			if !errors.As(err, new(usageError)) || strings.Contains(err.Error(), "<nil>") {
				t.Errorf("%q: %v", spec, err)
			}
			return
		}
		if got.From < 0 || got.From > got.To || got.To > maxPort {
			t.Errorf("%q was read as %+v", spec, got)
		}
		again, err := parsePortRange(got.String())
		if err != nil || !again.SameRange(got) {
			t.Errorf("%q was read as %s, and that as %+v, %v", spec, got, again, err)
		}
	})
}
