package etcdstore

import (
	"fmt"

	"github.com/unit-agent/unit-agent/lease"
)

// ClaimLease is part of lease.Store.
func (s *Store) ClaimLease(key lease.Key, request lease.Request, stop <-chan struct{}) error {
	return s.run("claim", key, request.Validate(), stop, func(o *operation) error { return o.claim(request) })
}

func (o *operation) claim(request lease.Request) error {
	var g *grant
	err := o.transact(func(now sight) (change, error) {
		if now.lease != nil {
			if g != nil && now.lease.counter == g.id {
				return change{grant: g}, errSettled
			}
			return change{}, lease.ErrInvalid
		}
		if g == nil {
			var err error
			if g, err = o.newGrant(request.Duration); err != nil {
				return change{}, err
			}
		}
		return change{
			put:   &record{holder: request.Holder, counter: g.id, ttl: g.ttl, since: o.start.Round(0).UTC()},
			grant: g,
		}, nil
	})
	if err == nil {
		err = o.awake()
	}
	switch {
	case err == nil || g == nil:
	case o.doubt:
		o.reaper.resolve(&attempt{operation: o, counter: g.id, ttl: g.ttl})
	default:
		o.reaper.revoke(g.id, g.ttl)
	}
	if isLeaseNotFound(err) {
		// It was over, or revoked by somebody, before the key was bound to it.
		err = fmt.Errorf("%w: %w", lease.ErrTimeout, err)
	}
	return err
}
