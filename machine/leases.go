package machine

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/juju/clock"
	"github.com/juju/worker/v3"
	"gopkg.in/tomb.v2"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/etcdstore"
	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter/leadership"
)

// Leases is a worker that keeps the leadership leases of a model for all agents of
// a process: a lease manager over a store in etcd, which end together.
type Leases struct {
	tomb    tomb.Tomb
	model   *model.Model
	clock   clock.Clock
	store   *etcdstore.Store
	manager *lease.ManagerWorker
}

// NewLeases starts keeping the leases of a model.
func NewLeases(m *model.Model, clock clock.Clock, logger *slog.Logger) (*Leases, error) {
	store, err := etcdstore.New(etcdstore.Config{
		Client: m.Client(),
		Prefix: m.LeasePrefix(),
		Layout: m.LeaseLayout(),
		Clock:  clock,
		Logger: logger,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot keep leases: %w", err)
	}
	manager, err := lease.NewManager(lease.ManagerConfig{
		Store:      store,
		Clock:      clock,
		Logger:     logger,
		EntityUUID: m.UUID(),
		Secretary:  newSecretary,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot keep leases: %w", err), worker.Stop(store))
	}
	l := &Leases{model: m, clock: clock, store: store, manager: manager}
	l.tomb.Go(l.run)
	return l, nil
}

// run waits for the end of either, and ends the manager before the store, which it
// uses to its own end.
func (l *Leases) run() error {
	ended := make(chan error, 2)
	l.tomb.Go(func() error {
		ended <- l.manager.Wait()
		return nil
	})
	l.tomb.Go(func() error {
		ended <- l.store.Wait()
		return nil
	})
	var err error
	select {
	case <-l.tomb.Dying():
	case err = <-ended:
	}
	return errors.Join(err, worker.Stop(l.manager), worker.Stop(l.store))
}

// secretary checks what is asked of leadership leases.
type secretary struct{ lease.Secretary }

func newSecretary(namespace string) (lease.Secretary, error) {
	standard, err := lease.DefaultSecretary(namespace)
	return secretary{standard}, err
}

// MinLeaderLease and MaxLeaderLease bound what is-leader may guarantee. Claims are
// for twice that: from the least that etcd grants to what nobody should have to
// wait out.
const (
	MinLeaderLease = time.Second
	MaxLeaderLease = 5 * time.Minute
)

// CheckDuration allows shorter leases than the API's own secretary, for those who
// want a dead leader followed soon.
func (secretary) CheckDuration(duration time.Duration) error {
	if duration < 2*MinLeaderLease || duration > 2*MaxLeaderLease {
		return fmt.Errorf("claim for %v is not between %v and %v", duration, 2*MinLeaderLease, 2*MaxLeaderLease)
	}
	return nil
}

// Kill asks the worker to stop.
func (l *Leases) Kill() { l.tomb.Kill(nil) }

// Wait returns when it has stopped.
func (l *Leases) Wait() error { return l.tomb.Wait() }

// Lead fills in what a config needs for leadership.
func (l *Leases) Lead(config *Config) error {
	namespace, uuid := lease.ApplicationLeadershipNamespace, l.model.UUID()
	claimer, err := l.manager.Claimer(namespace, uuid)
	if err != nil {
		return err
	}
	checker, err := l.manager.Checker(namespace, uuid)
	if err != nil {
		return err
	}
	revoker, err := l.manager.Revoker(namespace, uuid)
	if err != nil {
		return err
	}
	config.Claimer = leadership.NewRetryingClaimer(leadership.NewLeaseClaimer(claimer), l.clock)
	config.Checker = leadership.NewLeaseChecker(checker)
	config.Release = func(application, unit string) error {
		err := revoker.Revoke(application, unit)
		if errors.Is(err, lease.ErrNotHeld) {
			return nil
		}
		return err
	}
	return nil
}

// Held is a leadership lease, or pins that wait for one.
type Held struct {
	Application string
	// Holder is the unit that leads, or empty; Info.Expiry is when the lease
	// ends unless it is renewed.
	Info lease.Info
	// Pins are those who keep leadership from moving.
	Pins []string
}

// List returns the leases of the model, by application, as they are in the store
// now.
func (l *Leases) List() (map[string]Held, error) {
	if err := l.store.Refresh(); err != nil {
		return nil, err
	}
	held := make(map[string]Held)
	for key, info := range l.store.LeaseGroup(lease.ApplicationLeadershipNamespace, l.model.UUID()) {
		held[key.Lease] = Held{Application: key.Lease, Info: info}
	}
	for key, pins := range l.store.Pinned() {
		h := held[key.Lease]
		h.Application, h.Pins = key.Lease, pins
		held[key.Lease] = h
	}
	return held, nil
}

// Pinner returns what keeps the leadership of the model's applications from moving.
func (l *Leases) Pinner() (lease.Pinner, error) {
	return l.manager.Pinner(lease.ApplicationLeadershipNamespace, l.model.UUID())
}
