package runner

import "time"

// WithPipeWait has a run wait longer, or less long, for the output of what the
// hook left behind.
func WithPipeWait(inv Invocation, d time.Duration) Invocation {
	inv.pipeWait = d
	return inv
}

// ParseStat is for the fuzz test.
func ParseStat(data []byte) (state byte, group int, start uint64, err error) {
	s, err := parseStat(data)
	return s.state, s.group, s.start, err
}
