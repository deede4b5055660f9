package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	jujucharm "github.com/juju/charm/v12"
)

func TestReadBundle(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "bundle.yaml")
	text := `
description: two applications
series: jammy
applications:
  wordpress:
    charm: local:../wordpress
    num_units: 2
    trust: true
    options: {title: Notes, port: 8080, ratio: 0.25, debug: true, unset: null}
  mysql:
    charm: /charms/mysql
    constraints: mem=1G
    storage: {data: 1G}
relations:
- [wordpress:db, mysql]
- [wordpress:cache, mysql:a]
`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	want := bundle{
		path: path,
		applications: []deployment{
			{charm: "/charms/mysql", application: "mysql", config: map[string]string{}},
			{charm: filepath.Join(filepath.Dir(dir), "wordpress"), application: "wordpress", units: 2, trust: true,
				config: map[string]string{"title": "Notes", "port": "8080", "ratio": "0.25", "debug": "true"}},
		},
		relations: [][2]string{{"wordpress:db", "mysql"}, {"wordpress:cache", "mysql:a"}},
		ignored:   []string{`application "mysql": not supported and ignored: constraints, storage`},
	}
	for _, given := range []string{path, dir} {
		got, err := readBundle(given)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", given, got, want)
		}
	}
}

func TestReadBundleWithOverlay(t *testing.T) {
	b, err := newBundle([]byte(`
applications:
  mysql: {charm: ./mysql, num_units: 1, options: {a: 1}}
  wordpress: {charm: ./wordpress}
relations:
- [wordpress, mysql]
---
applications:
  mysql: {num_units: 3, options: {b: x}}
  wordpress:
`), "/somewhere")
	if err != nil {
		t.Fatal(err)
	}
	want := []deployment{{charm: "/somewhere/mysql", application: "mysql", units: 3, config: map[string]string{"a": "1", "b": "x"}}}
	if !reflect.DeepEqual(b.applications, want) || len(b.relations) != 0 {
		t.Errorf("got %+v", b)
	}
}

func TestReadBundleTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bundle.yaml")
	if err := os.WriteFile(path, []byte("#"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<30); err != nil {
		t.Fatal(err)
	}
	if _, err := readBundle(path); err == nil || !strings.Contains(err.Error(), "it is larger than") {
		t.Errorf("got error %v", err)
	}
}

func TestIgnoredFields(t *testing.T) {
	spec := &jujucharm.ApplicationSpec{
		EndpointBindings: map[string]string{"db": "internal"}, Devices: map[string]string{"gpu": "1"},
		ExposedEndpoints: map[string]jujucharm.ExposedEndpointSpec{"": {}}, Resources: map[string]any{"image": 1}, To: []string{"0"},
	}
	want := []string{"bindings", "devices", "expose", "resources", "to"}
	if got := ignoredFields(spec); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := ignoredFields(&jujucharm.ApplicationSpec{}); got != nil {
		t.Errorf("got %q for nothing", got)
	}
}

// FuzzReadBundle holds that a bundle is read or refused, and that what is read
// can be deployed as far as its form goes.
func FuzzReadBundle(f *testing.F) {
	paths, err := filepath.Glob("../../testdata/bundles/*.yaml")
	if err != nil || len(paths) == 0 {
		f.Fatal(paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, text := range []string{
		"", "~", "---", "---\n---\n", "[]", "a", "applications:", "applications: {a: }", "applications: {a: {charm: b, num_units: x}}",
		"applications: {a: {charm: b}}\n--- \n~", "applications: {a: {charm: b}}\n---\napplications: {a: }",
		"applications: {a: {charm: b, options: {c: [d]}}}", "applications: {a: {charm: b}}\nrelations: [[a]]",
		"applications: {a: {charm: b}}\nrelations: [[a, [b, c]]]", "applications: {a: {charm: b, options: {c: include-file://d}}}",
		"saas: {a: }\napplications: {a: {charm: b}}", "machines: {0: }\napplications: {a: {charm: b, to: [0]}}",
		"applications: &a {a: {charm: b, offers: {c: }}}", "bundle: kubernetes\napplications: {a: {charm: b, scale: 1, placement: c}}",
	} {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Contains(string(text), "include-") {
			// It may name a device that never ends.
			t.Skip()
		}
		b, err := newBundle(text, dir)
		if err != nil {
			if oneLine(err) == "" {
				t.Error("an error that says nothing")
			}
			return
		}
		if len(b.applications) == 0 {
			t.Error("a bundle without applications")
		}
		for _, d := range b.applications {
			if d.charm == "" || d.units < 0 || d.config == nil {
				t.Errorf("got %+v", d)
			}
		}
	})
}
