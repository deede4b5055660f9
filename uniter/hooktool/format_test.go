package hooktool

import (
	"bytes"
	"encoding/json"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestFormats(t *testing.T) {
	for _, test := range []struct {
		name              string
		value             any
		smart, yaml, json string
	}{
		{"nil", nil, "", "", "null\n"},
		{"string", "two words", "two words\n", "two words\n", "\"two words\"\n"},
		{"empty string", "", "", "\"\"\n", "\"\"\n"},
		{"string with a newline", "a\n", "a\n\n", "|\n  a\n", "\"a\\n\"\n"},
		{"string that looks like a number", "8", "8\n", "\"8\"\n", "\"8\"\n"},
		{"markup", "<&>", "<&>\n", "<&>\n", "\"\\u003c\\u0026\\u003e\"\n"},
		{"true", true, "True\n", "true\n", "true\n"},
		{"false", false, "False\n", "false\n", "false\n"},
		{"int", 5, "5\n", "5\n", "5\n"},
		{"int64", int64(-5), "-5\n", "-5\n", "-5\n"},
		{"float", 1.5, "1.5\n", "1.5\n", "1.5\n"},
		{"whole float", 2.0, "2\n", "2\n", "2\n"},
		{"list", []string{"a", "b"}, "a\nb\n", "- a\n- b\n", "[\"a\",\"b\"]\n"},
		{"empty list", []string{}, "", "[]\n", "[]\n"},
		{"map", map[string]string{"b": "2", "a": "x"}, "a: x\nb: \"2\"\n", "a: x\nb: \"2\"\n", "{\"a\":\"x\",\"b\":\"2\"}\n"},
		{"empty map", map[string]string{}, "{}\n", "{}\n", "{}\n"},
		{
			"map in map", map[string]any{"a": map[string]any{"b": []string{"c"}, "d": nil}},
			"a:\n  b:\n    - c\n  d: null\n", "a:\n  b:\n    - c\n  d: null\n", "{\"a\":{\"b\":[\"c\"],\"d\":null}}\n",
		},
	} {
		for format, want := range map[string]string{"smart": test.smart, "yaml": test.yaml, "json": test.json} {
			if got, err := formatters[format](test.value); err != nil || string(got) != want {
				t.Errorf("%s as %s: got %q, %v, want %q", test.name, format, got, err, want)
			}
		}
	}
}

// FuzzFormats holds what is printed against what a reader makes of it.
func FuzzFormats(f *testing.F) {
	f.Add("key", "value")
	f.Add("yes", "multi\nline\n")
	f.Add("", "\u2028\x00 é")
	f.Fuzz(func(t *testing.T, key, value string) {
		if key != string(bytes.ToValidUTF8([]byte(key), nil)) || value != string(bytes.ToValidUTF8([]byte(value), nil)) {
			t.Skip("not text")
		}
		want := map[string]string{key: value}
		for format, read := range map[string]func([]byte, any) error{"json": json.Unmarshal, "yaml": yaml.Unmarshal, "smart": yaml.Unmarshal} {
			text, err := formatters[format](want)
			if err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			var got map[string]string
			if err := read(text, &got); err != nil || got[key] != value || len(got) != 1 {
				t.Errorf("%s: %q was printed as %q and read as %q, %v", format, want, text, got, err)
			}
		}
	})
}
