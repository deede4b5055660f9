package election

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// leaveTime is how long Run tries to remove the key before it leaves that to the background.
const leaveTime = 3 * time.Second

// candidate is one call of Run.
type candidate struct {
	*Election
	seat *seat

	// rev is the create revision of the candidate's key, 0 if it has none yet.
	rev int64

	// doubt says that some try to write the key had no answer: it may be written yet.
	doubt bool
}

// wait returns when this candidate leads.
func (c *candidate) wait(ctx context.Context) (*term, error) {
	for {
		if err := c.join(ctx); err != nil {
			return nil, err
		}
		now, err := c.look(ctx)
		switch {
		case err != nil:
			return nil, err
		case !now.standing:
			c.rev = 0 // somebody removed the key, or the session has ended and the next join says so
			continue
		case now.before != "":
			await(ctx, c.client, now.revision, []string{c.key()}, []string{now.before})
			continue
		}
		t, err := c.begin(ctx)
		if err != nil {
			return nil, err
		}
		// Once more, now that the lease is known to live on for a while. Nothing older can have come.
		if now, err = c.look(ctx); err != nil {
			return nil, err
		}
		if now.standing && !t.over() {
			t.revision = now.revision
			return t, nil
		}
	}
}

// join writes the candidate's key unless it is written.
func (c *candidate) join(ctx context.Context) error {
	if c.rev != 0 {
		return nil
	}
	tried := false // in this call
	for {
		var response *clientv3.TxnResponse
		err := insist(ctx, func(ctx context.Context) (err error) {
			response, err = c.client.Txn(ctx).
				If(clientv3.Compare(clientv3.CreateRevision(c.key()), "=", 0)).
				Then(clientv3.OpPut(c.key(), c.value, clientv3.WithLease(c.session.Lease()))).
				Else(clientv3.OpGet(c.key())).Commit()
			if err != nil && passes(err) {
				tried, c.doubt = true, true
			}
			return err
		})
		switch {
		case errors.Is(err, rpctypes.ErrLeaseNotFound):
			return fmt.Errorf("%w: session has expired", ErrLost)
		case err != nil:
			return err
		case response.Succeeded:
			c.rev = response.Header.Revision
			return nil
		}
		if kvs := response.Responses[0].GetResponseRange().Kvs; len(kvs) > 0 {
			there := kvs[0]
			if tried && string(there.Value) == c.value && there.Lease == int64(c.session.Lease()) {
				c.rev = there.CreateRevision // a try whose answer was lost
				return nil
			}
			// It was left by an earlier Run, which may be about to remove it: to take it over would be to lose it.
			if err := c.remove(ctx, there.CreateRevision); err != nil {
				return err
			}
		}
	}
}

// sight is what a look at the store shows.
type sight struct {
	revision int64
	standing bool   // the candidate's key is there
	before   string // the key that is next older, if any
}

func (c *candidate) look(ctx context.Context) (now sight, err error) {
	err = insist(ctx, func(ctx context.Context) error {
		older := append(clientv3.WithLastCreate(), clientv3.WithMaxCreateRev(c.rev-1), clientv3.WithKeysOnly())
		response, err := c.client.Txn(ctx).Then(clientv3.OpGet(c.key()), clientv3.OpGet(c.prefix(), older...)).Commit()
		if err != nil {
			return err
		}
		now = sight{revision: response.Header.Revision}
		if kvs := response.Responses[0].GetResponseRange().Kvs; len(kvs) > 0 {
			now.standing = kvs[0].CreateRevision == c.rev
		}
		if kvs := response.Responses[1].GetResponseRange().Kvs; len(kvs) > 0 {
			now.before = string(kvs[0].Key)
		}
		return nil
	})
	return now, err
}

// leave sees to it that no key is left, or that somebody goes on seeing to it.
func (c *candidate) leave() {
	if c.rev == 0 && !c.doubt {
		return
	}
	ctx, cancel := context.WithTimeout(c.client.Ctx(), leaveTime)
	defer cancel()
	var err error
	if c.rev != 0 {
		err = c.remove(ctx, c.rev)
	} else {
		_, err = c.clear(ctx)
	}
	if err != nil || c.doubt {
		c.seat.sweep(c.Election)
	}
}

// remove removes this session's key if it has a create revision.
func (e *Election) remove(ctx context.Context, rev int64) error {
	return insist(ctx, func(ctx context.Context) error {
		_, err := e.client.Txn(ctx).
			If(clientv3.Compare(clientv3.CreateRevision(e.key()), "=", rev)).
			Then(clientv3.OpDelete(e.key())).Commit()
		return err
	})
}

// clear removes this session's key if it is there, and returns the revision at which it looked.
func (e *Election) clear(ctx context.Context) (revision int64, err error) {
	var response *clientv3.GetResponse
	err = insist(ctx, func(ctx context.Context) error {
		response, err = e.client.Get(ctx, e.key())
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, kv := range response.Kvs {
		err = e.remove(ctx, kv.CreateRevision)
	}
	return response.Header.Revision, err
}
