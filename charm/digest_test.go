package charm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/unit-agent/unit-agent/charm"
)

func digest(t *testing.T, dir string) string {
	t.Helper()
	d, err := charm.Digest(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(d) {
		t.Fatalf("%q is no digest", d)
	}
	return d
}

// whole is a charm with something of every kind.
func whole() files {
	return files{
		"metadata.yaml":              metadata + "requires: {db: pgsql}\n",
		"config.yaml":                "options: {a: {}}\n",
		"actions.yaml":               "",
		"revision":                   "3",
		"version":                    "v3",
		"dispatch*":                  "#!/bin/sh\nexit 0\n",
		"hooks/install->../dispatch": "",
		"hooks/start->install":       "",
		"lib/a/b/c.py":               "pass\n",
		"lib/empty":                  "",
		"data/":                      "",
		".jujuignore":                "*.pyc\n/secret/\n",
		".git/config":                "x",
		"lib/a/x.pyc":                "x",
		"secret/key":                 "x",
	}
}

func TestDigestOfCopies(t *testing.T) {
	src := makeDir(t, whole())
	want := digest(t, src)
	if again := digest(t, src); again != want {
		t.Errorf("the same directory has digests %s and %s", want, again)
	}
	if got := digest(t, makeDir(t, whole())); got != want {
		t.Errorf("a charm that was made in the same way has digest %s, not %s", got, want)
	}
	dst := filepath.Join(t.TempDir(), "home", "charm")
	if err := charm.Install(src, dst); err != nil {
		t.Fatal(err)
	}
	if got := digest(t, dst); got != want {
		t.Errorf("the deployed charm has digest %s, not %s", got, want)
	}
	second := filepath.Join(t.TempDir(), "charm")
	if err := charm.Install(dst, second); err != nil {
		t.Fatal(err)
	}
	if got := digest(t, second); got != want {
		t.Errorf("a copy of the copy has digest %s, not %s", got, want)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(src, link); err != nil {
		t.Fatal(err)
	}
	if got := digest(t, link); got != want {
		t.Errorf("by a symlink the charm has digest %s, not %s", got, want)
	}
	other := filepath.Join(t.TempDir(), "cp")
	if out, err := exec.Command("cp", "-r", src, other).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(filepath.Join(other, "lib/empty"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := digest(t, other); got != want {
		t.Errorf("a copy by other means and with other permissions has digest %s, not %s", got, want)
	}
}

func TestDigestChanges(t *testing.T) {
	want := digest(t, makeDir(t, whole()))
	for about, change := range map[string]func(f files){
		"content":            func(f files) { f["lib/a/b/c.py"] = "pass\r" },
		"a file more":        func(f files) { f["lib/more"] = "" },
		"a file less":        func(f files) { delete(f, "lib/empty") },
		"an empty directory": func(f files) { f["more/"] = "" },
		"another name":       func(f files) { delete(f, "lib/empty"); f["lib/emptz"] = "" },
		"not executable":     func(f files) { f["dispatch"] = f["dispatch*"]; delete(f, "dispatch*") },
		"another link":       func(f files) { delete(f, "hooks/start->install"); f["hooks/start->../dispatch"] = "" },
		"link or file":       func(f files) { delete(f, "hooks/start->install"); f["hooks/start"] = "install" },
		"what is ignored":    func(f files) { f[".jujuignore"] = "*.pyc\n/secret/\n# more\n" },
		"metadata":           func(f files) { f["metadata.yaml"] += "# more\n" },
		"the revision":       func(f files) { f["revision"] = "4" },
		"content moved":      func(f files) { f["lib/empty"], f["lib/a/b/c.py"] = f["lib/a/b/c.py"], "" },
	} {
		f := whole()
		change(f)
		if got := digest(t, makeDir(t, f)); got == want {
			t.Errorf("%s: the digest is the same", about)
		}
	}
}

func TestDigestDoesNotSee(t *testing.T) {
	want := digest(t, makeDir(t, whole()))
	for about, change := range map[string]func(f files){
		"version control": func(f files) { f[".git/config"] = "y"; f["lib/.svn/x"] = "" },
		"ignored files":   func(f files) { delete(f, "lib/a/x.pyc"); f["secret/key"] = "y" },
		"a build":         func(f files) { f["build/x"] = "" },
	} {
		f := whole()
		change(f)
		if got := digest(t, makeDir(t, f)); got != want {
			t.Errorf("%s: the digest is another", about)
		}
	}
}
