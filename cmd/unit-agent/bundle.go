package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	jujucharm "github.com/juju/charm/v12"

	"github.com/unit-agent/unit-agent/model"
)

// bundle is a set of applications and the relations between them.
type bundle struct {
	path         string
	applications []deployment
	relations    [][2]string

	// ignored says what the file asks for and does not get, a line an
	// application.
	ignored []string
}

// maxBundle is the size of a bundle file that is certainly none.
const maxBundle = 4 << 20

// readBundle reads the bundle file at path, or bundle.yaml in that directory.
// Charms are local paths, relative to the bundle.
func readBundle(path string) (bundle, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "bundle.yaml")
	}
	file, err := os.Open(path)
	if err != nil {
		return bundle{}, fmt.Errorf("cannot read bundle: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxBundle+1))
	if err != nil {
		return bundle{}, fmt.Errorf("cannot read bundle: %w", err)
	}
	if len(text) > maxBundle {
		return bundle{}, fmt.Errorf("cannot read bundle %s: it is larger than %d bytes", path, maxBundle)
	}
	read, err := newBundle(text, filepath.Dir(path))
	if err != nil {
		return bundle{}, fmt.Errorf("cannot read bundle %s: %w", path, err)
	}
	read.path = path
	return read, nil
}

// newBundle makes a bundle of the text of a file in dir.
func newBundle(text []byte, dir string) (bundle, error) {
	data, err := parseBundle(text, dir)
	if err != nil {
		return bundle{}, err
	}
	switch {
	case len(data.Applications) == 0:
		return bundle{}, fmt.Errorf("it has no applications")
	case len(data.Saas) > 0:
		return bundle{}, fmt.Errorf("it has saas applications: there are no other models to take them from")
	case data.Type != "":
		return bundle{}, fmt.Errorf("it is for %s, and this agent runs units as processes of a machine", data.Type)
	}
	var b bundle
	for name, spec := range data.Applications {
		application, err := newDeployment(name, spec, dir)
		if err != nil {
			return bundle{}, fmt.Errorf("application %q: %w", name, err)
		}
		b.applications = append(b.applications, application)
		if ignored := ignoredFields(spec); len(ignored) > 0 {
			b.ignored = append(b.ignored, fmt.Sprintf("application %q: not supported and ignored: %s", name, strings.Join(ignored, ", ")))
		}
	}
	slices.SortFunc(b.applications, func(a, b deployment) int { return strings.Compare(a.application, b.application) })
	slices.Sort(b.ignored)
	for _, pair := range data.Relations {
		if len(pair) != 2 {
			return bundle{}, fmt.Errorf("relation %q does not have two sides", pair)
		}
		b.relations = append(b.relations, [2]string{pair[0], pair[1]})
	}
	return b, nil
}

func newDeployment(name string, spec *jujucharm.ApplicationSpec, dir string) (deployment, error) {
	switch {
	case spec == nil || spec.Charm == "":
		return deployment{}, fmt.Errorf("it has no charm")
	case spec.NumUnits < 0:
		return deployment{}, fmt.Errorf("it has a negative number of units: %d", spec.NumUnits)
	}
	charmDir := strings.TrimPrefix(spec.Charm, "local:")
	if !filepath.IsAbs(charmDir) {
		charmDir = filepath.Join(dir, charmDir)
	}
	config, err := settingTexts(spec.Options)
	if err != nil {
		return deployment{}, err
	}
	return deployment{charm: charmDir, application: name, units: spec.NumUnits, config: config, trust: spec.RequiresTrust}, nil
}

// addBundle brings the model to hold the bundle, whole or not at all, as far as
// that can be told beforehand. An application or a relation that is there
// already is left as it is, so that a bundle can be given at each start.
func (p *program) addBundle(ctx context.Context, s *session, b bundle) error {
	if len(b.applications) == 0 {
		return nil
	}
	for _, line := range b.ignored {
		fmt.Fprintf(p.stderr, "%s: %s\n", b.path, line)
	}
	snapshot, err := s.Status(ctx)
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(b.applications), func(d deployment) bool {
		return snapshot.Applications[d.application].Life == model.Alive
	})
	if _, err := p.deployAll(ctx, s, snapshot, missing, b.relations); err != nil {
		return fmt.Errorf("bundle %s: %w", b.path, err)
	}
	return nil
}
