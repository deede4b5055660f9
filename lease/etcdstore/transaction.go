package etcdstore

import (
	"context"
	"errors"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
)

// change is what a transaction is to write. The zero change writes nothing, and only confirms what was seen.
type change struct {
	// put is the lease's new record, if any. It is bound to its counter unless the lease is pinned after the change.
	put *record

	// vacate removes the lease.
	vacate bool

	// pin is the new pinning, if any; unpin removes what there is.
	pin   *pinning
	unpin bool

	// grant is the grant or renewal that begins the record's time anew, if it does.
	grant *grant
}

// errSettled is what decide returns if what it sees is what the operation was for.
var errSettled = errors.New("settled")

// errStale is what decide returns if it knows that what it sees is not so any more.
var errStale = errors.New("stale")

// transact makes the change that decide asks for in view of what is seen, once that is what there is. Decide is called again when things
// turn out to be different, and when the outcome of a try is not known: so it must recognise what it did itself. ErrInvalid from it is believed
// only if what it saw was read for this operation.
func (o *operation) transact(decide func(now sight) (change, error)) error {
	now, fresh := o.cache.look(o.key), false
	for {
		change, err := decide(now)
		switch {
		case errors.Is(err, errSettled):
			if change.grant != nil {
				o.cache.own(o.key, now.lease, change.grant)
			}
			return nil
		case errors.Is(err, errStale), lease.IsInvalid(err) && !fresh:
			if now, err = o.read(); err != nil {
				return err
			}
			fresh = true
			continue
		case err != nil:
			return err
		}
		if now.strange {
			return lease.ErrInvalid // nothing that this store may touch
		}
		o.tried = now
		done, found, err := o.commit(now, change)
		switch {
		case err == nil && done:
			return nil
		case err == nil:
			now, fresh = found, true
		case !isTransient(err):
			return err
		default:
			o.doubt = true
			if now, err = o.read(); err != nil {
				return err
			}
			fresh = true
		}
	}
}

// commit tries to make a change to what was seen. If it did not find it so, it returns what it found.
func (o *operation) commit(seen sight, change change) (done bool, found sight, err error) {
	pins := seen.pins
	if change.pin != nil || change.unpin {
		pins = change.pin
	}
	var then []clientv3.Op
	if change.put != nil {
		value, err := change.put.encode()
		if err != nil {
			return false, found, err
		}
		then = append(then, clientv3.OpPut(o.lease, value, clientv3.WithLease(change.put.counting(pins))))
	}
	if change.vacate {
		then = append(then, clientv3.OpDelete(o.lease))
	}
	if change.pin != nil {
		value, err := change.pin.encode()
		if err != nil {
			return false, found, err
		}
		then = append(then, clientv3.OpPut(o.pins, value))
	}
	if change.unpin {
		then = append(then, clientv3.OpDelete(o.pins))
	}
	response, err := o.config.Client.Txn(o.ctx).If(o.asSeen(seen)...).Then(then...).Else(o.reads()...).Commit()
	if err != nil {
		return false, found, err
	}
	if !response.Succeeded {
		return false, o.note(response), nil
	}
	if len(then) > 0 {
		o.changed(seen, change, pins, response.Header.Revision)
	}
	return true, found, nil
}

func (o *operation) asSeen(seen sight) []clientv3.Cmp {
	return []clientv3.Cmp{
		clientv3.Compare(clientv3.ModRevision(o.lease), "=", seen.leaseMod()),
		clientv3.Compare(clientv3.ModRevision(o.pins), "=", seen.pinsMod()),
	}
}

func (o *operation) reads() []clientv3.Op {
	return []clientv3.Op{clientv3.OpGet(o.lease), clientv3.OpGet(o.pins)}
}

// read returns what there is, once the cluster tells.
func (o *operation) read() (sight, error) {
	for {
		response, err := o.config.Client.Txn(o.ctx).Then(o.reads()...).Commit()
		if err == nil {
			return o.note(response), nil
		}
		if !isTransient(err) || !pause(o.ctx, readAgain) {
			return sight{}, err
		}
	}
}

// readAgain is the time between two tries to read.
const readAgain = 20 * time.Millisecond

// pause lets d pass, and returns false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// note enters what reads returned into the cache, and returns it.
func (o *operation) note(response *clientv3.TxnResponse) sight {
	now, revision := o.config.Clock.Now(), response.Header.Revision
	var found sight
	o.cache.mu.Lock()
	defer o.cache.mu.Unlock()
	if kvs := response.Responses[0].GetResponseRange().Kvs; len(kvs) == 0 {
		o.cache.vacate(o.key, revision)
	} else if found.lease = o.entry(kvs[0], now); found.lease != nil {
		o.cache.put(o.key, found.lease)
		if cached := o.cache.leases[o.key]; cached != nil && cached.mod == found.lease.mod {
			found.lease = cached // it may know the term
		}
	} else {
		found.strange = true
	}
	if kvs := response.Responses[1].GetResponseRange().Kvs; len(kvs) == 0 {
		o.cache.unpin(o.key, revision)
	} else if found.pins = o.pinning(kvs[0]); found.pins != nil {
		o.cache.pin(o.key, found.pins)
	} else {
		found.strange = true
	}
	return found
}

// changed enters what a transaction changed into the cache.
func (o *operation) changed(seen sight, change change, pins *pinning, revision int64) {
	c := o.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case change.vacate:
		c.vacate(o.key, revision)
	case change.put != nil:
		e := &entry{create: revision, trapdoor: trapdoor(o.lease, revision)}
		if seen.lease != nil {
			*e = *seen.lease
		}
		e.record, e.mod, e.bound = *change.put, revision, change.put.counting(pins) != 0
		if change.grant != nil {
			e.give(change.grant)
		}
		c.put(o.key, e)
	}
	switch {
	case change.pin != nil:
		change.pin.mod = revision
		c.pin(o.key, change.pin)
	case change.unpin:
		c.unpin(o.key, revision)
	}
}

// own takes note that the present time of a lease is of this store's giving.
func (c *cache) own(key lease.Key, held *entry, g *grant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := *held
	own.give(g)
	c.put(key, &own)
}
