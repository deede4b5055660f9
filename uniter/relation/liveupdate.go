package relation

import "fmt"

// Update implements HookSource.
func (s *liveSource) Update(change RelationUnitsChange) error {
	if !s.started {
		if err := s.start(change); err != nil {
			return err
		}
	}
	for name, settings := range change.Changed {
		e, ok := s.units[name]
		if !ok {
			e = s.addUnit(name, len(change.Changed))
		}
		e.present = true
		e.version = settings.Version
		s.reconsider(e)
	}
	for _, name := range change.Departed {
		if e, ok := s.units[name]; ok {
			e.present = false
			s.reconsider(e)
		}
	}
	for name, version := range change.AppChanged {
		e, ok := s.applications[name]
		if !ok {
			// Its delivered version is 0, like that of settings never written.
			e = s.addApplication(name)
		}
		e.version = version
		s.reconsider(e)
	}
	s.reschedule()
	s.shrink()
	return nil
}

// start makes the first event's absences known: a member that it does not name
// has departed. It changes nothing if the event is refused.
func (s *liveSource) start(change RelationUnitsChange) error {
	if name := s.strayOwed; name != "" {
		if _, ok := change.Changed[name]; !ok {
			return fmt.Errorf("cannot start the hooks of relation %d: "+
				"unit %q has a changed hook pending, but is neither a member nor in the relation",
				s.relationId, name)
		}
		e := s.addUnit(name, 1)
		e.joined = true
		s.owe(e)
		s.strayOwed = ""
	}
	if len(s.units) == 0 {
		s.units = make(map[string]*entry, len(change.Changed))
	}
	for name, e := range s.units {
		if _, ok := change.Changed[name]; !ok {
			s.reconsider(e)
		}
	}
	s.started = true
	return nil
}

// reconsider is called when the facts of e have changed. It notes e if its place
// in the schedule may have to change, too.
func (s *liveSource) reconsider(e *entry) {
	if !e.joined && !e.present {
		if e.scheduled {
			s.schedule.remove(e)
		}
		s.forget(e)
		return
	}
	if e.scheduled != (e.due() != dueNothing) {
		s.fresh = append(s.fresh, e)
	}
}

// reschedule makes the schedule what the whole event calls for: what is no longer
// due goes, what has become due is appended, and the rest keeps its place. What is in
// fresh may be there twice, or be as it was before the event, or forgotten.
func (s *liveSource) reschedule() {
	if len(s.fresh) > 1 {
		s.sorter.sort(s.fresh)
	}
	for _, e := range s.fresh {
		due := e.due() != dueNothing
		switch {
		case due && !e.scheduled:
			s.schedule.push(e)
		case !due && e.scheduled:
			s.schedule.remove(e)
		}
	}
	clear(s.fresh)
	s.fresh = s.fresh[:0]
}

// addUnit makes the entry of a unit. No more than atOnce units are being added.
func (s *liveSource) addUnit(name string, atOnce int) *entry {
	e := s.newEntry(name, atOnce)
	s.units[name] = e
	s.most = max(s.most, len(s.units))
	return e
}

// addApplication makes the entry of an application.
func (s *liveSource) addApplication(name string) *entry {
	e := s.newEntry(name, 1)
	e.application = true
	e.joined, e.present = true, true
	s.applications[name] = e
	return e
}

// newEntry allocates entries by the block where there are many. Blocks are
// small, because a block is in memory until its last entry is forgotten.
func (s *liveSource) newEntry(name string, atOnce int) *entry {
	const maxBlock = 64
	if len(s.spare) == 0 {
		s.spare = make([]entry, min(max(atOnce, len(s.units)/8, 1), maxBlock))
	}
	e := &s.spare[0]
	s.spare = s.spare[1:]
	e.name = name
	return e
}

// forget drops the entry of a unit, which must not be scheduled.
func (s *liveSource) forget(e *entry) {
	delete(s.units, e.name)
	*e = entry{}
}

// shrink gives memory back after many units came and went: a map keeps the
// room that it once needed.
func (s *liveSource) shrink() {
	const worthwhile = 64
	if len(s.units) > 0 || s.most < worthwhile {
		return
	}
	s.units = make(map[string]*entry)
	s.fresh, s.sorter, s.spare = nil, sorter{}, nil
	s.most = 0
}
