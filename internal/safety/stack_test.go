package safety

import (
	"errors"
	"fmt"
	"time"

	"github.com/juju/clock"
	"github.com/juju/names/v4"
	"github.com/juju/worker/v3"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/etcdstore"
	"github.com/unit-agent/unit-agent/uniter/leadership"
)

const (
	application = "mysql"
	modelUUID   = "9f484882-2f18-4fd2-967d-db9663db7bea"

	leasePrefix = "/leases/"
	leaseKey    = leasePrefix + lease.ApplicationLeadershipNamespace + "/" + modelUUID + "/" + application

	// duration is what a ticket guarantees; a lease is twice as long.
	duration = time.Second
)

// shortLeases is leadership's rules but for the least duration.
type shortLeases struct{ lease.Secretary }

func (shortLeases) CheckDuration(time.Duration) error { return nil }

// stack is an agent's leadership: a lease manager over a store of its own.
type stack struct {
	client  *clientv3.Client
	store   *etcdstore.Store
	manager *lease.ManagerWorker
	claimer lease.Claimer
	checker leadership.Checker
	revoker lease.Revoker
}

func newStack(client *clientv3.Client, operationTimeout time.Duration) (*stack, error) {
	s := &stack{client: client}
	var err error
	s.store, err = etcdstore.New(etcdstore.Config{
		Client: client, Prefix: leasePrefix, Clock: clock.WallClock, OperationTimeout: operationTimeout,
	})
	if err != nil {
		return nil, err
	}
	s.manager, err = lease.NewManager(lease.ManagerConfig{
		Store: s.store, Clock: clock.WallClock,
		Secretary: func(namespace string) (lease.Secretary, error) {
			rules, err := lease.DefaultSecretary(namespace)
			return shortLeases{rules}, err
		},
	})
	if err != nil {
		return nil, errors.Join(err, worker.Stop(s.store))
	}
	claimer, err1 := s.manager.Claimer(lease.ApplicationLeadershipNamespace, modelUUID)
	checker, err2 := s.manager.Checker(lease.ApplicationLeadershipNamespace, modelUUID)
	revoker, err3 := s.manager.Revoker(lease.ApplicationLeadershipNamespace, modelUUID)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.claimer, s.revoker, s.checker = claimer, revoker, leadership.NewLeaseChecker(checker)
	return s, nil
}

// track returns a tracker for a unit, as an agent has it. It watches each claim on its way if watch is not nil.
func (s *stack) track(unit string, watch func(leadership.ContextClaimer) leadership.ContextClaimer) *leadership.TrackerWorker {
	claimer := leadership.NewLeaseClaimer(s.claimer)
	if watch != nil {
		claimer = watch(claimer)
	}
	retrying := leadership.NewRetryingClaimer(claimer, clock.WallClock)
	return leadership.NewTracker(names.NewUnitTag(unit), retrying, clock.WallClock, duration)
}

// stop stops manager and store, and gives nothing up.
func (s *stack) stop() error {
	if err := worker.Stop(s.manager); err != nil {
		_ = worker.Stop(s.store)
		return fmt.Errorf("lease manager: %w", err)
	}
	if err := worker.Stop(s.store); err != nil {
		return fmt.Errorf("lease store: %w", err)
	}
	return nil
}
