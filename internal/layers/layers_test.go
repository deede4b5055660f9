// Package layers keeps the rule of who may import whom.
package layers

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/unit-agent/unit-agent/"

// layers lists the rooms from the ground up. A package may import those of its
// own layer and of the layers before, never of those behind.
var layers = [][]string{
	{"internal/durable", "internal/linefile"},
	{"uniter/hook", "charm", "lease", "uniter/leadership"},
	{"statedir", "uniter/relation", "lease/memstore", "lease/etcdstore", "machinelease", "election", "election/pb", "store"},
	{"model"},
	{"uniter/operation", "uniter/runner", "uniter/hooktool", "uniter/hooktool/client", "uniter/journal", "unitlog"},
	{"uniter"},
	{"machine"},
	{"cmd/unit-agent", "cmd/hook-tool"},
}

// testSupport are packages that only tests import.
var testSupport = []string{"internal/durable/durabletest", "internal/layers", "internal/safety", "lease/storetest", "store/etcdtest"}

type goPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func list(t *testing.T) map[string]goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := make(map[string]goPackage)
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[strings.TrimPrefix(p.ImportPath, module)] = p
	}
}

func layerOf(name string) int {
	return slices.IndexFunc(layers, func(layer []string) bool { return slices.Contains(layer, name) })
}

func TestNobodyImportsFromAbove(t *testing.T) {
	packages := list(t)
	if len(packages) < 15 {
		t.Fatalf("only %d packages listed", len(packages))
	}
	for name, p := range packages {
		if slices.Contains(testSupport, name) {
			continue
		}
		own := layerOf(name)
		if own < 0 {
			t.Errorf("%s has no layer: give it one in this test and in HACKING.md", name)
			continue
		}
		for _, imported := range p.Imports {
			other, inside := strings.CutPrefix(imported, module)
			if !inside {
				continue
			}
			if slices.Contains(testSupport, other) {
				t.Errorf("%s imports %s, which is for tests", name, other)
			} else if layerOf(other) > own {
				t.Errorf("%s imports %s, which stands above it", name, other)
			}
		}
	}
}

// TestTheGroundKnowsNoEtcd keeps the packages that hold nouns and rules free of
// the store.
func TestTheGroundKnowsNoEtcd(t *testing.T) {
	packages := list(t)
	for _, name := range []string{"uniter/hook", "charm", "lease", "uniter/leadership", "statedir", "uniter/relation", "uniter/operation", "uniter/runner"} {
		p, ok := packages[name]
		if !ok {
			t.Errorf("%s is not there", name)
		}
		for _, dep := range p.Deps {
			if strings.HasPrefix(dep, "go.etcd.io/etcd") {
				t.Errorf("%s needs %s", name, dep)
			}
		}
	}
}

// TestTheHookToolIsSmall keeps the start of hook tools, which a hook pays many
// times, free of everything but the standard library.
func TestTheHookToolIsSmall(t *testing.T) {
	for _, dep := range list(t)["cmd/hook-tool"].Deps {
		first, _, _ := strings.Cut(dep, "/")
		if strings.Contains(first, ".") && dep != module+"uniter/hooktool/client" {
			t.Errorf("the hook tool needs %s", dep)
		}
	}
}

// TestOnlyTheModelKnowsItsKeys keeps etcd keys of the model in one place.
func TestOnlyTheModelKnowsItsKeys(t *testing.T) {
	for name, p := range list(t) {
		inModel := name == "model"
		aboveModel := layerOf(name) > layerOf("model")
		usesClient := slices.Contains(p.Imports, "go.etcd.io/etcd/client/v3")
		if !inModel && aboveModel && usesClient && name != "uniter" && name != "uniter/hooktool" {
			t.Errorf("%s uses the etcd client; comparisons are carried by uniter and uniter/hooktool only", name)
		}
	}
}
