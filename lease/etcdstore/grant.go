package etcdstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// grant is an etcd lease that counts for a claim or an extension.
type grant struct {
	id clientv3.LeaseID

	// asked and ttl are the seconds that were asked for and granted. The server may grant more.
	asked, ttl int64

	// term begins before the request and is as long as what was granted.
	term term
}

// seconds rounds up.
func seconds(d time.Duration) int64 {
	s := int64(d / time.Second)
	if d%time.Second > 0 {
		s++
	}
	return s
}

// maxTTL is more than the server grants and few enough seconds to be a Duration.
const maxTTL = int64(9_000_000_000)

// newGrant has the server grant an etcd lease for a duration. The operation disposes of it if it finds no use for it.
func (o *operation) newGrant(d time.Duration) (*grant, error) {
	asked := seconds(d)
	if asked > maxTTL {
		return nil, fmt.Errorf("duration %v is too long", d)
	}
	id := 1 + rand.Int64N(1<<63-1)
	response, err := o.leases.LeaseGrant(o.ctx, &pb.LeaseGrantRequest{ID: id, TTL: asked})
	err = rpctypes.Error(err)
	g := &grant{id: clientv3.LeaseID(id), asked: asked}
	switch {
	case err == nil:
		g.ttl = response.TTL
	case errors.Is(err, rpctypes.ErrLeaseExist):
		// The first answer was lost and the client asked again. What it was granted is no less than what it asked for.
		g.ttl = asked
	case isTransient(err):
		o.reaper.revokeLate(g.id, asked)
		return nil, err
	default:
		return nil, err
	}
	if g.ttl < asked {
		o.reaper.revoke(g.id, g.ttl)
		return nil, fmt.Errorf("server granted %d seconds, not %d", g.ttl, asked)
	}
	g.term = term{o.start, time.Duration(g.ttl) * time.Second}
	return g, nil
}

// renew lets an etcd lease count anew. It returns errStale if there is no such etcd lease any more.
func (o *operation) renew(id clientv3.LeaseID, asked int64) (*grant, error) {
	for {
		ttl, err := o.keepAlive(id)
		switch {
		case err == nil && ttl > 0:
			return &grant{id, asked, ttl, term{o.start, time.Duration(ttl) * time.Second}}, nil
		case err == nil, isLeaseNotFound(err):
			return nil, errStale
		case !isTransient(err) || !pause(o.ctx, readAgain):
			return nil, err
		}
	}
}

// keepAlive renews once and returns the seconds that the lease counts from now, 0 if it is not there.
func (o *operation) keepAlive(id clientv3.LeaseID) (ttl int64, err error) {
	stream, err := o.leases.LeaseKeepAlive(o.ctx)
	if err != nil {
		return 0, rpctypes.Error(err)
	}
	defer stream.CloseSend()
	if err := stream.Send(&pb.LeaseKeepAliveRequest{ID: int64(id)}); err != nil {
		return 0, rpctypes.Error(err)
	}
	response, err := stream.Recv()
	if err != nil {
		return 0, rpctypes.Error(err)
	}
	return response.TTL, nil
}
