package model

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// relation returns a relation whose key was loaded.
func (v *View) relation(id int) (Relation, error) {
	key := v.m.keys.relationMeta(id)
	if v.values[key] == nil {
		return Relation{}, &NotFoundError{Noun: relationName(id)}
	}
	record, err := decode[relationRecord](key, v.values[key])
	return relationFrom(id, record), err
}

// load reads the keys that were not read before.
func (v *View) load(ctx context.Context, keys ...string) error {
	missing := slices.DeleteFunc(slices.Clone(keys), func(key string) bool {
		_, ok := v.values[key]
		return ok
	})
	for chunk := range slices.Chunk(missing, v.m.maxOps) {
		if err := v.atRevision(func(revision int64) (int64, error) { return v.loadChunk(ctx, chunk, revision) }); err != nil {
			return err
		}
	}
	return nil
}

func (v *View) loadChunk(ctx context.Context, keys []string, revision int64) (int64, error) {
	ops := make([]clientv3.Op, len(keys))
	for i, key := range keys {
		ops[i] = clientv3.OpGet(key, clientv3.WithRev(revision))
	}
	response, err := v.m.client.Txn(ctx).Then(ops...).Commit()
	if err != nil {
		return 0, fmt.Errorf("cannot read the model: %w", err)
	}
	for i, key := range keys {
		v.values[key] = nil
		if found := response.Responses[i].GetResponseRange().Kvs; len(found) == 1 {
			v.values[key] = found[0].Value
		}
	}
	return response.Header.Revision, nil
}

// list returns what stands under a prefix.
func (v *View) list(ctx context.Context, prefix string, keysOnly bool) ([]*mvccpb.KeyValue, error) {
	if found, ok := v.ranges[prefix]; ok {
		return found, nil
	}
	var options []clientv3.OpOption
	if keysOnly {
		options = append(options, clientv3.WithKeysOnly())
	}
	err := v.atRevision(func(revision int64) (at int64, err error) {
		v.ranges[prefix], at, err = v.m.list(ctx, prefix, revision, options...)
		if err != nil {
			delete(v.ranges, prefix)
		}
		return at, err
	})
	return v.ranges[prefix], err
}

// atRevision reads at the moment that the view shows. If the store has forgotten it, the view moves on to the
// present one.
func (v *View) atRevision(read func(revision int64) (int64, error)) error {
	at, err := read(v.revision)
	if v.revision != 0 && errors.Is(err, rpctypes.ErrCompacted) {
		v.revision = 0
		at, err = read(0)
	}
	if err == nil && v.revision == 0 {
		v.revision = at
	}
	return err
}
