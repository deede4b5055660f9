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

// check returns an error if the store would refuse the transaction for its size.
func (d *draft) check(compare []clientv3.Cmp, ops []clientv3.Op) error {
	if n := max(len(compare), len(ops)); n > d.m.maxOps {
		return tooManyOperations(n, d.m.maxOps)
	}
	if n := requestBytes(compare, ops); n > d.m.maxBytes {
		return &TooLargeError{
			Noun: "bytes in one request", Figure: n, Limit: d.m.maxBytes,
			Advice: "write less at once, or raise the limit of the cluster (--max-request-bytes)",
		}
	}
	return nil
}

// requestBytes is at least the size of the request on its way to the other members.
func requestBytes(compare []clientv3.Cmp, ops []clientv3.Op) int {
	const request, each = 512, 48 // bounds on what surrounds keys and values
	n := request
	for _, c := range compare {
		n += each + len(c.Key) + len(c.RangeEnd) + len(c.ValueBytes())
	}
	for _, op := range ops {
		n += each + len(op.KeyBytes()) + len(op.RangeBytes()) + len(op.ValueBytes())
	}
	return n
}

// commit writes the transaction. ok is false if a comparison did not hold; then the fence did, or the error is
// ErrFenced.
func (d *draft) commit(ops []clientv3.Op) (ok bool, revision int64, err error) {
	compare := append(slices.Clip(d.compare), d.fence...)
	if err := d.check(compare, ops); err != nil {
		return false, 0, err
	}
	response, err := d.m.client.Txn(d.ctx).If(compare...).Then(ops...).Commit()
	if err != nil {
		return false, 0, fmt.Errorf("cannot write the model: %w", err)
	}
	if response.Succeeded || len(d.fence) == 0 {
		return response.Succeeded, response.Header.Revision, nil
	}
	fence, err := d.m.client.Txn(d.ctx).If(d.fence...).Commit()
	if err != nil {
		return false, 0, fmt.Errorf("cannot write the model: %w", err)
	}
	if !fence.Succeeded {
		return false, 0, ErrFenced
	}
	return false, 0, nil
}

// transact prepares a transaction and commits it, again and again while others change what it was prepared on.
// prepare may be called several times; its error ends the matter. transact returns the revision of the write, 0 if
// there was nothing to write.
func (m *Model) transact(ctx context.Context, fence []clientv3.Cmp, prepare func(d *draft) error) (int64, error) {
	for attempt := range maxAttempts {
		if err := m.pause(ctx, attempt); err != nil {
			return 0, err
		}
		d := &draft{
			ctx: ctx, m: m, fence: fence,
			seen: map[string]*mvccpb.KeyValue{}, guarded: map[string]bool{},
			puts: map[string]string{}, leases: map[string]clientv3.LeaseID{}, deletes: map[string]string{},
		}
		err := prepare(d)
		if errors.Is(err, rpctypes.ErrCompacted) {
			continue
		}
		if err != nil {
			return 0, err
		}
		ops := d.writes()
		if len(ops) == 0 {
			return 0, nil
		}
		ok, revision, err := d.commit(ops)
		if ok || err != nil {
			return revision, err
		}
	}
	return 0, fmt.Errorf("cannot write the model: others changed the same things %d times in between: try again", maxAttempts)
}
