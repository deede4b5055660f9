package etcdstore

import (
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
)

// ExtendLease is part of lease.Store. An extension that is needed writes the key, so that every store hears of it.
func (s *Store) ExtendLease(key lease.Key, request lease.Request, stop <-chan struct{}) error {
	return s.run("extend", key, request.Validate(), stop, func(o *operation) error { return o.extend(request) })
}

// extension is an ExtendLease under way.
type extension struct {
	*operation
	request lease.Request

	// grant is what the lease is to count from now on, nil if that is not known yet; fresh says that it is an etcd lease made for this,
	// and replaces the one that it takes the place of.
	grant    *grant
	fresh    bool
	replaces clientv3.LeaseID

	// renewals is what the record has if the extension is done.
	renewals int64

	// over is an etcd lease that is not there any more.
	over clientv3.LeaseID
}

func (o *operation) extend(request lease.Request) error {
	x := &extension{operation: o, request: request}
	err := o.transact(x.decide)
	if err == nil {
		err = o.awake()
	}
	switch {
	case !x.fresh:
	case err == nil:
		o.reaper.revoke(x.replaces, int64(maxReapTime/time.Second))
	case o.doubt:
		o.reaper.resolve(&attempt{operation: o, counter: x.grant.id, ttl: x.grant.ttl, replaces: x.replaces})
	default:
		o.reaper.revoke(x.grant.id, x.grant.ttl)
	}
	if isLeaseNotFound(err) {
		err = fmt.Errorf("%w: %w", lease.ErrTimeout, err)
	}
	return err
}

func (x *extension) decide(now sight) (change, error) {
	held := now.lease
	switch {
	case held == nil || held.holder != x.request.Holder:
		return change{}, lease.ErrInvalid
	case x.grant != nil && held.counter == x.grant.id && held.renewals == x.renewals:
		return change{grant: x.grant}, errSettled
	case x.grant == nil && x.covers(held):
		return change{}, nil
	}
	if err := x.prepare(now); err != nil {
		return change{}, err
	}
	next := held.record
	next.counter, next.ttl, next.renewals = x.grant.id, x.grant.ttl, held.renewals+1
	x.renewals = next.renewals
	if x.fresh {
		x.replaces = held.counter
	}
	return change{put: &next, grant: x.grant}, nil
}

// covers tells whether the time that this store gave earlier is enough. Then it only has to be confirmed that it still counts.
func (x *extension) covers(held *entry) bool {
	return held.own && !held.term.expiry(x.config.Clock.Now()).Before(x.start.Add(x.request.Duration))
}

// prepare renews the etcd lease that counts for the lease, or has a new one granted.
func (x *extension) prepare(now sight) error {
	held := now.lease
	if x.grant != nil && !x.fresh && x.grant.id != held.counter {
		x.grant = nil // another store gave the lease a new counter meanwhile
	}
	if x.grant != nil {
		return nil
	}
	var err error
	if held.own && held.asked == seconds(x.request.Duration) && held.counter != x.over {
		x.grant, err = x.renew(held.counter, held.asked)
		if !errors.Is(err, errStale) {
			return err
		}
		x.over = held.counter
		if now.pins == nil {
			return errStale // the key went with it, unless it was bound to another first
		}
	}
	x.grant, err = x.newGrant(max(x.request.Duration, x.left(held)))
	x.fresh = err == nil
	return err
}

// left is how much time another store may have given that holds the lease already. An extension makes no lease shorter.
func (x *extension) left(held *entry) time.Duration {
	if held.own || !held.term.known() {
		return 0
	}
	return held.term.end().Sub(x.start)
}
