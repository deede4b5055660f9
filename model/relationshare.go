package model

import (
	"strings"

	jujucharm "github.com/juju/charm/v12"
)

// member is a unit in the scope of a relation.
type member struct {
	version   int64
	principal string
}

// bagVersion is what is known of an application's settings.
type bagVersion struct {
	version int64
	writer  string
	foreign int64
}

// seenBy returns the version that a unit sees: its own writes are no news to it. 0 means that there is nothing to see.
func (b bagVersion) seenBy(unit string) int64 {
	if b.writer == unit {
		return b.foreign
	}
	return b.version
}

// relationShare follows relations/<id>/ for all units of this process that are in the relation. It keeps versions,
// no settings.
type relationShare struct {
	share
	id     int
	prefix string

	// What the keys say; guarded by share.mu. The relation comes before its units, in the order of keys and in that
	// of time.
	relation     Relation
	units        map[string]member
	applications map[string]bagVersion
	watchers     map[*RelationUnitsWatcher]struct{}
}

// shareRelation returns the share of a relation. Who gets it must leave it.
func (m *Model) shareRelation(id int) *relationShare {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.relations[id]
	if !ok {
		s = &relationShare{
			id: id, prefix: m.keys.relation(id),
			units: map[string]member{}, applications: map[string]bagVersion{}, watchers: map[*RelationUnitsWatcher]struct{}{},
		}
		s.follower = follower{m: m, prefix: s.prefix, wanted: s.wanted, apply: s.apply}
		s.start()
		m.relations[id] = s
	}
	s.use()
	return s
}

func (s *relationShare) leave(w *RelationUnitsWatcher) {
	s.mu.Lock()
	delete(s.watchers, w)
	s.mu.Unlock()
	s.share.leave(w.woken, func() { delete(s.follower.m.relations, s.id) })
}

func (s *relationShare) wanted(rest string) bool {
	return rest == metaSuffix || strings.HasPrefix(rest, unitsInfix) || strings.HasPrefix(rest, appsInfix)
}

// look returns the relation once it was listed, and the error that ended the share.
func (s *relationShare) look() (relation Relation, listed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.relation, s.listed, s.err
}

// attach has a watcher told of all changes from now on, after the whole present state. seen says which units it sees.
func (s *relationShare) attach(w *RelationUnitsWatcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[w] = struct{}{}
	whole := delta{whole: true}
	for unit, m := range s.units {
		if w.sight.sees(unit, m) {
			whole.enter(unit, m.version)
		}
	}
	for application, bag := range s.applications {
		w.addApplication(&whole, application, bag)
	}
	w.add(whole)
}

// apply is called with share.mu held.
func (s *relationShare) apply(changes []change) error {
	for _, c := range changes {
		var err error
		switch kind, name, _ := strings.Cut(c.rest, "/"); kind + "/" {
		case unitsInfix:
			err = s.setUnit(name, c)
		case appsInfix:
			err = s.setApplication(name, c)
		default:
			err = s.setMeta(c)
		}
		if err != nil {
			return err
		}
	}
	if s.relation.Life == "" {
		return &NotFoundError{Noun: relationName(s.id)}
	}
	for w := range s.watchers {
		w.flush()
	}
	return nil
}

func (s *relationShare) setMeta(c change) error {
	if c.value == nil {
		// The relation is gone. Those who watch it are told so by the unit's state; here they see everybody depart.
		return nil
	}
	record, err := decode[relationRecord](s.prefix+c.rest, c.value)
	if err != nil {
		return err
	}
	s.relation = relationFrom(s.id, record)
	return nil
}

func (s *relationShare) setUnit(unit string, c change) error {
	before, present := s.units[unit]
	if c.value == nil {
		delete(s.units, unit)
		if present {
			for w := range s.watchers {
				if w.sight.sees(unit, before) {
					w.fresh.depart(unit)
				}
			}
		}
		return nil
	}
	after := member{version: c.revision}
	if s.relation.Scope() == jujucharm.ScopeContainer {
		bag, err := decode[bagRecord](s.prefix+c.rest, c.value)
		if err != nil {
			return err
		}
		after.principal = bag.Principal
	}
	s.units[unit] = after
	for w := range s.watchers {
		if w.sight.sees(unit, after) {
			w.fresh.enter(unit, after.version)
		}
	}
	return nil
}

func (s *relationShare) setApplication(application string, c change) error {
	if c.value == nil {
		delete(s.applications, application)
		return nil
	}
	bag, err := decode[bagRecord](s.prefix+c.rest, c.value)
	if err != nil {
		return err
	}
	s.applications[application] = bagVersion{version: c.revision, writer: bag.Writer, foreign: bag.Foreign}
	for w := range s.watchers {
		w.addApplication(&w.fresh, application, s.applications[application])
	}
	return nil
}
