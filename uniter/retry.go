package uniter

import (
	"math/rand/v2"
	"time"
)

const (
	firstRetryDelay = 5 * time.Second
	maxRetryDelay   = 5 * time.Minute
)

// retryDelay is how long a hook waits for its next run after it has failed the
// given number of times: 5 seconds doubling to 5 minutes, less up to a fifth so
// that units that failed together do not retry together. jitter is in [0, 1).
func retryDelay(failures int, jitter float64) time.Duration {
	delay := firstRetryDelay
	for ; failures > 1 && delay < maxRetryDelay; failures-- {
		delay *= 2
	}
	return time.Duration(float64(min(delay, maxRetryDelay)) * (1 - jitter/5))
}

// updateStatusDelay is interval changed by up to a fifth either way.
func updateStatusDelay(interval time.Duration, jitter float64) time.Duration {
	return time.Duration(float64(interval) * (0.8 + 0.4*jitter))
}

// jitter is a random number in [0, 1).
func jitter() float64 { return rand.Float64() }
