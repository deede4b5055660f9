package machinelease

import (
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// held is a lease that somebody holds.
type held struct {
	manager *manager
	name    string
	record  record
	raw     string // the key's value

	// renewing is held by the one who renews or releases.
	renewing sync.Mutex

	mu    sync.Mutex
	index uint64

	// counter is the etcd lease of index, if it has no other key, or 0.
	counter   clientv3.LeaseID
	remaining time.Duration
}

var _ Lease = (*held)(nil)

// Renew is part of Lease.
func (l *held) Renew(period time.Duration) error {
	err := checkPeriod(period)
	if err == nil {
		err = l.renew(period)
	}
	if err != nil {
		return failed("renew", l.name, err)
	}
	return nil
}

func (l *held) renew(period time.Duration) error {
	l.renewing.Lock()
	defer l.renewing.Unlock()
	o := l.manager.begin(l.key())
	defer o.end()
	index, counter := l.now()
	g, err := o.grant(period)
	if err != nil {
		return err
	}
	next, found, err := o.rebind(g, o.at(index))
	if err != nil {
		return err
	}
	if next == 0 {
		return unchanged(found, index)
	}
	o.revoke(counter)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index, l.counter, l.remaining = next, g.id, left(o.start, g.ttl)
	return nil
}

// Release is part of Lease.
func (l *held) Release() error {
	l.renewing.Lock()
	defer l.renewing.Unlock()
	o := l.manager.begin(l.key())
	defer o.end()
	index, counter := l.now()
	if err := o.remove(index); err != nil {
		return failed("release", l.name, err)
	}
	o.revoke(counter)
	return nil
}

func (l *held) key() string { return l.manager.prefix + l.name }

func (l *held) now() (uint64, clientv3.LeaseID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.index, l.counter
}

// MachineID is part of Lease.
func (l *held) MachineID() string { return l.record.MachineID }

// Version is part of Lease.
func (l *held) Version() int { return l.record.Version }

// Index is part of Lease.
func (l *held) Index() uint64 {
	index, _ := l.now()
	return index
}

// TimeRemaining is part of Lease.
func (l *held) TimeRemaining() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.remaining
}

// Fence returns comparisons that hold in a transaction as long as the holder of a lease of this package is the one that l was fetched for. They stay
// good over renewals, whoever makes them; a lease that ended, was stolen, or was acquired anew by the same machine fails them.
//
// A record that is not in our format does not tell one term from another, so that Fence compares the index, which a renewal moves. It
// panics if l was not made by this package.
func Fence(l Lease) []clientv3.Cmp {
	h := l.(*held)
	if _, ours := decode([]byte(h.raw)); !ours {
		return []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(h.key()), "=", int64(h.Index()))}
	}
	return []clientv3.Cmp{clientv3.Compare(clientv3.Value(h.key()), "=", h.raw)}
}

// unchanged tells what became of a lease that was at an index, by its key if there is one.
func unchanged(found []*mvccpb.KeyValue, index uint64) error {
	switch {
	case len(found) == 0:
		return ErrExpired
	case uint64(found[0].CreateRevision) > index:
		return errAnew
	case uint64(found[0].ModRevision) != index:
		return ErrMoved
	}
	return nil
}

// anew is the error of a lease that ended and was acquired since.
type anew struct{}

var errAnew error = anew{}

func (anew) Error() string   { return "lease has expired and was acquired anew" }
func (anew) Unwrap() []error { return []error{ErrExpired, ErrMoved} }
