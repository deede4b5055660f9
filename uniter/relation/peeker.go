package relation

import (
	"sync"

	"github.com/unit-agent/unit-agent/uniter/hook"
)

// Peeker maintains a HookSource, and allows an external client to inspect and
// consume, or reject, the head of the queue.
type Peeker interface {
	// Peeks returns a channel on which Peeks are delivered. The receiver of a
	// Peek must Consume or Reject the Peek before further peeks will be sent.
	// The channel is closed when the Peeker has ended, be it stopped, failed,
	// or out of hooks for ever.
	Peeks() <-chan Peek

	// Stop stops the Peeker's HookSource, and prevents any further Peeks from
	// being delivered. It waits until both have ended, whether or not a Peek
	// was left unanswered, and returns the error that they ended with: nil
	// after a clean stop, and when the source was exhausted.
	Stop() error
}

// peeker implements Peeker and Lifecycle. What the receiver of a peek does reaches
// the peeker's goroutine, and through it the source, by way of answers.
type peeker struct {
	owner
	peeks chan Peek

	// answers brings the answer to the one peek that is out, and one
	// answerNone, which wakes the goroutine when the peeker is killed. It has
	// room for both, so that neither a receiver nor Kill ever waits.
	answers chan answer
	wake    sync.Once

	// view is the hook that the last peek shows. It is kept here and not in the
	// peek, so that the many peeks of a long relation are small. The goroutine writes
	// it while no peek is out, and receivers read it while theirs is.
	view hook.Info

	// spare is the unused rest of the peeks last allocated. It belongs to the
	// goroutine.
	spare []peek
}

var (
	_ Peeker    = (*peeker)(nil)
	_ Lifecycle = (*peeker)(nil)
)

// NewPeeker returns a new Peeker providing a view of the supplied source (of
// which it takes ownership). While a Peek is out the source is not updated: the
// hook that it shows stays the head of the queue. While none is out, a Peek
// that is received shows every change that was received before.
//
// The result is a Lifecycle as well.
func NewPeeker(source HookSource) Peeker {
	p := &peeker{
		peeks:   make(chan Peek),
		answers: make(chan answer, 2),
	}
	p.run(source, p.loop, func() { close(p.peeks) })
	return p
}

// Peeks implements Peeker.
func (p *peeker) Peeks() <-chan Peek {
	return p.peeks
}

// Kill implements Lifecycle.
func (p *peeker) Kill() {
	p.owner.Kill()
	p.wake.Do(func() { p.answers <- answerNone })
}

// Stop implements Peeker.
func (p *peeker) Stop() error {
	p.Kill()
	return p.Wait()
}

// loop offers peeks until the source is exhausted, fails, or the peeker is
// killed.
func (p *peeker) loop() error {
	for {
		if ok, err := p.awaitHook(); !ok {
			return err
		}
		next := p.nextPeek()
		select {
		case p.peeks <- next:
			p.awaitAnswer()
			continue
		default:
		}
		select {
		case <-p.dying:
			return nil
		case p.peeks <- next:
			p.awaitAnswer()
		case change, ok := <-p.changes:
			if err := p.apply(change, ok); err != nil {
				return err
			}
		}
	}
}

// nextPeek returns a peek at the head of the queue. Until it is received it is the
// same one, with another view.
func (p *peeker) nextPeek() *peek {
	const block = 32
	if len(p.spare) == 0 {
		p.spare = make([]peek, block)
	}
	p.view = p.source.Next()
	next := &p.spare[0]
	next.peeker = p
	return next
}

// awaitAnswer is called when the next peek was received. It does as the answer
// says; if the peeker is killed first, nothing.
func (p *peeker) awaitAnswer() {
	p.spare = p.spare[1:]
	if <-p.answers == answerConsume {
		p.source.Pop()
	}
}
