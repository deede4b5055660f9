package relation

// Lifecycle is implemented by every HookSender, HookQueue and Peeker that this
// package makes, beside its own interface. It makes them workers, as
// github.com/juju/worker/v3 has them, so that their owner learns when they end by
// themselves: because their source met an error, or is exhausted.
type Lifecycle interface {
	// Kill asks for the end, and does not wait for it.
	Kill()

	// Wait waits for the end, and returns what Stop returns.
	Wait() error

	// Done returns a channel that is closed at the end.
	Done() <-chan struct{}
}
