package model

// applicationShare follows apps/<application>/ for all units of the application that this process watches.
type applicationShare struct {
	share
	// facts is guarded by share.mu.
	facts applicationFacts
}

// shareApplication returns the share of an application. Who gets it must leave it.
func (m *Model) shareApplication(application string) *applicationShare {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.applications[application]
	if !ok {
		s = &applicationShare{facts: newApplicationFacts(m, application)}
		s.follower = follower{m: m, prefix: s.facts.prefix, wanted: s.facts.wanted, apply: s.facts.apply}
		s.start()
		m.applications[application] = s
	}
	s.use()
	return s
}

func (s *applicationShare) leave(watcher chan struct{}) {
	s.share.leave(watcher, func() { delete(s.follower.m.applications, s.facts.application) })
}

// current returns the newest view, nil before there is one, and the error that ended the share.
func (s *applicationShare) current() (*applicationView, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.facts.view, s.err
}
