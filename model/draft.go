package model

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// draft is a transaction in the making: reads at one revision, the comparisons that must still hold when it is
// written, and the writes. Reads do not see the draft's own writes. It is used by one goroutine.
type draft struct {
	ctx context.Context
	m   *Model
	// revision is what all reads are made at; 0 until the first one.
	revision int64
	// seen holds every key that was read, nil where there was none.
	seen map[string]*mvccpb.KeyValue
	// guarded holds what is in compare: a key, or "exists " or "range " and a key.
	guarded map[string]bool
	compare []clientv3.Cmp
	fence   []clientv3.Cmp
	puts    map[string]string
	leases  map[string]clientv3.LeaseID // of the puts that are bound to one
	deletes map[string]string           // key to the end of the range, empty for the key alone
}

// load reads keys that were not read before, in one round trip.
func (d *draft) load(keys ...string) error {
	var missing []string
	for _, key := range keys {
		if _, ok := d.seen[key]; !ok && !slices.Contains(missing, key) {
			missing = append(missing, key)
		}
	}
	for chunk := range slices.Chunk(missing, d.m.maxOps) {
		ops := make([]clientv3.Op, len(chunk))
		for i, key := range chunk {
			ops[i] = clientv3.OpGet(key, clientv3.WithRev(d.revision))
		}
		response, err := d.m.client.Txn(d.ctx).Then(ops...).Commit()
		if err != nil {
			return fmt.Errorf("cannot read the model: %w", err)
		}
		d.fixRevision(response.Header.Revision)
		for i, key := range chunk {
			d.seen[key] = nil
			if found := response.Responses[i].GetResponseRange().Kvs; len(found) == 1 {
				d.seen[key] = found[0]
			}
		}
	}
	return nil
}

// list returns what stands under a prefix, sorted by key. It guards nothing.
func (d *draft) list(prefix string, options ...clientv3.OpOption) ([]*mvccpb.KeyValue, error) {
	found, revision, err := d.m.list(d.ctx, prefix, d.revision, options...)
	if err != nil {
		return nil, err
	}
	d.fixRevision(revision)
	return found, nil
}

// first returns the first key of a range, or nothing.
func (d *draft) first(from, end string) (string, error) {
	if from >= end {
		return "", nil
	}
	response, err := d.m.client.Get(d.ctx, from, clientv3.WithRange(end), clientv3.WithLimit(1), clientv3.WithKeysOnly(), clientv3.WithRev(d.revision))
	if err != nil {
		return "", fmt.Errorf("cannot read the model: %w", err)
	}
	d.fixRevision(response.Header.Revision)
	if len(response.Kvs) == 0 {
		return "", nil
	}
	return string(response.Kvs[0].Key), nil
}

// remaining returns the first key under a prefix that the draft does not remove, or nothing.
func (d *draft) remaining(prefix string) (string, error) {
	from, end := prefix, clientv3.GetPrefixRangeEnd(prefix)
	for {
		key, err := d.first(from, end)
		if err != nil || key == "" {
			return "", err
		}
		from = d.removedUntil(key)
		if from == "" {
			return key, nil
		}
	}
}

// removedUntil returns the end of the removed range that a key is in, or nothing if the draft does not remove it.
func (d *draft) removedUntil(key string) string {
	if end, ok := d.deletes[key]; ok && end == "" {
		return key + "\x00"
	}
	for from, end := range d.deletes {
		if end != "" && strings.HasPrefix(key, from) {
			return end
		}
	}
	return ""
}

func (d *draft) fixRevision(revision int64) {
	if d.revision == 0 {
		d.revision = revision
	}
}

// guard makes the transaction fail if the key changes before it.
func (d *draft) guard(key string) {
	if d.guarded[key] {
		return
	}
	d.guarded[key] = true
	var revision int64
	if kv := d.seen[key]; kv != nil {
		revision = kv.ModRevision
	}
	d.compare = append(d.compare, clientv3.Compare(clientv3.ModRevision(key), "=", revision))
}

// guardExists makes the transaction fail if the key, which was just seen to be there, is removed before it; a change of
// its value does not matter.
func (d *draft) guardExists(key string) {
	if d.guarded[key] || d.guarded["exists "+key] {
		return
	}
	d.guarded["exists "+key] = true
	d.compare = append(d.compare, clientv3.Compare(clientv3.CreateRevision(key), ">", 0))
}

// guardRange makes the transaction fail if anything is created or changed under the prefix before it. It does not see
// removals. Something must have been read.
func (d *draft) guardRange(prefix string) {
	if d.guarded["range "+prefix] {
		return
	}
	d.guarded["range "+prefix] = true
	d.compare = append(d.compare, clientv3.Compare(clientv3.ModRevision(prefix), "<", d.revision+1).WithPrefix())
}

// get returns a key's value, nil if it has none, and guards it.
func (d *draft) get(key string) ([]byte, error) {
	value, err := d.peek(key)
	if err == nil {
		d.guard(key)
	}
	return value, err
}

// peek is get without the guard.
func (d *draft) peek(key string) ([]byte, error) {
	if err := d.load(key); err != nil {
		return nil, err
	}
	if kv := d.seen[key]; kv != nil {
		return kv.Value, nil
	}
	return nil, nil
}

// read gets and decodes a record; there is none if ok is false.
func read[T any](d *draft, key string) (record T, ok bool, err error) {
	value, err := d.get(key)
	if err != nil || value == nil {
		return record, false, err
	}
	record, err = decode[T](key, value)
	return record, err == nil, err
}

// write puts a record in the place of the one that was there when it was read, keeping what T does not know.
func write[T any](d *draft, key string, record T) error {
	old, err := d.get(key)
	if err != nil {
		return err
	}
	value, err := rewrite(key, old, record)
	if err != nil {
		return err
	}
	if old == nil || string(value) != string(old) {
		d.puts[key] = string(value)
	}
	return nil
}

// bind writes a record to a key that ends with the lease.
func bind[T any](d *draft, key string, record T, lease clientv3.LeaseID) error {
	old, err := d.get(key)
	if err != nil {
		return err
	}
	value, err := rewrite(key, old, record)
	if err != nil {
		return err
	}
	// The put is needed also if the value stays, because the lease does not.
	d.puts[key], d.leases[key] = string(value), lease
	return nil
}

// touch puts a key whose being there is all that it says.
func (d *draft) touch(key string) { d.puts[key] = "{}" }

func (d *draft) remove(key string) { d.deletes[key] = "" }

func (d *draft) removeAll(prefix string) { d.deletes[prefix] = clientv3.GetPrefixRangeEnd(prefix) }

// writes returns the operations in the order of their keys. What a removed range covers is left out, because etcd takes
// no two operations on one key.
func (d *draft) writes() []clientv3.Op {
	covered := func(key string) bool {
		for from, end := range d.deletes {
			if end != "" && from != key && strings.HasPrefix(key, from) {
				return true
			}
		}
		return false
	}
	var keys []string
	for key := range d.puts {
		if _, removed := d.deletes[key]; !removed && !covered(key) {
			keys = append(keys, key)
		}
	}
	for key := range d.deletes {
		if !covered(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	ops := make([]clientv3.Op, len(keys))
	for i, key := range keys {
		end, removed := d.deletes[key]
		switch {
		case !removed:
			ops[i] = clientv3.OpPut(key, d.puts[key], clientv3.WithLease(d.leases[key]))
		case end == "":
			ops[i] = clientv3.OpDelete(key)
		default:
			ops[i] = clientv3.OpDelete(key, clientv3.WithRange(end))
		}
	}
	return ops
}
