package lease

// maxIdle is how many goroutines are kept for the next operation. To begin
// another, and to grow its stack, is a good part of the cost of an operation
// that stays in memory.
const maxIdle = 8

// start runs f in a goroutine that Wait waits for. It must only be called from
// the loop goroutine.
func (l *loop) start(f func()) {
	select {
	case l.m.spare <- f:
	default:
		l.m.running.Go(func() { l.m.lend(f) })
	}
}

// lend runs f, and then what else there is to run, until it is one too many or
// the manager is stopping.
func (m *ManagerWorker) lend(f func()) {
	for {
		f()
		if m.idle.Add(1) > maxIdle {
			m.idle.Add(-1)
			return
		}
		select {
		case f = <-m.spare:
			m.idle.Add(-1)
		case <-m.dying():
			return
		}
	}
}
