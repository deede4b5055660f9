package leadership

import "sync/atomic"

const (
	open int32 = iota
	yes
	no
)

// verdict is the answer that all tickets share which ask for the same thing: a ticket is no more than a pointer to
// it, so that waiting costs neither memory nor a goroutine. Only the tracker's loop decides it, once.
type verdict struct {
	ready chan struct{}
	said  atomic.Int32

	// term is what a yes rests on. It is nil if the yes needs no leadership to stay true. It is set before said.
	term *term
}

func newVerdict() *verdict {
	return &verdict{ready: make(chan struct{})}
}

// refused is the verdict that was no from the start.
var refused = func() *verdict {
	v := newVerdict()
	v.decide(no, nil)
	return v
}()

// decide does nothing to a verdict that was decided before. It must only be called by one goroutine.
func (v *verdict) decide(said int32, term *term) {
	if v.said.Load() != open {
		return
	}
	v.term = term
	v.said.Store(said)
	close(v.ready)
}

func (v *verdict) isOpen() bool { return v.said.Load() == open }

// Wait is part of the Ticket interface.
func (v *verdict) Wait() bool {
	// Cores would meet at the channel's lock, so one that is known to be closed is left alone.
	if v.isOpen() {
		<-v.ready
	}
	if v.said.Load() != yes {
		return false
	}
	return v.term == nil || v.term.holds(v.term.watch.glance())
}

// Ready is part of the Ticket interface.
func (v *verdict) Ready() <-chan struct{} { return v.ready }
