package lease

import (
	"errors"
	"fmt"
	"time"
)

// Checker returns the Checker of one namespace and model.
func (m *ManagerWorker) Checker(namespace string, modelUUID string) (Checker, error) {
	return m.bind(namespace, modelUUID)
}

// Claimer returns the Claimer of one namespace and model.
func (m *ManagerWorker) Claimer(namespace string, modelUUID string) (Claimer, error) {
	return m.bind(namespace, modelUUID)
}

// Pinner returns the Pinner of one namespace and model.
func (m *ManagerWorker) Pinner(namespace string, modelUUID string) (Pinner, error) {
	return m.bind(namespace, modelUUID)
}

// Reader returns the Reader of one namespace and model.
func (m *ManagerWorker) Reader(namespace string, modelUUID string) (Reader, error) {
	return m.bind(namespace, modelUUID)
}

// Revoker returns the Revoker of one namespace and model. It is there whether
// or not the store can revoke.
func (m *ManagerWorker) Revoker(namespace string, modelUUID string) (Revoker, error) {
	return m.bind(namespace, modelUUID)
}

// bind returns what works on the leases of one namespace and model.
func (m *ManagerWorker) bind(namespace, modelUUID string) (*bound, error) {
	secretary, err := m.config.Secretary(namespace)
	if err != nil {
		return nil, err
	}
	// What a store must refuse would stop the manager if it came so far.
	if err := ValidateString(namespace); err != nil {
		return nil, fmt.Errorf("lease namespace: %w", err)
	}
	if err := ValidateString(modelUUID); err != nil {
		return nil, fmt.Errorf("lease model UUID: %w", err)
	}
	return &bound{m: m, namespace: namespace, modelUUID: modelUUID, secretary: secretary}, nil
}

// bound is every role on the leases of one namespace and model. It has no state
// of its own: any number of goroutines may use it.
type bound struct {
	m         *ManagerWorker
	namespace string
	modelUUID string
	secretary Secretary
}

// key returns the key of a lease, or an error if there can be no such lease.
func (b *bound) key(leaseName string) (Key, error) {
	key := Key{Namespace: b.namespace, ModelUUID: b.modelUUID, Lease: leaseName}
	if err := b.secretary.CheckLease(key); err != nil {
		return Key{}, err
	}
	return key, ValidateString(leaseName)
}

func (b *bound) checkHolder(name string) error {
	if err := b.secretary.CheckHolder(name); err != nil {
		return err
	}
	return ValidateString(name)
}

// Claim is part of Claimer. The errors that it returns besides ErrClaimDenied
// are ErrTimeout if the store did not take the claim in time, ErrManagerStopped,
// and those for what the Secretary refuses.
func (b *bound) Claim(leaseName, holderName string, duration time.Duration) error {
	key, err := b.key(leaseName)
	if err == nil {
		err = b.checkHolder(holderName)
	}
	if err == nil {
		err = b.secretary.CheckDuration(duration)
	}
	if err == nil {
		err = Request{Holder: holderName, Duration: duration}.Validate()
	}
	if err != nil {
		return fmt.Errorf("cannot claim lease %q: %w", leaseName, err)
	}
	return b.m.do(b.m.newOperation(claim, key, holderName, duration))
}

// WaitUntilExpired is part of Claimer.
func (b *bound) WaitUntilExpired(leaseName string, cancel <-chan struct{}) error {
	key, err := b.key(leaseName)
	if err != nil {
		return fmt.Errorf("cannot wait for lease %q: %w", leaseName, err)
	}
	return b.m.wait(key, cancel)
}

// Revoke is part of Revoker.
func (b *bound) Revoke(leaseName, holderName string) error {
	key, err := b.key(leaseName)
	if err == nil {
		err = b.checkHolder(holderName)
	}
	if _, ok := b.m.config.Store.(RevokingStore); err == nil && !ok {
		err = errors.ErrUnsupported
	}
	if err != nil {
		return fmt.Errorf("cannot revoke lease %q: %w", leaseName, err)
	}
	return b.m.do(b.m.newOperation(revoke, key, holderName, 0))
}

// Pin is part of Pinner.
func (b *bound) Pin(leaseName string, entity string) error {
	return b.changePin(pin, leaseName, entity)
}

// Unpin is part of Pinner.
func (b *bound) Unpin(leaseName string, entity string) error {
	return b.changePin(unpin, leaseName, entity)
}

func (b *bound) changePin(kind kind, leaseName, entity string) error {
	key, err := b.key(leaseName)
	if err == nil {
		err = ValidateString(entity)
	}
	if err != nil {
		return fmt.Errorf("cannot %v lease %q: %w", kind, leaseName, err)
	}
	return b.m.do(b.m.newOperation(kind, key, entity, 0))
}

// Pinned is part of Pinner.
func (b *bound) Pinned() map[string][]string {
	pinned := make(map[string][]string)
	for key, entities := range b.m.config.Store.Pinned() {
		if key.Namespace == b.namespace && key.ModelUUID == b.modelUUID {
			pinned[key.Lease] = entities
		}
	}
	return pinned
}

// Leases is part of Reader.
func (b *bound) Leases() map[string]string {
	leases := make(map[string]string)
	for key, info := range b.m.config.Store.LeaseGroup(b.namespace, b.modelUUID) {
		leases[key.Lease] = info.Holder
	}
	return leases
}
