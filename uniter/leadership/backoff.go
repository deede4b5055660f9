package leadership

import "time"

// firstDelay is short enough not to matter to a handover, and long enough not to be a hot loop.
const firstDelay = 50 * time.Millisecond

// backoff is a delay that doubles from firstDelay up to most.
type backoff struct {
	most  time.Duration
	delay time.Duration // 0 until the first grow
}

func (b *backoff) grow() time.Duration {
	b.delay = min(max(2*b.delay, firstDelay), b.most)
	return b.delay
}

func (b *backoff) reset() { b.delay = 0 }

// full tells that the delay grows no further.
func (b *backoff) full() bool { return b.delay == b.most }
