package machinelease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A call works for at most workTime and then cleans up for at most cleanTime: 10 seconds are promised, and a busy machine takes some.
const (
	workTime  = 7 * time.Second
	cleanTime = 1500 * time.Millisecond
	tryTime   = 2 * time.Second
	tryAgain  = 50 * time.Millisecond
)

// operation is one call.
type operation struct {
	*manager
	key string

	// start is the time from before anything was sent.
	start time.Time
	ctx   context.Context
	end   context.CancelFunc
}

// at compares the index of a lease that is there. The comparison with 0 alone would hold for one that is not.
func (o *operation) at(index uint64) clientv3.Cmp {
	if index == 0 {
		return clientv3.Compare(clientv3.ModRevision(o.key), "<", 0)
	}
	return clientv3.Compare(clientv3.ModRevision(o.key), "=", int64(index))
}

func (o *operation) read() (response *clientv3.GetResponse, err error) {
	err = o.insist(func(ctx context.Context) error {
		response, err = o.client.Get(ctx, o.key)
		return err
	})
	return response, err
}

// bind gives the lease a value and a grant, if a comparison holds. It returns the new index, or 0 and what was found instead. If it does not return
// an index, the grant is revoked, and the lease with it if it was bound after all.
func (o *operation) bind(g *grant, value string, cmp clientv3.Cmp) (index uint64, found []*mvccpb.KeyValue, err error) {
	index, found, _, err = o.put(g, clientv3.OpPut(o.key, value, clientv3.WithLease(g.id)), cmp)
	if index == 0 {
		o.revoke(g.id)
	}
	return index, found, err
}

// rebind is bind with the value that the lease has. If the outcome is not known the grant is not revoked: the lease may be bound to it, and was held before.
func (o *operation) rebind(g *grant, cmp clientv3.Cmp) (index uint64, found []*mvccpb.KeyValue, err error) {
	put := clientv3.OpPut(o.key, "", clientv3.WithIgnoreValue(), clientv3.WithLease(g.id))
	index, found, doubt, err := o.put(g, put, cmp)
	if index == 0 && !(doubt && err != nil) {
		o.revoke(g.id)
	}
	return index, found, err
}

func (o *operation) put(g *grant, put clientv3.Op, cmp clientv3.Cmp) (index uint64, found []*mvccpb.KeyValue, doubt bool, err error) {
	response, doubt, err := o.commit(cmp, put)
	switch {
	case err != nil:
		return 0, nil, doubt, err
	case response.Succeeded:
		return uint64(response.Header.Revision), nil, doubt, nil
	}
	found = response.Responses[0].GetResponseRange().Kvs
	if len(found) > 0 && found[0].Lease == int64(g.id) {
		return uint64(found[0].ModRevision), nil, doubt, nil // a try whose answer was lost did it
	}
	return 0, found, doubt, nil
}

// remove ends the lease if it is at an index.
func (o *operation) remove(index uint64) error {
	response, doubt, err := o.commit(o.at(index), clientv3.OpDelete(o.key))
	if err != nil || response.Succeeded {
		return err
	}
	err = unchanged(response.Responses[0].GetResponseRange().Kvs, index)
	if doubt && errors.Is(err, ErrExpired) {
		return nil // a try whose answer was lost did it, or its time was over just then
	}
	return err
}

// commit makes a change if a comparison holds, and reads the key if it does not. It tries until there is an answer. Doubt says that there was none to
// some try, which may have been done, or be done yet.
func (o *operation) commit(cmp clientv3.Cmp, then clientv3.Op) (response *clientv3.TxnResponse, doubt bool, err error) {
	err = o.insist(func(ctx context.Context) error {
		response, err = o.client.Txn(ctx).If(cmp).Then(then).Else(clientv3.OpGet(o.key)).Commit()
		doubt = doubt || err != nil && passes(err)
		return err
	})
	return response, doubt, err
}

// insist calls again what fails for a reason that passes, as long as the operation's time lasts. No call gets all of the time: the next one goes to another
// member of the cluster.
func (o *operation) insist(call func(ctx context.Context) error) error {
	for {
		ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(o.ctx), tryTime)
		err := call(ctx)
		cancel()
		if err == nil || !passes(err) {
			return err
		}
		timer := time.NewTimer(tryAgain)
		select {
		case <-timer.C:
		case <-o.ctx.Done():
			timer.Stop()
			return fmt.Errorf("no answer from the cluster: %w: %w", o.ctx.Err(), err)
		}
	}
}

// passes tells whether an error is of a kind that passes.
func passes(err error) bool {
	var known rpctypes.EtcdError
	code := status.Code(err)
	if errors.As(err, &known) {
		code = known.Code()
	}
	switch code {
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented, codes.NotFound, codes.FailedPrecondition,
		codes.OutOfRange:
		return false
	}
	return true
}

// left returns what is left of a time that was given after start. If the machine slept since, the wall clock knows.
func left(start time.Time, given time.Duration) time.Duration {
	now := time.Now()
	elapsed := max(now.Sub(start), now.Round(0).Sub(start.Round(0)))
	return max(0, given-elapsed)
}
