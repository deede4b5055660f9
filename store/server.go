package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// drainTime is how long a clean stop lets calls in flight end.
	drainTime = 2 * time.Second
	// wreckTime is how long a server that failed may take to stop before it is left as it is.
	wreckTime = 2 * time.Second
)

var errNoReason = errors.New("etcd ended without saying why")

// server is the embedded etcd server and the socket that it is reached on. It owns the directory's lock.
type server struct {
	dir    *dataDir
	lock   *os.File
	logger *slog.Logger
	quota  int64

	// failed ends when etcd says that it cannot go on, with the reason as its cause. A goroutine of
	// etcd's is gone then, perhaps with a lock held, so nothing can be asked of it any more.
	failed context.Context
	fail   context.CancelCauseFunc

	// stopping ends when the server is asked to stop.
	stopping context.Context
	stopNow  context.CancelFunc

	etcd    *embed.Etcd
	grpc    *grpc.Server
	served  chan struct{} // closed when grpc has ended
	noSpace chan struct{} // gets a value when a write was refused for lack of space

	defragmented int64 // the oldest revision that was left then; used by housekeep only
}

func (s *server) serve(l net.Listener) {
	s.grpc = v3rpc.Server(s.etcd.Server, nil, s.watchSpace, grpc.ChainStreamInterceptor(s.endStreams))
	go func() {
		defer close(s.served)
		if err := s.grpc.Serve(l); err != nil {
			s.fail(fmt.Errorf("cannot serve clients: %w", err))
		}
	}()
}

// watchSpace notices writes that are refused for lack of space.
func (s *server) watchSpace(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	resp, err := handle(ctx, req)
	if errors.Is(err, rpctypes.ErrGRPCNoSpace) {
		select {
		case s.noSpace <- struct{}{}:
		default:
		}
	}
	return resp, err
}

// endStreams ends watches and keep-alives, which do not end by themselves, when the
// server is stopping. Their clients take them up again with whoever serves next.
func (s *server) endStreams(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	err := handle(srv, &endingStream{stream, ctx})
	if s.stopping.Err() != nil {
		return status.Error(codes.Unavailable, "the store is stopping")
	}
	return err
}

type endingStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *endingStream) Context() context.Context { return s.ctx }

// stop ends the server and frees the directory. Calls in flight may end first. It is called once.
func (s *server) stop() {
	s.stopNow()
	if s.grpc != nil {
		s.stopServing()
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.etcd.Close()
	}()
	select {
	case <-closed:
	case <-s.failed.Done():
		select {
		case <-closed:
		case <-time.After(wreckTime):
			abandon(s.lock)
			return
		}
	}
	s.lock.Close()
}

func (s *server) stopServing() {
	if err := s.dir.removeSocket(); err != nil {
		s.logger.Warn("cannot remove the store's socket", "error", err)
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		s.grpc.GracefulStop()
	}()
	select {
	case <-drained:
	case <-s.failed.Done(): // calls in flight have nobody to answer them
	case <-time.After(drainTime):
	}
	s.grpc.Stop()
	<-drained
	<-s.served
}
