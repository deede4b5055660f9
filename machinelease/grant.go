package machinelease

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// grant is an etcd lease that was granted.
type grant struct {
	id clientv3.LeaseID

	// ttl is how long it lasts from some time after the operation began. The server may give more than was asked for.
	ttl time.Duration
}

// seconds rounds up.
func seconds(d time.Duration) int64 {
	s := int64(d / time.Second)
	if d%time.Second > 0 {
		s++
	}
	return s
}

// grant has the server count a period.
func (o *operation) grant(period time.Duration) (*grant, error) {
	asked := seconds(period)
	id := clientv3.LeaseID(1 + rand.Int64N(math.MaxInt64))
	g := &grant{id: id, ttl: time.Duration(asked) * time.Second}
	err := o.insist(func(ctx context.Context) error {
		response, err := o.leases.LeaseGrant(ctx, &pb.LeaseGrantRequest{ID: int64(id), TTL: asked})
		err = rpctypes.Error(err)
		if errors.Is(err, rpctypes.ErrLeaseExist) {
			return nil // the answer to the first try was lost
		}
		if err == nil {
			g.ttl = time.Duration(response.TTL) * time.Second
		}
		return err
	})
	if err != nil {
		o.revoke(id)
		return nil, err
	}
	return g, nil
}

// revoke ends an etcd lease that nobody needs, or leaves it to end by itself if that cannot be done quickly. It may be called after the operation's time.
func (o *operation) revoke(id clientv3.LeaseID) {
	if id == clientv3.NoLease {
		return
	}
	ctx, cancel := context.WithTimeout(o.client.Ctx(), cleanTime)
	defer cancel()
	clean := *o
	clean.ctx = ctx
	_ = clean.insist(func(ctx context.Context) error {
		_, err := o.leases.LeaseRevoke(ctx, &pb.LeaseRevokeRequest{ID: int64(id)})
		return rpctypes.Error(err) // "not found" is final: it ended
	})
}

// errGone says that there is no etcd lease of that id.
var errGone = errors.New("no such etcd lease")

// endless is the time that is left of a lease whose key is not bound to an etcd lease. Not this package made it.
const endless = time.Duration(math.MaxInt64)

// timeToLive returns what is left of an etcd lease.
func (o *operation) timeToLive(id clientv3.LeaseID) (remaining time.Duration, err error) {
	if id == clientv3.NoLease {
		return endless, nil
	}
	gone := false
	err = o.insist(func(ctx context.Context) error {
		asked := time.Now()
		response, err := o.client.TimeToLive(ctx, id)
		if err != nil {
			return err
		}
		gone = response.TTL == -1 && response.GrantedTTL == 0
		// Whole seconds, rounded down.
		remaining = left(asked, time.Duration(response.TTL)*time.Second)
		return nil
	})
	if gone {
		return 0, errGone
	}
	return remaining, err
}
