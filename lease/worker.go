package lease

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/juju/worker/v3"
	"github.com/juju/worker/v3/catacomb"
)

// ManagerWorker is a Manager, and a worker: Kill asks it to stop, Wait returns
// when it has. One goroutine, the loop, owns what the manager knows; each store
// operation runs in a goroutine of its own, one at a time for each lease, and
// none of them outlives Wait.
type ManagerWorker struct {
	catacomb catacomb.Catacomb
	config   ManagerConfig
	metrics  *metrics

	// inbox takes to the loop what callers ask for, and what the goroutines
	// that the loop started have to report.
	inbox chan event

	// running counts the goroutines that the loop started; spare takes work to
	// those that have none, of which there are as many as idle says.
	running sync.WaitGroup
	spare   chan func()
	idle    atomic.Int32
}

var (
	_ Manager       = (*ManagerWorker)(nil)
	_ worker.Worker = (*ManagerWorker)(nil)
)

// event is something that the loop must know of. Its on method must only be
// called from the loop goroutine; an error from it ends the manager.
type event interface {
	on(l *loop) error
}

// inboxSize lets a burst of callers hand over what they want without a switch
// of goroutines each. Nothing depends on it.
const inboxSize = 64

// NewManager returns a running manager over config.Store, or an error if the
// config is not valid or its metrics cannot be registered.
//
// The store is called from several goroutines at a time, never for the same
// lease in two but for reading, and must be safe for that. Where it is also a
// RevokingStore, holders can give leases up; where it is a NotifyingStore, waits
// end as it tells, and otherwise by the leases' expiry times and config.MaxSleep.
//
// A store operation that fails with ErrInvalid or ErrTimeout is tried five
// times in all, with a growing delay, and then answered with ErrTimeout; expiries
// are tried for as long as it takes. Any other error from the store stops the
// manager, and so does the end of a NotifyingStore's channel.
func NewManager(config ManagerConfig) (*ManagerWorker, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	m := &ManagerWorker{
		config:  config,
		metrics: newMetrics(config.EntityUUID),
		inbox:   make(chan event, inboxSize),
		spare:   make(chan func()),
	}
	if err := m.metrics.register(config.PrometheusRegisterer); err != nil {
		return nil, fmt.Errorf("cannot register metrics of lease manager: %w", err)
	}
	if err := catacomb.Invoke(catacomb.Plan{Site: &m.catacomb, Work: m.work}); err != nil {
		m.metrics.unregister(config.PrometheusRegisterer)
		return nil, err
	}
	return m, nil
}

// Kill asks the manager to stop, and does not wait for it.
func (m *ManagerWorker) Kill() {
	m.catacomb.Kill(nil)
}

// Wait returns when the manager has stopped, with the error that stopped it if
// there was one. A store call that does not heed its stop channel holds it up.
func (m *ManagerWorker) Wait() error {
	return m.catacomb.Wait()
}

// work is the life of the manager.
func (m *ManagerWorker) work() error {
	ctx, cancel := context.WithCancel(context.Background())
	err := newLoop(m, ctx).run()
	// The goroutines end when the catacomb is dying, so it must be before they
	// are waited for.
	m.catacomb.Kill(err)
	cancel()
	m.running.Wait()
	m.metrics.unregister(m.config.PrometheusRegisterer)
	return err
}

// dying is closed when the manager is to stop.
func (m *ManagerWorker) dying() <-chan struct{} {
	return m.catacomb.Dying()
}

// send hands an event to the loop; if it returns an error the manager is
// stopping and the loop may never see it.
func (m *ManagerWorker) send(e event) error {
	select {
	case <-m.dying():
		return m.stopped()
	default:
	}
	return m.report(e)
}

// report is send for a goroutine that the loop started: what was done is
// reported also while the manager is stopping, if there is room.
func (m *ManagerWorker) report(e event) error {
	select {
	case m.inbox <- e:
		return nil
	default:
	}
	select {
	case m.inbox <- e:
		return nil
	case <-m.dying():
		return m.stopped()
	}
}

// ask hands an event to the loop and waits for the answer to it.
func (m *ManagerWorker) ask(e event, answer <-chan error) error {
	if err := m.send(e); err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-m.dying():
	}
	// The error that stops the manager is the answer of the one who met it.
	select {
	case err := <-answer:
		return err
	default:
		return m.stopped()
	}
}

// stopped is the answer to callers of a manager that is stopping, and of no
// other.
func (m *ManagerWorker) stopped() error {
	if err := m.catacomb.Err(); err != nil {
		return fmt.Errorf("%w: %v", ErrManagerStopped, err)
	}
	return ErrManagerStopped
}

// lookup reads one lease from the store. Any goroutine may call it.
func (m *ManagerWorker) lookup(key Key) (info Info, held bool) {
	info, held = m.config.Store.Leases(key)[key]
	return info, held
}
