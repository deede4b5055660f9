package leadership

// standing is what tickets are answered by. It is not written to once it is published.
type standing struct {
	term   *term    // nil if the unit does not lead
	claim  *verdict // ClaimLeader, where the term, if any, has less than a duration left
	leader *verdict // WaitLeader, likewise
	minion *verdict // WaitMinion
}

// undetermined is the standing before the first claim was answered.
func undetermined() *standing {
	return &standing{claim: newVerdict(), leader: newVerdict(), minion: newVerdict()}
}

// publish replaces the standing. The verdicts of the old one that are open and not in the new one are the caller's to
// decide, after this.
func (t *TrackerWorker) publish(s *standing) (old *standing) {
	return t.standing.Swap(s)
}

// lead makes tickets answer for the term, after a claim sent at sent was granted: the given term if it still holds,
// or else a new one, which it returns. It must only be called from the loop goroutine, as the rest of this file.
func (t *TrackerWorker) lead(current *term, sent, now instant) *term {
	if current == nil || !current.renew(sent) {
		if current != nil {
			t.follow(current)
		}
		lost := t.standing.Load().minion
		if !lost.isOpen() {
			lost = newVerdict()
		}
		current = newTerm(t.watch, t.duration, sent, lost, t.wake)
	}
	s := &standing{term: current, claim: newVerdict(), leader: newVerdict(), minion: current.lost}
	if current.full(now) {
		old := t.publish(s)
		old.claim.decide(yes, current)
		old.leader.decide(yes, current)
		return current
	}
	// A claim that was answered so late leaves less than tickets guarantee, so they wait for the next.
	old := t.standing.Load()
	s.leader = old.leader
	if old.claim.isOpen() {
		s.claim = old.claim
	}
	t.publish(s)
	return current
}

// follow makes tickets answer that the unit does not lead, after the term, if there was one, has ended.
func (t *TrackerWorker) follow(ended *term) {
	said := no
	if ended != nil {
		ended.end()
		said = yes
	}
	old := t.publish(&standing{claim: refused, leader: t.standing.Load().leader, minion: refused})
	old.claim.decide(no, nil)
	old.minion.decide(said, nil)
}

// resign makes every ticket answer no, for good.
func (t *TrackerWorker) resign() {
	old := t.publish(&standing{claim: refused, leader: refused, minion: refused})
	if old.term != nil {
		old.term.end()
	}
	for _, v := range []*verdict{old.claim, old.leader, old.minion} {
		v.decide(no, nil)
	}
}
