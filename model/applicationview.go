package model

import (
	"fmt"
	"maps"
	"strings"

	"github.com/unit-agent/unit-agent/charm"
)

// applicationView is what the units of an application need to know of it. It is not changed once it is made, so
// that all of them can hold the same one.
type applicationView struct {
	life       Life
	trust      bool
	charm      CharmRef
	config     map[string]any
	configAll  map[string]any
	configHash string
	relations  map[int]UnitRelation
	// leaderSettings is the version of the leader's settings, 0 if there never were any.
	leaderSettings int64
}

// applicationFacts makes views of what the keys under apps/<application>/ say.
type applicationFacts struct {
	application string
	prefix      string

	record    applicationRecord
	present   bool
	charm     CharmRef
	parsed    *charm.Charm
	stored    configRecord
	relations map[int]UnitRelation

	leaderSettings int64
	// view is nil until the application is there.
	view *applicationView
}

func newApplicationFacts(m *Model, application string) applicationFacts {
	return applicationFacts{
		application: application, prefix: m.keys.application(application), relations: map[int]UnitRelation{},
	}
}

func (f *applicationFacts) wanted(rest string) bool {
	return rest == metaSuffix || rest == charmSuffix || rest == configSuffix || rest == leaderSettings || strings.HasPrefix(rest, relationsInfix)
}

// apply takes up what became of the keys and makes a new view.
func (f *applicationFacts) apply(changes []change) error {
	for _, c := range changes {
		if err := f.set(c); err != nil {
			return err
		}
	}
	return f.renew()
}

func (f *applicationFacts) set(c change) (err error) {
	key := f.prefix + c.rest
	switch {
	case c.rest == metaSuffix:
		f.present = c.value != nil
		if f.present {
			f.record, err = decode[applicationRecord](key, c.value)
		}
	case c.rest == charmSuffix && c.value != nil:
		err = f.setCharm(key, c.value)
	case c.rest == configSuffix && c.value != nil:
		f.stored, err = decode[configRecord](key, c.value)
	case c.rest == leaderSettings:
		f.leaderSettings = c.revision
	case strings.HasPrefix(c.rest, relationsInfix):
		err = f.setRelation(key, c)
	}
	return err
}

func (f *applicationFacts) setCharm(key string, value []byte) error {
	record, err := decode[Charm](key, value)
	if err != nil {
		return err
	}
	parsed, err := charm.Parse(record.Documents)
	if err != nil {
		return fmt.Errorf("%s: %w", applicationNoun(f.application), err)
	}
	// Only the options are needed from here on.
	f.charm, f.parsed = record.Ref(), &charm.Charm{Config: parsed.Config}
	return nil
}

func (f *applicationFacts) setRelation(key string, c change) error {
	id, err := relationId(strings.TrimPrefix(c.rest, relationsInfix))
	if err != nil {
		return fmt.Errorf("cannot understand key %q: %w", key, err)
	}
	// Views hold the old map.
	f.relations = maps.Clone(f.relations)
	if c.value == nil {
		delete(f.relations, id)
		return nil
	}
	record, err := decode[relationRecord](key, c.value)
	if err != nil {
		return err
	}
	relation, ok := unitRelation(relationFrom(id, record), f.application)
	if !ok {
		return fmt.Errorf("cannot understand the value of key %q: application %q is not in it", key, f.application)
	}
	f.relations[id] = relation
	return nil
}

func (f *applicationFacts) renew() error {
	if !f.present {
		if f.view != nil {
			gone := *f.view
			gone.life = Dead
			f.view = &gone
		}
		return nil
	}
	if f.parsed == nil {
		return nil
	}
	set, all := effectiveConfig(f.parsed.Config, f.stored.Settings)
	hash, err := configHash(set, f.record.Trust)
	if err != nil {
		return err
	}
	f.view = &applicationView{
		life: f.record.Life, trust: f.record.Trust, charm: f.charm,
		config: set, configAll: all, configHash: hash, relations: f.relations,
		leaderSettings: f.leaderSettings,
	}
	return nil
}
