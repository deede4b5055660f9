package charm_test

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/unit-agent/unit-agent/charm"
)

// addSeeds gives the fuzzer good and odd texts to begin with.
func addSeeds(f *testing.F) {
	for _, seed := range []charm.Documents{
		{},
		{Metadata: metadata},
		{Metadata: metadata + "requires: {db: mysql}\npeers:\n  a: &a x\n  b: *a\n", Config: "options: {a: , b: {type: int, default: 1}}"},
		{Metadata: metadata + "x: &x {db: mysql}\nprovides:\n  <<: *x\n", Config: "options: {a: {<<: {type: }}}", Actions: "a: {params: {b: {type: string}}}"},
		{Metadata: metadata + "storage: {d: {type: filesystem, multiple: {range: 0-}, minimum-size: 1G}}\n", Actions: "a: {$ref: x}"},
		{Metadata: metadata + "assumes: [juju, any-of: [a >= 1, b]]\ncontainers: {c: {mounts: [{storage: d, location: /x}]}}\n"},
		{Metadata: metadata + "subordinate: true\nrequires: {a: {interface: b, scope: container}}\ndevices: {a: {type: b, countmin: 1}}\n"},
		{Metadata: metadata + bomb, Config: "options:\n", Actions: "a: {required: [b], anyOf: [{}]}"},
		{Metadata: "{? [a] : b, !!binary eA==: \"\\0\"}", Config: "- a", Actions: "a: &a [*a]"},
	} {
		f.Add(seed.Metadata, seed.Config, seed.Actions)
	}
}

func FuzzRead(f *testing.F) {
	addSeeds(f)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, metadata, config, actions string) {
		writeFiles(t, dir, files{"metadata.yaml": metadata, "config.yaml": config, "actions.yaml": actions})
		check(t, dir)
	})
}

func FuzzReadUnified(f *testing.F) {
	f.Add(unified)
	f.Add(metadata + "config:\n  options: {a: {default: 1}}\nactions: {a: {}}\nlinks: {contact: a}\n")
	f.Add(metadata + "title: a\nx: &x {a: b}\nrequires: *x\nlinks: {website: *x}\n<<: *x\n")
	f.Add("type: charm\nconfig: [\n")
	f.Add(metadata + bomb)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		writeFiles(t, dir, files{"charmcraft.yaml": text})
		check(t, dir)
	})
}

// check reads a charm of any texts. It must be refused in one line, or what is
// made of it must be in order.
func check(t *testing.T, dir string) {
	c, err := charm.Read(dir)
	if err != nil {
		if strings.ContainsFunc(err.Error(), unicode.IsControl) {
			t.Errorf("not one line: %q", err)
		}
		return
	}
	checkNormal(t, c.Documents)
	parsed, err := charm.Parse(c.Documents)
	if err != nil {
		t.Fatal(err)
	}
	parsed.Documents, parsed.Revision, parsed.Version = c.Documents, c.Revision, c.Version
	if !reflect.DeepEqual(parsed, c) {
		t.Errorf("the texts mean something else:\n%+v\n%+v", c, parsed)
	}
	digest, err := charm.Digest(dir)
	if err != nil {
		t.Fatal(err)
	}
	dst := filepath.Join(t.TempDir(), "charm")
	if err := charm.Install(dir, dst); err != nil {
		t.Fatal(err)
	}
	if deployed, err := charm.Digest(dst); err != nil || deployed != digest {
		t.Errorf("the copy has digest %s, %v, not %s", deployed, err, digest)
	}
}

func FuzzRevisionAndVersion(f *testing.F) {
	f.Add("1", "v1\n")
	f.Add(" 7\n\n", "revision-id: \xff\xfe")
	f.Add("99999999999999999999", strings.Repeat("x", 100_000))
	f.Add("-0", "\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, revision, version string) {
		writeFiles(t, dir, files{"metadata.yaml": metadata, "revision": revision, "version": version})
		c, err := charm.Read(dir)
		if err != nil {
			if !strings.Contains(err.Error(), "invalid revision file") || strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("got error %q", err)
			}
			return
		}
		if c.Revision < 0 || len(c.Version) > 400 || strings.Contains(c.Version, "\n") {
			t.Errorf("got %d, %q", c.Revision, c.Version)
		}
	})
}
