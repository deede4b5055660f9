package leadership

import (
	"sync/atomic"
	"time"
)

// term is leadership held without a gap, from the claim that gained it through all its renewals. Once ended it stays
// so; what follows is another term.
type term struct {
	watch    watch
	duration time.Duration // what a ticket guarantees; each claim is for twice that
	lapsed   func()        // tells the loop that somebody found the term lapsed; does not block

	// granted is when the claim was sent that granted leadership last; nil once the term has ended. It is swapped, never
	// written to, so that an asker who finds the term lapsed and the loop that renews it agree on which came first.
	granted atomic.Pointer[instant]

	won  *verdict // yes from the start, as long as the term holds
	lost *verdict // WaitMinion: yes when the term has ended
}

func newTerm(watch watch, duration time.Duration, sent instant, lost *verdict, lapsed func()) *term {
	t := &term{watch: watch, duration: duration, lapsed: lapsed, won: newVerdict(), lost: lost}
	t.granted.Store(&sent)
	t.won.decide(yes, t)
	return t
}

// full tells whether leadership was guaranteed, at now, for a whole duration more.
func (t *term) full(now instant) bool {
	granted := t.granted.Load()
	return granted != nil && elapsed(*granted, now) < t.duration
}

// holds tells whether leadership was guaranteed at now. If not, the term ends.
func (t *term) holds(now instant) bool {
	for {
		granted := t.granted.Load()
		if granted == nil {
			return false
		}
		if elapsed(*granted, now) < 2*t.duration {
			return true
		}
		if t.granted.CompareAndSwap(granted, nil) {
			t.lapsed()
			return false
		}
	}
}

// renew counts the guarantee from sent. It returns false if the term has ended.
func (t *term) renew(sent instant) bool {
	granted := t.granted.Load()
	return granted != nil && t.granted.CompareAndSwap(granted, &sent)
}

func (t *term) end() { t.granted.Store(nil) }
