package charm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	jujucharm "github.com/juju/charm/v12"

	"github.com/unit-agent/unit-agent/charm"
)

// The bundles that ship with the repository name charms that are there, and
// relate endpoints that fit.
func TestBundlesOfTestdata(t *testing.T) {
	bundles, err := filepath.Glob("../testdata/bundles/*.yaml")
	if err != nil || len(bundles) == 0 {
		t.Fatal(bundles, err)
	}
	for _, path := range bundles {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			bundle, err := jujucharm.ReadBundleData(f)
			if err != nil {
				t.Fatal(err)
			}
			charms := make(map[string]*charm.Charm)
			for name, application := range bundle.Applications {
				c, err := charm.Read(filepath.Join(filepath.Dir(path), application.Charm))
				if err != nil {
					t.Fatal(err)
				}
				charms[name] = c
				if _, err := c.Config.ValidateSettings(application.Options); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			for _, relation := range bundle.Relations {
				checkRelation(t, charms, relation)
			}
		})
	}
}

func checkRelation(t *testing.T, charms map[string]*charm.Charm, relation []string) {
	t.Helper()
	var endpoints []jujucharm.Relation
	for _, end := range relation {
		application, name, _ := strings.Cut(end, ":")
		c, ok := charms[application]
		if !ok {
			t.Fatalf("%v: there is no application %q", relation, application)
		}
		endpoint, ok := c.Endpoint(name)
		if !ok {
			t.Fatalf("%v: %s has no endpoint %q", relation, application, name)
		}
		endpoints = append(endpoints, endpoint)
	}
	if len(endpoints) != 2 || endpoints[0].Interface != endpoints[1].Interface || endpoints[0].Role == endpoints[1].Role {
		t.Errorf("%v do not fit: %+v", relation, endpoints)
	}
}
