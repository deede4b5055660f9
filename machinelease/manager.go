package machinelease

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

var (
	// ErrExpired says that the lease ended: nobody holds it, or somebody acquired it since.
	ErrExpired = errors.New("lease has expired")

	// ErrMoved says that the lease is at another index than the caller knew: it was renewed, stolen or acquired by somebody else.
	ErrMoved = errors.New("lease has moved to another index")
)

// Lease is a lease as it was when it was fetched, acquired, renewed or stolen. Any number of goroutines may use it.
//
// A lease that ended and was acquired anew by somebody is both ErrExpired and ErrMoved.
type Lease interface {
	// Renew has the lease end a period from now, if nothing changed it since this Lease was fetched or last renewed; Index and
	// TimeRemaining change accordingly. The error is ErrExpired if the lease has ended, ErrMoved if it is at another index. After any other error it is
	// not known whether the lease was renewed: what TimeRemaining said before holds at least.
	Renew(period time.Duration) error

	// Release ends the lease. The Lease is of no use afterwards. The error is ErrExpired if the lease has ended already, ErrMoved if it is
	// at another index.
	Release() error

	// MachineID is the machine that held the lease.
	MachineID() string

	// Version is what the holder said that its version was.
	Version() int

	// Index grows each time that the lease is acquired, renewed or stolen: it is the ModRevision of its key.
	Index() uint64

	// TimeRemaining is what was left of the lease when the call that fetched it returned. It does not count down.
	TimeRemaining() time.Duration
}

// Manager reaches the leases. Any number of goroutines may use it. Each call ends within 10 seconds.
//
// Periods are rounded up to whole seconds, and to the least that the server grants.
type Manager interface {
	// GetLease returns the lease of that name, or nil if nobody holds it.
	GetLease(name string) (Lease, error)

	// AcquireLease takes the lease if nobody holds it. It returns nil and no error if somebody does, even if that is machID itself.
	AcquireLease(name, machID string, ver int, period time.Duration) (Lease, error)

	// StealLease takes the lease from whoever holds it, if it is still at index idx. The error is ErrExpired if nobody holds it, ErrMoved if it
	// is at another index.
	StealLease(name, machID string, ver int, period time.Duration, idx uint64) (Lease, error)
}

// NewManager returns a manager of the leases at prefix + "/" + name. It starts nothing, and leaves the client to the caller to close.
func NewManager(client *clientv3.Client, prefix string) Manager {
	return &manager{
		client: client,
		// The client's own Grant does not let the caller choose the id, so that a grant of unknown outcome could not be revoked.
		leases: clientv3.RetryLeaseClient(client),
		prefix: strings.TrimSuffix(prefix, "/") + "/",
	}
}

type manager struct {
	client *clientv3.Client
	leases pb.LeaseClient
	prefix string
}

// GetLease is part of Manager.
func (m *manager) GetLease(name string) (Lease, error) {
	l, err := m.get(name)
	return result("get", name, l, err)
}

// AcquireLease is part of Manager.
func (m *manager) AcquireLease(name, machID string, ver int, period time.Duration) (Lease, error) {
	l, err := m.acquire(name, machID, ver, period)
	return result("acquire", name, l, err)
}

// StealLease is part of Manager.
func (m *manager) StealLease(name, machID string, ver int, period time.Duration, idx uint64) (Lease, error) {
	l, err := m.steal(name, machID, ver, period, idx)
	return result("steal", name, l, err)
}

// result keeps a nil *held from becoming a Lease that is not nil.
func result(verb, name string, l *held, err error) (Lease, error) {
	switch {
	case err != nil:
		return nil, failed(verb, name, err)
	case l == nil:
		return nil, nil
	}
	return l, nil
}

func failed(verb, name string, err error) error {
	return fmt.Errorf("cannot %s lease %q: %w", verb, name, err)
}

func (m *manager) get(name string) (*held, error) {
	if name == "" {
		return nil, errNoName
	}
	o := m.begin(m.prefix + name)
	defer o.end()
	for {
		response, err := o.read()
		if err != nil || len(response.Kvs) == 0 {
			return nil, err
		}
		l := m.holding(name, response.Kvs[0])
		remaining, err := o.timeToLive(clientv3.LeaseID(response.Kvs[0].Lease))
		if errors.Is(err, errGone) {
			continue // the key has gone with it, or is bound to another by now
		}
		if err != nil {
			return nil, err
		}
		l.remaining = remaining
		return l, nil
	}
}

func (m *manager) acquire(name, machID string, ver int, period time.Duration) (*held, error) {
	if err := check(name, machID, period); err != nil {
		return nil, err
	}
	o := m.begin(m.prefix + name)
	defer o.end()
	// It is usually held by somebody, and to look is cheaper for the server than a grant in vain.
	response, err := o.read()
	if err != nil || len(response.Kvs) > 0 {
		return nil, err
	}
	g, err := o.grant(period)
	if err != nil {
		return nil, err
	}
	r := record{MachineID: machID, Version: ver, Term: g.name()}
	free := clientv3.Compare(clientv3.CreateRevision(o.key), "=", 0)
	index, _, err := o.bind(g, r.encode(), free)
	if err != nil {
		return nil, err
	}
	if index == 0 {
		return nil, nil
	}
	return m.taken(o, name, r, g, index), nil
}

func (m *manager) steal(name, machID string, ver int, period time.Duration, idx uint64) (*held, error) {
	if err := check(name, machID, period); err != nil {
		return nil, err
	}
	o := m.begin(m.prefix + name)
	defer o.end()
	response, err := o.read()
	if err != nil {
		return nil, err
	}
	if err := unchanged(response.Kvs, idx); err != nil {
		return nil, err
	}
	victim := m.holding(name, response.Kvs[0])
	g, err := o.grant(period)
	if err != nil {
		return nil, err
	}
	r := record{MachineID: machID, Version: ver, Term: g.name()}
	index, found, err := o.bind(g, r.encode(), o.at(idx))
	if err != nil {
		return nil, err
	}
	if index == 0 {
		return nil, unchanged(found, idx)
	}
	o.revoke(victim.counter)
	return m.taken(o, name, r, g, index), nil
}

// taken is a lease that was acquired or stolen.
func (m *manager) taken(o *operation, name string, r record, g *grant, index uint64) *held {
	return &held{manager: m, name: name, record: r, raw: r.encode(), index: index, counter: g.id, remaining: left(o.start, g.ttl)}
}

var (
	errNoName    = errors.New("lease name is empty")
	errNoMachine = errors.New("machine ID is empty")
)

func check(name, machID string, period time.Duration) error {
	switch {
	case name == "":
		return errNoName
	case machID == "":
		return errNoMachine
	case !utf8.ValidString(machID):
		return fmt.Errorf("machine ID %q is not UTF-8", machID)
	}
	return checkPeriod(period)
}

func checkPeriod(period time.Duration) error {
	if period <= 0 {
		return fmt.Errorf("period %v is not positive", period)
	}
	return nil
}

// begin starts the time that a call may take.
func (m *manager) begin(key string) *operation {
	o := &operation{manager: m, key: key, start: time.Now()}
	o.ctx, o.end = context.WithTimeout(m.client.Ctx(), workTime)
	return o
}
