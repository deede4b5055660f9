package charm_test

import (
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/unit-agent/unit-agent/charm"
)

const unified = `# what the charm is
type: charm
name: mysql
title: My SQL
summary: S
description: D
base: ubuntu@24.04
platforms: {amd64: }
parts: {charm: {plugin: dump, source: .}}
charm-libs: [{lib: a.b, version: "1"}]
links:
  contact: a@example.com
  documentation: https://example.com/docs
  issues: [https://example.com/issues]
  source: https://example.com/source
  website: https://example.com
requires:
  db: pgsql # the short form
  cache: {interface: redis, limit: 1}
assumes: [juju >= 3.1]
config:
  options:
    name: {default: "yes", description: "No type."}
    on: {type: boolean, default: yes}
actions:
  backup: {description: Saves it.}
`

func TestReadUnified(t *testing.T) {
	c, err := charm.Read(makeDir(t, files{"charmcraft.yaml": unified}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Meta.Name != "mysql" || c.Meta.Requires["db"].Interface != "pgsql" || c.Meta.Requires["cache"].Limit != 1 || c.Meta.Assumes == nil {
		t.Errorf("bad metadata: %+v", c.Meta)
	}
	if on := c.Config.Options["on"]; on.Type != "boolean" || on.Default != true {
		t.Errorf("bad option: %+v", on)
	}
	if name := c.Config.Options["name"]; name.Type != "string" || name.Default != "yes" {
		t.Errorf("bad option: %+v", name)
	}
	if c.Actions.ActionSpecs["backup"].Description != "Saves it." {
		t.Errorf("bad actions: %+v", c.Actions)
	}

	// What a charm will find in the files when it runs.
	var got, want map[string]any
	decode(t, c.Documents.Metadata, &got)
	decode(t, `
name: mysql
display-name: My SQL
summary: S
description: D
maintainers: [a@example.com]
docs: https://example.com/docs
issues: [https://example.com/issues]
source: https://example.com/source
website: https://example.com
requires:
  db: {interface: pgsql}
  cache: {interface: redis, limit: 1}
assumes: [juju >= 3.1]
`, &want)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("metadata.yaml:\n%s", c.Documents.Metadata)
	}
	// Not decoded: a decoder may take "yes" for a string, and a boolean must
	// stay one for those that do not.
	if want := "options:\n  name: {default: \"yes\", description: \"No type.\", type: string}\n  on: {type: boolean, default: yes}\n"; c.Documents.Config != want {
		t.Errorf("config.yaml:\n%s\nwant:\n%s", c.Documents.Config, want)
	}
	if want := "backup: {description: Saves it.}\n"; c.Documents.Actions != want {
		t.Errorf("actions.yaml:\n%s\nwant:\n%s", c.Documents.Actions, want)
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
}

func TestUnifiedSections(t *testing.T) {
	const split = "name: mysql\nsummary: from metadata.yaml\ndescription: D\n"
	tests := []struct {
		about                string
		files                files
		summary              string
		options, actionNames []string
	}{
		{"all in one", files{"charmcraft.yaml": unified}, "S", []string{"name", "on"}, []string{"backup"}},
		{"the files count before the sections", files{
			"charmcraft.yaml": unified, "metadata.yaml": split, "config.yaml": "options: {other: {}}", "actions.yaml": "other: {}",
		}, "from metadata.yaml", []string{"other"}, []string{"other"}},
		{"metadata.yaml beside sections", files{
			"charmcraft.yaml": "type: charm\nconfig: {options: {mine: {}}}\nactions: {mine: {}}\n", "metadata.yaml": split,
		}, "from metadata.yaml", []string{"mine"}, []string{"mine"}},
		{"config.yaml beside the rest", files{"charmcraft.yaml": metadata, "config.yaml": "options: {other: {}}"}, "S", []string{"other"}, nil},
		{"sections that say nothing", files{"charmcraft.yaml": metadata + "config:\nactions: {}\nlinks:\n"}, "S", nil, nil},
		{"one contact of several, and a key given twice", files{
			"charmcraft.yaml": metadata + "website: https://a\nlinks: {contact: [a, b], website: https://b, other: c}\n",
		}, "S", nil, nil},
		{"parts that share an anchor", files{
			"charmcraft.yaml": "name: mysql\nsummary: &s S\ndescription: *s\nx: &o {a: {description: *s}}\nconfig: {options: *o}\nactions: *o\n",
		}, "S", []string{"a"}, []string{"a"}},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			c, err := charm.Read(makeDir(t, test.files))
			if err != nil {
				t.Fatal(err)
			}
			if c.Meta.Summary != test.summary {
				t.Errorf("summary %q, want %q", c.Meta.Summary, test.summary)
			}
			if got := slices.Sorted(maps.Keys(c.Config.Options)); !slices.Equal(got, test.options) {
				t.Errorf("options %q, want %q", got, test.options)
			}
			if got := slices.Sorted(maps.Keys(c.Actions.ActionSpecs)); !slices.Equal(got, test.actionNames) {
				t.Errorf("actions %q, want %q", got, test.actionNames)
			}
			checkNormal(t, c.Documents)
		})
	}
}

func TestUnifiedBad(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "charmcraft.yaml: it must be a map that gives at least name, summary and description"},
		{"- a", "charmcraft.yaml: it must be a map that gives at least name, summary and description"},
		{"a: [", "charmcraft.yaml: line 1: did not find expected node content"},
		{"type: bundle\n" + metadata, `charmcraft.yaml: its type is "bundle": only a charm can be deployed`},
		{"summary: S\ndescription: D\n", "charmcraft.yaml: metadata: name: expected string, got nothing"},
		{metadata + "requires:\n  db: a\n  db: b\n", `charmcraft.yaml: line 6: mapping key "db" already defined at line 5`},
		{metadata + "links: x\n", "charmcraft.yaml: links on line 4 must be a map"},
		{metadata + "title: A\ndisplay-name: B\n", `charmcraft.yaml: mapping key "display-name" already defined`},
		{metadata + "config: {options: {a: {type: blob}}}\n", `charmcraft.yaml: config: invalid config: option "a" has unknown type "blob"`},
		{metadata + "config: 5\n", "charmcraft.yaml: config: cannot unmarshal !!int `5` into charm.Config"},
		{metadata + "actions: {a: {$ref: b}}\n", `charmcraft.yaml: actions: schema key "$ref" cannot be used: write the schema out`},
		{metadata + bomb, "charmcraft.yaml: document contains excessive aliasing"},
	} {
		_, err := charm.Read(makeDir(t, files{"charmcraft.yaml": test.text}))
		if err == nil || !strings.HasSuffix(err.Error(), `": `+test.want) {
			t.Errorf("%.60q: got error %v, want %s", test.text, err, test.want)
		}
	}
}

// What a unified charm is deployed as reads the same as the charm itself.
func TestInstallUnified(t *testing.T) {
	src := makeDir(t, files{"charmcraft.yaml": unified, "dispatch*": "#!/bin/sh\n"})
	dst := filepath.Join(t.TempDir(), "charm")
	if err := charm.Install(src, dst); err != nil {
		t.Fatal(err)
	}
	c, err := charm.Read(src)
	if err != nil {
		t.Fatal(err)
	}
	want := files{
		"charmcraft.yaml": unified, "dispatch*": "#!/bin/sh\n",
		"metadata.yaml": c.Documents.Metadata, "config.yaml": c.Documents.Config, "actions.yaml": c.Documents.Actions,
	}
	if got := readDir(t, dst); !maps.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	deployed, err := charm.Read(dst)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(deployed, c) {
		t.Errorf("got  %+v\nwant %+v", deployed, c)
	}
}
