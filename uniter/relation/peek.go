package relation

import (
	"sync/atomic"

	"github.com/unit-agent/unit-agent/uniter/hook"
)

// Peek exists to support Peeker and has no independent meaning or existence.
// Receiving a Peek from a Peeker's Peek channel implies acceptance of the
// responsibility to either Consume or Reject the Peek.
//
// A Peek takes one answer: of several calls of Consume and Reject the first
// counts, and none does once the Peeker has ended. No method waits. A Peek may be
// passed on to another goroutine, but is not to be shared by several.
type Peek interface {
	// HookInfo returns information about the hook at the head of the queue.
	// After the answer there is nothing to tell: it returns the zero Info.
	HookInfo() hook.Info

	// Consume pops the hook from the head of the queue and makes new Peeks
	// available.
	Consume()

	// Reject makes new Peeks available.
	Reject()
}

// answer is what the receiver of a peek wants done.
type answer int

const (
	// answerNone is no answer: the peeker was killed before there was one.
	answerNone answer = iota
	answerConsume
	answerReject
)

// peek implements Peek. It is never used a second time: an old peek must not
// answer for a new one.
type peek struct {
	peeker   *peeker
	answered atomic.Bool
}

var _ Peek = (*peek)(nil)

// HookInfo implements Peek.
func (p *peek) HookInfo() hook.Info {
	if p.answered.Load() {
		return hook.Info{}
	}
	return p.peeker.view
}

// Consume implements Peek.
func (p *peek) Consume() {
	p.answer(answerConsume)
}

// Reject implements Peek.
func (p *peek) Reject() {
	p.answer(answerReject)
}

// answer passes on the first answer only, so that the channel has room for it.
func (p *peek) answer(a answer) {
	if p.answered.CompareAndSwap(false, true) {
		p.peeker.answers <- a
	}
}
