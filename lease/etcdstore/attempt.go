package etcdstore

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// attempt is an operation that ended without it being known what it did: its transaction may have been done, not be done at all, or be done
// later. It was made conditional on what was tried.
type attempt struct {
	*operation

	// counter is the etcd lease that it was to bind the key to, replaces the one that the key had before. Either may be 0.
	counter, replaces clientv3.LeaseID

	ttl int64
}

// resolve finds out what an attempt did, and disposes of the etcd leases that are of no use.
//
// The caller of a claim was not told that it has the lease, so the claim must not stand. The caller of an extension had the lease before, so
// whichever counter the key is bound to stays.
func (r *reaper) resolve(a *attempt) {
	r.add(a.ttl, func(ctx context.Context) error {
		// The operation's own time is over.
		o := *a.operation
		o.ctx = ctx
		return r.settle(&attempt{operation: &o, counter: a.counter, replaces: a.replaces, ttl: a.ttl})
	})
}

func (r *reaper) settle(a *attempt) error {
	now, err := a.read()
	if err != nil {
		return err
	}
	held := now.lease
	switch {
	case held != nil && held.counter == a.counter && a.tried.lease == nil:
		// A claim that was done. Nobody else could extend it without binding it to another counter.
		done, _, err := a.commit(now, change{vacate: true})
		if err != nil {
			return err
		}
		if !done {
			return errNotYet
		}
	case held != nil && held.counter == a.counter:
		r.revoke(a.replaces, a.ttl) // an extension that was done
		return nil
	case now.leaseMod() == a.tried.leaseMod() && now.pinsMod() == a.tried.pinsMod() && !a.fence(now):
		return errNotYet
	case held != nil && held.counter == a.replaces:
		r.revoke(a.counter, a.ttl)
		return nil
	}
	r.revoke(a.counter, a.ttl)
	r.revoke(a.replaces, a.ttl)
	return nil
}

// fence sees to it that a transaction that was tried cannot be done later any more: by a write that changes nothing but the revision that
// the transaction compares. Where there is nothing to write to, the transaction is a claim that binds the key to its counter, and fails once
// that is revoked.
func (a *attempt) fence(now sight) bool {
	var touch clientv3.Op
	switch {
	case now.lease != nil:
		touch = clientv3.OpPut(a.lease, "", clientv3.WithIgnoreValue(), clientv3.WithIgnoreLease())
	case now.pins != nil:
		touch = clientv3.OpPut(a.pins, "", clientv3.WithIgnoreValue(), clientv3.WithIgnoreLease())
	default:
		return true
	}
	response, err := a.config.Client.Txn(a.ctx).If(a.asSeen(now)...).Then(touch).Commit()
	return err == nil && response.Succeeded
}
