package client

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestUsage(t *testing.T) {
	names := Names()
	if len(names) < 14 || len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
		t.Errorf("names are lacking or not unique: %q", names)
	}
	for _, name := range names {
		text := Usage(name)
		if !strings.HasPrefix(text, "Usage: "+name) || !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") {
			t.Errorf("%s: not laid out as help:\n%s", name, text)
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimSuffix(line, "\n"); utf8.RuneCountInString(line) > 100 || strings.TrimRight(line, " ") != line {
				t.Errorf("%s: bad line %q", name, line)
			}
		}
		if !IsTool(name) || !strings.Contains(overview(), "  "+name+"\n") {
			t.Errorf("%s is not known everywhere", name)
		}
	}
	for _, name := range []string{"", "hook-tool", "unit-agent", "relation-get2", "RELATION-GET"} {
		if IsTool(name) || Usage(name) != "" {
			t.Errorf("%q passes for a tool", name)
		}
	}
}
