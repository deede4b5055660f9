package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// requestOverhead is what gRPC may add to a request within its limit, as etcd reckons it.
const requestOverhead = 512 << 10

// reconnect bounds how long after a server came back its clients notice.
var reconnect = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
	MinConnectTimeout: 5 * time.Second,
}

// newDirClient returns a client of whichever process serves dir at the moment of each connection.
// disturbed is called, without blocking, whenever a connection ends or cannot be made.
func newDirClient(dir *dataDir, cfg Config, disturbed func()) (*clientv3.Client, error) {
	dial := func(ctx context.Context, _ string) (net.Conn, error) {
		c, err := dir.dial(ctx)
		if err != nil {
			disturbed()
			return nil, err
		}
		return &heldConn{Conn: c, lost: disturbed}, nil
	}
	return clientv3.New(clientv3.Config{
		Endpoints:          []string{"http://unit-agent"}, // a name only: dial knows where
		MaxCallSendMsgSize: cfg.limits().MaxRequestBytes + requestOverhead,
		// Reads whose server went away are made again once there is a new one, for which they
		// wait anyway. With the default of 100, a read after the Store's end would take seconds to fail.
		MaxUnaryRetries: 10,
		Logger:          clientLogger(cfg.Logger),
		DialOptions: []grpc.DialOption{
			grpc.WithContextDialer(dial),
			grpc.WithNoProxy(),
			grpc.WithConnectParams(reconnect),
			grpc.WithIdleTimeout(0), // an idle standby must notice too
		},
	})
}

// heldConn tells when it ends, whichever side ended it.
type heldConn struct {
	net.Conn
	once sync.Once
	lost func()
}

func (c *heldConn) Close() error {
	defer c.once.Do(c.lost)
	return c.Conn.Close()
}

// newClusterClient returns a client of the cluster at cfg.Endpoints, which it has reached.
func newClusterClient(ctx context.Context, cfg Config) (*clientv3.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.ReachTimeout)
	defer cancel()
	cl, err := clientv3.New(clientv3.Config{
		Endpoints: cfg.Endpoints,
		TLS:       cfg.TLS,
		Username:  cfg.Username,
		Password:  cfg.Password,
		// A member that is gone without a word (power, cable) is noticed in 15 seconds. gRPC
		// allows no less than 10 between pings.
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: 5 * time.Second,
		DialTimeout:          cfg.ReachTimeout,
		MaxCallSendMsgSize:   cfg.limits().MaxRequestBytes + requestOverhead,
		Logger:               clientLogger(cfg.Logger),
		DialOptions:          []grpc.DialOption{grpc.WithConnectParams(reconnect)},
	})
	if err == nil {
		err = probe(ctx, cl)
		if err == nil {
			return cl, nil
		}
		if reason := connectError(cl); reason != "" {
			err = fmt.Errorf("%w: %s", err, reason)
		}
		cl.Close()
	}
	return nil, fmt.Errorf("cannot use etcd at %s: %w", strings.Join(cfg.Endpoints, ", "), err)
}

// probeKey is read to see whether a store answers. It is not there.
const probeKey = "unit-agent-probe"

// probe returns once the store answers a read that its majority agrees on.
func probe(ctx context.Context, cl *clientv3.Client) error {
	_, err := cl.Get(ctx, probeKey, clientv3.WithCountOnly())
	if errors.Is(err, rpctypes.ErrPermissionDenied) {
		return nil // it answers; what this user may do is for others to find out
	}
	return err
}

// connectError returns why the client has no connection, "" if it has one. Calls of the client's do not
// tell: they wait for a connection until their time is up.
func connectError(cl *clientv3.Client) string {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err := pb.NewKVClient(cl.ActiveConnection()).Range(ctx, &pb.RangeRequest{Key: []byte(probeKey)})
	if st := status.Convert(err); st.Code() == codes.Unavailable {
		return st.Message()
	}
	return ""
}
