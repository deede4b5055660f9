package charm_test

import (
	"reflect"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/unit-agent/unit-agent/charm"
)

func TestNormalForm(t *testing.T) {
	tests := []struct {
		about            string
		metadata, config string
		wantMetadata     string
		wantConfig       string
	}{{
		about:        "short endpoints",
		metadata:     metadata + "# who we need\nrequires:\n  # this\n  db: mysql # one\n  # that\n  cache:\n    interface: redis\npeers:\n  us: 'x'\n",
		wantMetadata: metadata + "# who we need\nrequires:\n  # this\n  db:\n    interface: mysql # one\n  # that\n  cache:\n    interface: redis\npeers:\n  us:\n    interface: 'x'\n",
	}, {
		about:        "nothing to do, in an unusual style",
		metadata:     "{name: 'mysql',   summary: S, description: D\n  E,\n requires: {db: {'interface': a}}}",
		wantMetadata: "{name: 'mysql',   summary: S, description: D\n  E,\n requires: {db: {'interface': a}}}",
	}, {
		about:        "anchors",
		metadata:     metadata + "requires:\n  db: &m mysql\n  cache: *m\nprovides:\n  all: &a {interface: x}\n  some: *a\n",
		wantMetadata: metadata + "requires:\n  db:\n    interface: mysql\n  cache:\n    interface: mysql\nprovides:\n  all: {interface: x}\n  some: {interface: x}\n",
	}, {
		about:        "merged endpoints",
		metadata:     metadata + "x: &x {db: mysql}\nrequires:\n  <<: *x\n  cache: redis\n",
		wantMetadata: metadata + "x: {db: mysql}\nrequires:\n  <<: {db: {interface: mysql}}\n  cache:\n    interface: redis\n",
	}, {
		about:        "options without a type",
		metadata:     metadata,
		wantMetadata: metadata,
		config:       "options:\n  a:\n    default: x\n  b:\n  c: {type: int}\n  d: {type: ''}\n  e: {type: , default: ''}\n",
		wantConfig:   "options:\n  a:\n    default: x\n    type: string\n  b:\n    type: string\n  c: {type: int}\n  d: {type: string}\n  e: {type: string, default: ''}\n",
	}, {
		about:        "a type by a merge key",
		metadata:     metadata,
		wantMetadata: metadata,
		config:       "x: &x {type: int}\ny: &y {}\noptions:\n  a: {<<: *x}\n  b: {<<: [*y, *x]}\n",
		wantConfig:   "x: &x {type: int}\ny: &y {}\noptions:\n  a: {<<: *x}\n  b: {<<: [*y, *x]}\n",
	}}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			f := files{"metadata.yaml": test.metadata}
			if test.config != "" {
				f["config.yaml"] = test.config
			}
			c, err := charm.Read(makeDir(t, f))
			if err != nil {
				t.Fatal(err)
			}
			if c.Documents.Metadata != test.wantMetadata {
				t.Errorf("metadata: got\n%s\nwant\n%s", c.Documents.Metadata, test.wantMetadata)
			}
			if c.Documents.Config != test.wantConfig {
				t.Errorf("config: got\n%s\nwant\n%s", c.Documents.Config, test.wantConfig)
			}
			raw, err := charm.Parse(charm.Documents{Metadata: test.metadata, Config: test.config})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(raw.Meta, c.Meta) || !reflect.DeepEqual(raw.Config, c.Config) {
				t.Errorf("the texts do not mean the same: %+v, %+v", raw, c)
			}
			checkNormal(t, c.Documents)
		})
	}
}

// checkNormal fails unless the texts are fit for a charm that reads them when
// it runs, and are left as they are when the charm is read again.
func checkNormal(t *testing.T, d charm.Documents) {
	t.Helper()
	var meta map[string]any
	if err := yaml.Unmarshal([]byte(d.Metadata), &meta); err != nil {
		t.Fatalf("metadata: %v in:\n%s", err, d.Metadata)
	}
	for _, role := range []string{"provides", "requires", "peers"} {
		endpoints, _ := meta[role].(map[string]any)
		for name, endpoint := range endpoints {
			if m, ok := endpoint.(map[string]any); !ok || m["interface"] == nil {
				t.Errorf("endpoint %s is %v", name, endpoint)
			}
		}
	}
	var config struct{ Options map[string]map[string]any }
	if err := yaml.Unmarshal([]byte(d.Config), &config); err != nil {
		t.Fatalf("config: %v in:\n%s", err, d.Config)
	}
	for name, option := range config.Options {
		if option["type"] == nil || option["type"] == "" {
			t.Errorf("option %s is %v", name, option)
		}
	}
	f := files{"metadata.yaml": d.Metadata}
	if d.Config != "" {
		f["config.yaml"] = d.Config
	}
	if d.Actions != "" {
		f["actions.yaml"] = d.Actions
	}
	again, err := charm.Read(makeDir(t, f))
	if err != nil {
		t.Fatalf("the texts cannot be read again: %v", err)
	}
	if again.Documents != d {
		t.Errorf("the texts changed when they were read again:\n%+v\n%+v", d, again.Documents)
	}
}
