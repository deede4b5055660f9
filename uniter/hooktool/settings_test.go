package hooktool

import (
	"encoding/json"
	"maps"
	"testing"
)

func TestParseSettings(t *testing.T) {
	for content, want := range map[string]map[string]string{
		"":                              {},
		"{}":                            {},
		"null":                          {},
		"a: b":                          {"a": "b"},
		"a: 08\nb: 0x10\nc: 1e3":        {"a": "08", "b": "0x10", "c": "1e3"},
		"a: yes\nb: True\nc: ~":         {"a": "yes", "b": "True", "c": ""},
		"1: x\ntrue: y":                 {"1": "x", "true": "y"},
		"a: |\n  two\n  lines\n":        {"a": "two\nlines\n"},
		"a: &x b\nc: *x":                {"a": "b", "c": "b"},
		`{"a": "b", "c": 1.50, "d":-1}`: {"a": "b", "c": "1.50", "d": "-1"},
		`{"a": "\ud83d\ude00\u0000"}`:   {"a": "😀\x00"},
		" \n{\"a\": true}\n":            {"a": "true"},
		`{"a": 1, "a": 2}`:              {"a": "2"},
		`{a: b, c: [`:                   nil,
		"- a":                           nil,
		"a":                             nil,
		"a: b\na: c":                    nil,
		"a: {b: c}":                     nil,
		`{"a": {}}`:                     nil,
		"a: b\n---\nc: d\n":             {"a": "b"},
	} {
		got, err := parseSettings([]byte(content))
		if (err != nil) != (want == nil) || err == nil && !maps.Equal(got, want) {
			t.Errorf("%q: got %q, %v", content, got, err)
		}
	}
}

// FuzzParseSettings reads arbitrary files. What JSON can say is read as JSON says it.
func FuzzParseSettings(f *testing.F) {
	for _, seed := range []string{"", "a: b", `{"a": "b"}`, `{"a": "\ud83d\ude00"}`, "a: &x [*x]", "{", "a: !!binary aGk=", "? a\n: b", "<<: {a: b}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := parseSettings(content)
		if err == nil && got == nil {
			t.Error("no settings and no error")
		}
		var want map[string]string
		if json.Unmarshal(content, &want) != nil || want == nil {
			return
		}
		if _, empty := want[""]; empty {
			return
		}
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%q: got %q, %v, want %q", content, got, err, want)
		}
	})
}

func TestChanges(t *testing.T) {
	base := map[string]string{"a": "1", "b": "2"}
	c := changes{"a": "1", "b": "", "c": "3", "d": ""}
	if got := c.over(base); !maps.Equal(got, map[string]string{"a": "1", "c": "3"}) {
		t.Errorf("over: %q", got)
	}
	if got := c.real(base); !maps.Equal(got, changes{"b": "", "c": "3"}) {
		t.Errorf("real: %q", got)
	}
	if !maps.Equal(base, map[string]string{"a": "1", "b": "2"}) || len(c) != 4 {
		t.Errorf("an argument was changed: %q, %q", base, c)
	}
	if got := changes(nil).over(nil); got == nil || len(got) != 0 {
		t.Errorf("nothing over nothing: %#v", got)
	}
}
