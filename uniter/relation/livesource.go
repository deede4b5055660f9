package relation

import (
	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/hook"
)

// liveSource schedules the hooks of a relation that is alive.
type liveSource struct {
	watcher    RelationUnitsWatcher
	relationId int

	units        map[string]*entry
	applications map[string]*entry

	// owed is the entry whose joined was delivered and whose changed was not,
	// or nil. strayOwed is its name instead while the initial state says so of
	// a unit that is not a member.
	owed      *entry
	strayOwed string

	schedule schedule

	// started is true once the first event was applied. Until then what is
	// due cannot be known, and the source is empty.
	started bool

	// fresh holds, during Update, what may have to go into or out of the
	// schedule.
	fresh  []*entry
	sorter sorter

	// spare is the unused rest of the entries last allocated.
	spare []entry

	// most is the most units known at once since units was made.
	most int
}

var _ HookSource = (*liveSource)(nil)

// NewLiveHookSource returns a new HookSource that aggregates the values
// obtained from the w watcher and generates the hooks that must be executed in
// the unit. It guarantees that the stream of hooks will respect the guarantees
// Juju makes about hook execution order. If any values have previously been
// received from w's Changes channel, the HookSource's behaviour is undefined.
//
// Stop stops w, and returns its error. Update refuses a first event that does
// not name the unit that initial.ChangedPending does, if that is not a member. The
// initial state is not kept, nor changed.
func NewLiveHookSource(initial *State, w RelationUnitsWatcher) HookSource {
	s := &liveSource{
		watcher:      w,
		relationId:   initial.RelationId,
		units:        make(map[string]*entry, len(initial.Members)),
		applications: make(map[string]*entry, len(initial.ApplicationMembers)),
	}
	for name, version := range initial.Members {
		e := s.addUnit(name, len(initial.Members))
		e.joined = true
		e.version, e.delivered = version, version
	}
	for name, version := range initial.ApplicationMembers {
		e := s.addApplication(name)
		e.version, e.delivered = version, version
	}
	if name := initial.ChangedPending; name != "" {
		if e, ok := s.units[name]; ok {
			s.owe(e)
		} else {
			s.strayOwed = name
		}
	}
	return s
}

// Changes implements HookSource.
func (s *liveSource) Changes() <-chan RelationUnitsChange {
	return s.watcher.Changes()
}

// Stop implements HookSource.
func (s *liveSource) Stop() error {
	return s.watcher.Stop()
}

// Empty implements HookSource.
func (s *liveSource) Empty() bool {
	return s.first() == nil
}

// Next implements HookSource.
func (s *liveSource) Next() hook.Info {
	e := s.first()
	if e == nil {
		panic(noHooks)
	}
	info := hook.Info{
		Kind:          hooks.RelationChanged,
		RelationId:    s.relationId,
		ChangeVersion: e.version,
	}
	if e.application {
		info.RemoteApplication = e.name
		return info
	}
	info.RemoteUnit = e.name
	if e.owed {
		return info
	}
	switch e.due() {
	case dueJoined:
		info.Kind = hooks.RelationJoined
	case dueDeparted:
		info.Kind = hooks.RelationDeparted
	}
	return info
}

// Pop implements HookSource.
func (s *liveSource) Pop() {
	e := s.first()
	if e == nil {
		panic(noHooks)
	}
	e.delivered = e.version
	if e.owed {
		// If it departed meanwhile it is scheduled, and stays so.
		e.owed, s.owed = false, nil
		return
	}
	departed := e.due() == dueDeparted
	s.schedule.remove(e)
	switch {
	case departed:
		s.forget(e)
		s.shrink()
	case !e.joined:
		e.joined = true
		s.owe(e)
	}
}

// first returns the entry whose hook is next, or nil.
func (s *liveSource) first() *entry {
	if !s.started {
		return nil
	}
	if s.owed != nil {
		return s.owed
	}
	return s.schedule.head
}

// owe makes the changed of e, whose joined was delivered, the next hook.
func (s *liveSource) owe(e *entry) {
	e.owed = true
	s.owed = e
}
