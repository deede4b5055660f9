package relation

// due is what an entry's next hook is for. The order of the values is the order
// in which the hooks that one event made due are scheduled.
type due int

const (
	dueNothing due = iota
	dueDeparted
	dueApplicationChanged
	dueJoined
	dueChanged
)

// entry is what a live source knows of one remote unit, or of one remote
// application's settings. Which hook it is due follows from these facts alone,
// so that a fact that changes twice before a hook ran leaves no trace.
type entry struct {
	name string

	// version is the newest one heard of; delivered is that of the last hook.
	version, delivered int64

	// application is true for an application, false for a unit.
	application bool

	// joined is true from the delivery of joined to that of departed.
	joined bool

	// present is true while the unit is in the relation as far as was heard.
	// Invariant: a source keeps only entries that are joined or present.
	present bool

	// owed is true between the delivery of joined and that of the changed that
	// follows it. Invariant: at most one entry of a source is owed.
	owed bool

	// scheduled is true while the entry is linked into the schedule.
	// Invariant: outside of Update, an entry is scheduled if and only if it is
	// due something.
	scheduled  bool
	next, prev *entry
}

// due returns what the entry's next hook is for, the owed changed apart, which
// stands ahead of the schedule and delivers whatever version is newest then.
func (e *entry) due() due {
	switch {
	case !e.joined && e.present:
		return dueJoined
	case !e.joined:
		return dueNothing
	case !e.present:
		return dueDeparted
	case e.version == e.delivered || e.owed:
		return dueNothing
	case e.application:
		return dueApplicationChanged
	}
	return dueChanged
}

// schedule is a list of entries through the entries themselves.
type schedule struct {
	head, tail *entry
}

// push appends e, which must not be scheduled.
func (s *schedule) push(e *entry) {
	e.scheduled = true
	e.prev, e.next = s.tail, nil
	if s.tail == nil {
		s.head = e
	} else {
		s.tail.next = e
	}
	s.tail = e
}

// remove takes e out, which must be scheduled.
func (s *schedule) remove(e *entry) {
	if e.prev == nil {
		s.head = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		s.tail = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.scheduled = false
	e.prev, e.next = nil, nil
}
