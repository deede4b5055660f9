package charm_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	jujucharm "github.com/juju/charm/v12"

	"github.com/unit-agent/unit-agent/charm"
)

func TestRead(t *testing.T) {
	dir := makeDir(t, files{
		"metadata.yaml": metadata + "provides: {server: {interface: mysql}}\n",
		"config.yaml":   "options: {port: {type: int, default: 3306}}\n",
		"actions.yaml":  "backup: {description: Saves it.}\n",
		"revision":      "42\n",
		"version":       "revision-id: v1.2-3-gabc\nmore\n",
	})
	c, err := charm.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if c.Meta.Name != "mysql" || c.Meta.Provides["server"].Interface != "mysql" {
		t.Errorf("bad metadata: %+v", c.Meta)
	}
	if c.Config.Options["port"].Default != int64(3306) {
		t.Errorf("bad config: %+v", c.Config)
	}
	if c.Actions.ActionSpecs["backup"].Description != "Saves it." {
		t.Errorf("bad actions: %+v", c.Actions)
	}
	if c.Revision != 42 || c.Version != "v1.2-3-gabc" {
		t.Errorf("revision %d, version %q", c.Revision, c.Version)
	}
	want := charm.Documents{
		Metadata: metadata + "provides: {server: {interface: mysql}}\n",
		Config:   "options: {port: {type: int, default: 3306}}\n",
		Actions:  "backup: {description: Saves it.}\n",
	}
	if c.Documents != want {
		t.Errorf("texts that were as they should be were changed: %+v", c.Documents)
	}
}

func TestReadTheLeastCharm(t *testing.T) {
	c, err := charm.Read(makeDir(t, files{"metadata.yaml": metadata}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Config == nil || c.Config.Options == nil || len(c.Config.Options) != 0 {
		t.Errorf("bad config: %+v", c.Config)
	}
	if c.Actions == nil || len(c.Actions.ActionSpecs) != 0 {
		t.Errorf("bad actions: %+v", c.Actions)
	}
	if c.Revision != 0 || c.Version != "" || c.Documents != (charm.Documents{Metadata: metadata}) {
		t.Errorf("got %+v", c)
	}
}

func TestReadTolerates(t *testing.T) {
	for about, f := range map[string]files{
		"an empty actions.yaml":                {"metadata.yaml": metadata, "actions.yaml": ""},
		"options that are null":                {"metadata.yaml": metadata, "config.yaml": "options:\n"},
		"unknown keys":                         {"metadata.yaml": metadata + "colour: blue\n"},
		"a manifest that we have no use for":   {"metadata.yaml": metadata, "manifest.yaml": "bases: [{name: plan9, channel: x}]\n"},
		"a container":                          {"metadata.yaml": metadata + "containers: {c: {resource: i}}\nresources: {i: {type: oci-image}}\n"},
		"series, as charms used to have":       {"metadata.yaml": metadata + "series: [jammy]\n"},
		"an endpoint with a number":            {"metadata.yaml": metadata + "requires: {db-2_a: x}\n"},
		"a charm of juju's with juju- endings": {"metadata.yaml": "name: juju-x\nsummary: S\ndescription: D\nprovides: {juju-y: juju-z}\n"},
		"a subordinate":                        {"metadata.yaml": metadata + "subordinate: true\nrequires: {juju-info: {interface: juju-info, scope: container}}\n"},
		"a symlink to a file of the charm":     {"meta/m.yaml": metadata, "metadata.yaml->meta/m.yaml": ""},
		"a broken charmcraft.yaml that nobody needs": {
			"metadata.yaml": metadata, "config.yaml": "options: {}\n", "actions.yaml": "", "charmcraft.yaml": "a: [",
		},
	} {
		if _, err := charm.Read(makeDir(t, f)); err != nil {
			t.Errorf("%s: %v", about, err)
		}
	}
}

func TestReadBadCharms(t *testing.T) {
	const noCharm = "neither metadata.yaml nor charmcraft.yaml is there: give the path of a directory that holds a charm"
	tests := []struct {
		about string
		files files
		want  string // after "cannot read charm DIR: "
	}{
		{"nothing there", files{}, noCharm},
		{"something else there", files{"README.md": "hello"}, noCharm},
		{"empty metadata", files{"metadata.yaml": ""}, "metadata.yaml: it is empty: it must give at least name, summary and description"},
		{"only a comment", files{"metadata.yaml": "# nothing\n"}, "metadata.yaml: it is empty: it must give at least name, summary and description"},
		{"metadata that is no map", files{"metadata.yaml": "- a\n"}, "metadata.yaml: line 1: cannot unmarshal !!seq into map[interface {}]interface {}"},
		{"no summary", files{"metadata.yaml": "name: x\ndescription: D\n"}, "metadata.yaml: metadata: summary: expected string, got nothing"},
		{"bad YAML", files{"metadata.yaml": metadata + "  requires: a\n"}, "metadata.yaml: line 4: mapping values are not allowed in this context"},
		{"tabs", files{"metadata.yaml": metadata + "requires:\n\tdb: x\n"}, "metadata.yaml: line 5: found character that cannot start any token"},
		{"two documents", files{"metadata.yaml": metadata + "---\n" + metadata}, "metadata.yaml: it holds more than one YAML document"},
		{"a key twice", files{"metadata.yaml": metadata + "requires:\n  db: a\n  db: b\n"}, `metadata.yaml: line 6: mapping key "db" already defined at line 5`},
		{"an endpoint in two roles", files{"metadata.yaml": metadata + "requires: {db: a}\nprovides: {db: a}\n"},
			`metadata.yaml: charm "mysql" using a duplicated relation name: "db"`},
		{"a reserved endpoint", files{"metadata.yaml": metadata + "provides: {juju-info: a}\n"},
			`metadata.yaml: charm "mysql" using a reserved relation name: "juju-info"`},
		{"a bad endpoint name", files{"metadata.yaml": metadata + "requires: {Db: a}\n"},
			`metadata.yaml: bad endpoint name "Db": use lower-case letters, digits, dashes and underscores, and begin with a letter`},
		{"an endpoint name that is a path", files{"metadata.yaml": metadata + "requires: {../db: a}\n"},
			`metadata.yaml: bad endpoint name "../db": use lower-case letters, digits, dashes and underscores, and begin with a letter`},
		{"an empty interface", files{"metadata.yaml": metadata + "requires: {db: ''}\n"},
			`metadata.yaml: endpoint "db" has an empty interface: name the interface that it speaks`},
		{"a bad charm name", files{"metadata.yaml": "name: My-SQL\nsummary: S\ndescription: D\n"},
			`metadata.yaml: bad charm name "My-SQL": use lower-case letters, digits and single dashes, with a letter in every part`},
		{"a bad storage name", files{"metadata.yaml": metadata + "storage: {a_b: {type: filesystem}}\n"},
			`metadata.yaml: bad storage name "a_b": use lower-case letters, digits and single dashes, with a letter in every part`},
		{"a subordinate of nothing", files{"metadata.yaml": metadata + "subordinate: true\n"},
			`metadata.yaml: subordinate charm "mysql" lacks "requires" relation with container scope`},
		{"a mixture of formats", files{"metadata.yaml": metadata + "series: [jammy]\nassumes: [juju]\n"},
			`metadata.yaml: ambiguous metadata: keys "series" cannot be used with "assumes"`},
		{"aliases that blow up", files{"metadata.yaml": metadata + bomb}, "metadata.yaml: document contains excessive aliasing"},
		{"empty config", files{"metadata.yaml": metadata, "config.yaml": ""}, "config.yaml: invalid config: empty configuration"},
		{"config without options", files{"metadata.yaml": metadata, "config.yaml": "a: 1\n"}, "config.yaml: invalid config: empty configuration"},
		{"an unknown type", files{"metadata.yaml": metadata, "config.yaml": "options: {a: {type: blob}}\n"},
			`config.yaml: invalid config: option "a" has unknown type "blob"`},
		{"a default of another type", files{"metadata.yaml": metadata, "config.yaml": "options: {a: {type: int, default: x}}\n"},
			`config.yaml: invalid config default: option "a" expected int, got "x"`},
		{"a bad action name", files{"metadata.yaml": metadata, "actions.yaml": "Back_up: {}\n"}, "actions.yaml: bad action name Back_up"},
		{"a reserved action name", files{"metadata.yaml": metadata, "actions.yaml": "juju-x: {}\n"},
			`actions.yaml: cannot use action name juju-x: the "juju-" prefix is reserved`},
		{"a schema from elsewhere", files{"metadata.yaml": metadata, "actions.yaml": "a:\n  $ref: http://127.0.0.1:1/x\n"},
			`actions.yaml: schema key "$ref" on line 2 cannot be used: write the schema out`},
		{"a schema from elsewhere, deep down", files{"metadata.yaml": metadata, "actions.yaml": "a:\n  anyOf:\n  - {x: [{$schema: y}]}\n"},
			`actions.yaml: schema key "$schema" on line 3 cannot be used: write the schema out`},
		{"a bad revision", files{"metadata.yaml": metadata, "revision": "one\ntwo\n"},
			`invalid revision file: it must hold one whole number, not "one two"`},
		{"a negative revision", files{"metadata.yaml": metadata, "revision": "-1"}, `invalid revision file: it must hold one whole number, not "-1"`},
		{"a directory for a file", files{"metadata.yaml/": ""}, "metadata.yaml is not a file"},
		{"a symlink out of the charm", files{"metadata.yaml->/etc/hostname": ""}, "statat metadata.yaml: path escapes from parent"},
		{"far too long", files{"metadata.yaml": metadata + strings.Repeat("#", 1<<20)}, "metadata.yaml is 1048614 bytes long: at most 1048576 can be used"},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			dir := makeDir(t, test.files)
			c, err := charm.Read(dir)
			if err == nil {
				t.Fatalf("no error, but %+v", c)
			}
			want := `cannot read charm "` + dir + `": ` + test.want
			if err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
			if _, err := charm.Digest(dir); err == nil || err.Error() != want {
				t.Errorf("Digest: got  %s\nwant %s", err, want)
			}
			// Nothing of it may be deployed.
			dst := filepath.Join(t.TempDir(), "home", "charm")
			if err := charm.Install(dir, dst); err == nil || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("Install: got error %v", err)
			}
			if _, err := os.Lstat(filepath.Dir(dst)); !os.IsNotExist(err) {
				t.Errorf("Install has changed something: %v", err)
			}
		})
	}
}

// bomb is an alias of an alias and so on, 10^9 values in a few hundred bytes.
const bomb = `
a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]
h: &h [*g, *g, *g, *g, *g, *g, *g, *g, *g, *g]
i: &i [*h, *h, *h, *h, *h, *h, *h, *h, *h, *h]
`

func TestReadWhatIsNoDirectory(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, files{"file": "x", "x.charm": "PK"})
	for name, want := range map[string]string{
		"gone":    "no such file or directory: give the path of a directory that holds a charm",
		"file":    "not a directory: give the path of a directory that holds a charm",
		"x.charm": "it is packed: unpack it (it is a zip file) and give the path of that directory",
	} {
		path := filepath.Join(dir, name)
		_, err := charm.Read(path)
		if err == nil || err.Error() != `cannot read charm "`+path+`": `+want {
			t.Errorf("%s: got error %v", name, err)
		}
		if got, want := errors.Is(err, fs.ErrNotExist), name == "gone"; got != want {
			t.Errorf("%s: the error says that it is not there: %v", name, got)
		}
	}
}

// Opening a pipe would wait for somebody to write to it.
func TestReadPipe(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "metadata.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := charm.Read(dir); err == nil || !strings.HasSuffix(err.Error(), "metadata.yaml is not a file") {
		t.Errorf("got error %v", err)
	}
}

func TestParse(t *testing.T) {
	c, err := charm.Parse(charm.Documents{
		Metadata: metadata + "requires: {db: mysql}\n",
		Config:   "options: {a: {}}\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Meta.Requires["db"].Interface != "mysql" || c.Config.Options["a"].Type != "string" || c.Actions == nil {
		t.Errorf("got %+v", c)
	}
	_, err = charm.Parse(charm.Documents{Metadata: metadata, Actions: "A: {}\n"})
	if want := "cannot read charm: actions.yaml: bad action name A"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	_, err = charm.Parse(charm.Documents{})
	if err == nil || !strings.Contains(err.Error(), "metadata.yaml: it is empty") {
		t.Errorf("got error %v", err)
	}
}

func TestEndpoint(t *testing.T) {
	c, err := charm.Parse(charm.Documents{Metadata: metadata + `
provides: {server: mysql}
requires: {ha: {interface: hacluster, scope: container, limit: 2}}
peers: {cluster: mysql-cluster}
`})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]jujucharm.Relation{
		"server":    {Name: "server", Role: "provider", Interface: "mysql", Scope: "global"},
		"ha":        {Name: "ha", Role: "requirer", Interface: "hacluster", Scope: "container", Limit: 2},
		"cluster":   {Name: "cluster", Role: "peer", Interface: "mysql-cluster", Scope: "global"},
		"juju-info": {Name: "juju-info", Role: "provider", Interface: "juju-info", Scope: "global"},
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got, ok := c.Endpoint(name); !ok || got != want[name] {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, ok, want[name])
		}
	}
	if got, ok := c.Endpoint("other"); ok || got != (jujucharm.Relation{}) {
		t.Errorf("an endpoint that is not there: %+v", got)
	}
	if got, _ := c.Endpoint("juju-info"); !got.IsImplicit() {
		t.Error("juju-info is not implicit")
	}
}

// A subordinate may require juju-info under its own name.
func TestEndpointThatIsDeclared(t *testing.T) {
	c, err := charm.Parse(charm.Documents{Metadata: metadata +
		"subordinate: true\nrequires: {juju-info: {interface: juju-info, scope: container}}\n"})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := c.Endpoint("juju-info"); !ok || got.Role != jujucharm.RoleRequirer {
		t.Errorf("got %+v, %v", got, ok)
	}
}
