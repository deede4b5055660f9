package relation

import "github.com/unit-agent/unit-agent/uniter/hook"

// HookSender maintains a HookSource and delivers its hooks via a channel.
type HookSender interface {
	// Stop ends the sender and its source, waits until both have ended, and
	// returns the error that they ended with: nil after a clean stop, and when the
	// source was exhausted.
	Stop() error
}

// hookSender implements HookSender and Lifecycle.
type hookSender struct {
	owner
	out chan<- hook.Info
}

var (
	_ HookSender = (*hookSender)(nil)
	_ Lifecycle  = (*hookSender)(nil)
)

// NewHookSender starts sending hooks from source onto the out channel, and will
// continue to do so until Stop()ped (or the source is exhausted). NewHookSender
// takes ownership of the supplied source, and responsibility for cleaning it up;
// but it will not close the out channel. A hook that was sent is popped: it is
// never sent again.
//
// The result is a Lifecycle as well.
func NewHookSender(out chan<- hook.Info, source HookSource) HookSender {
	s := &hookSender{out: out}
	s.run(source, s.loop, func() {})
	return s
}

// Stop implements HookSender.
func (s *hookSender) Stop() error {
	s.Kill()
	return s.Wait()
}

// loop sends until the source is exhausted, fails, or the sender is killed.
func (s *hookSender) loop() error {
	for {
		if ok, err := s.awaitHook(); !ok {
			return err
		}
		info := s.source.Next()
		select {
		case s.out <- info:
			s.source.Pop()
			continue
		default:
		}
		select {
		case <-s.dying:
			return nil
		case s.out <- info:
			s.source.Pop()
		case change, ok := <-s.changes:
			if err := s.apply(change, ok); err != nil {
				return err
			}
		}
	}
}
