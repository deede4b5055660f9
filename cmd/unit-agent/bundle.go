package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	jujucharm "github.com/juju/charm/v12"

	"github.com/unit-agent/unit-agent/model"
)

// bundle is a set of applications and the relations between them.
type bundle struct {
	applications []deployment
	relations    [][2]string
}

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
	data, err := jujucharm.ReadBundleData(file)
	if err != nil {
		return bundle{}, fmt.Errorf("cannot read bundle %s: %w", path, err)
	}
	if len(data.Applications) == 0 {
		return bundle{}, fmt.Errorf("bundle %s has no applications", path)
	}
	if len(data.Saas) > 0 {
		return bundle{}, fmt.Errorf("bundle %s has saas applications, which are not supported", path)
	}
	var read bundle
	for name, spec := range data.Applications {
		if spec == nil || spec.Charm == "" {
			return bundle{}, fmt.Errorf("bundle %s: application %q has no charm", path, name)
		}
		if spec.NumUnits < 0 {
			return bundle{}, fmt.Errorf("bundle %s: application %q has a negative number of units", path, name)
		}
		charmDir := strings.TrimPrefix(spec.Charm, "local:")
		if !filepath.IsAbs(charmDir) {
			charmDir = filepath.Join(filepath.Dir(path), charmDir)
		}
		config, err := settingTexts(spec.Options)
		if err != nil {
			return bundle{}, fmt.Errorf("bundle %s: application %q: %w", path, name, err)
		}
		read.applications = append(read.applications, deployment{
			charm: charmDir, application: name, units: spec.NumUnits, config: config, trust: spec.RequiresTrust,
		})
	}
	slices.SortFunc(read.applications, func(a, b deployment) int { return strings.Compare(a.application, b.application) })
	for _, pair := range data.Relations {
		if len(pair) != 2 {
			return bundle{}, fmt.Errorf("bundle %s: relation %q does not have two sides", path, pair)
		}
		read.relations = append(read.relations, [2]string{pair[0], pair[1]})
	}
	return read, nil
}

// settingTexts writes options as a person would type them.
func settingTexts(options map[string]any) (map[string]string, error) {
	texts := make(map[string]string, len(options))
	for key, value := range options {
		switch value := value.(type) {
		case nil:
		case string:
			texts[key] = value
		case bool:
			texts[key] = strconv.FormatBool(value)
		case int, int64, uint64:
			texts[key] = fmt.Sprint(value)
		case float64:
			texts[key] = strconv.FormatFloat(value, 'f', -1, 64)
		default:
			return nil, fmt.Errorf("option %q is neither a text, a number nor a boolean", key)
		}
	}
	return texts, nil
}

// addBundle brings the model to hold the bundle. What is there already is left
// as it is, so that a bundle can be given at each start.
func (p *program) addBundle(ctx context.Context, s *session, b bundle) error {
	for _, application := range b.applications {
		_, err := p.deploy(ctx, s, application)
		if err != nil && !model.IsAlreadyExists(err) {
			return err
		}
	}
	for _, relation := range b.relations {
		_, err := s.AddRelation(ctx, relation[0], relation[1])
		if err != nil && !model.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}
