package etcdstore_test

import (
	"context"
	"path"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// wire is what a client's requests go through. A rule decides what becomes of each.
type wire struct {
	mu      sync.Mutex
	rule    rule
	calls   map[string]int
	streams map[*brokenStream]bool
}

// rule says what happens to a call of a method, "Txn" say. Nil is nothing.
type rule func(method string) fault

// fault carries out a call, or not. Call sends it and waits for the reply.
type fault func(ctx context.Context, call func(context.Context) error) error

var unavailable = status.Error(codes.Unavailable, "the test cut the wire")

// refused: the request is not sent.
func refused(context.Context, func(context.Context) error) error { return unavailable }

// replyLost: the request is carried out, and an error comes back.
func replyLost(ctx context.Context, call func(context.Context) error) error {
	if err := call(ctx); err != nil {
		return err
	}
	return unavailable
}

// replyHangs: the request is carried out, and nothing comes back.
func replyHangs(ctx context.Context, call func(context.Context) error) error {
	if err := call(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// requestHangs: the request is not sent, and nothing comes back.
func requestHangs(ctx context.Context, _ func(context.Context) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// delayed: the reply takes so long.
func delayed(d time.Duration) fault {
	return func(ctx context.Context, call func(context.Context) error) error {
		err := call(ctx)
		time.Sleep(d)
		return err
	}
}

// late: nothing comes back, and the request is carried out once release is closed. Done is closed after that.
func late(release <-chan struct{}, done chan<- error) fault {
	return func(ctx context.Context, call func(context.Context) error) error {
		late := context.WithoutCancel(ctx)
		go func() {
			<-release
			done <- call(late)
		}()
		<-ctx.Done()
		return ctx.Err()
	}
}

// before: something happens, and then the request is sent.
func before(do func()) fault {
	return func(ctx context.Context, call func(context.Context) error) error {
		do()
		return call(ctx)
	}
}

// after: the request is carried out, then something happens, and then the reply comes.
func after(do func()) fault {
	return func(ctx context.Context, call func(context.Context) error) error {
		err := call(ctx)
		do()
		return err
	}
}

// once makes a fault happen to the first call of a method only.
func once(method string, f fault) rule {
	var first sync.Once
	return func(m string) (what fault) {
		if m == method {
			first.Do(func() { what = f })
		}
		return what
	}
}

// always makes a fault happen to all calls of some methods; of none given, to all.
func always(f fault, methods ...string) rule {
	return func(m string) fault {
		for _, method := range methods {
			if m == method {
				return f
			}
		}
		if len(methods) == 0 {
			return f
		}
		return nil
	}
}

// set puts a rule in the place of the one before.
func (w *wire) set(r rule) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rule = r
}

// count returns how many calls of a method there were.
func (w *wire) count(method string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[method]
}

func (w *wire) fault(method string) fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls[method]++
	if w.rule == nil {
		return nil
	}
	return w.rule(method)
}

func (w *wire) unary(ctx context.Context, method string, in, out any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	call := func(ctx context.Context) error { return invoke(ctx, method, in, out, cc, opts...) }
	if f := w.fault(path.Base(method)); f != nil {
		return f(ctx, call)
	}
	return call(ctx)
}

// stream applies the rule to the opening of a stream, and to each message that it receives, as method + "/recv".
func (w *wire) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	var stream grpc.ClientStream
	ctx, cut := context.WithCancelCause(ctx)
	call := func(ctx context.Context) (err error) {
		stream, err = open(ctx, desc, cc, method, opts...)
		return err
	}
	f := w.fault(path.Base(method))
	if f == nil {
		f = func(ctx context.Context, call func(context.Context) error) error { return call(ctx) }
	}
	if err := f(ctx, call); err != nil {
		cut(nil)
		return nil, err
	}
	broken := &brokenStream{ClientStream: stream, wire: w, method: path.Base(method), cut: cut, ctx: ctx}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.streams[broken] = true
	context.AfterFunc(stream.Context(), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.streams, broken)
	})
	return broken, nil
}

// open tells whether a stream of a method is open.
func (w *wire) open(method string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.streams {
		if s.method == method {
			return true
		}
	}
	return false
}

// breakStreams ends the streams of a method that are open.
func (w *wire) breakStreams(method string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.streams {
		if s.method == method {
			s.cut(unavailable)
		}
	}
}

// brokenStream is a stream that can be broken.
type brokenStream struct {
	grpc.ClientStream
	wire   *wire
	method string
	cut    context.CancelCauseFunc
	ctx    context.Context
}

func (s *brokenStream) RecvMsg(m any) error {
	call := func(context.Context) error {
		err := s.ClientStream.RecvMsg(m)
		if err != nil && context.Cause(s.ctx) == unavailable {
			return unavailable
		}
		return err
	}
	if f := s.wire.fault(s.method + "/recv"); f != nil {
		return f(s.ctx, call)
	}
	return call(s.ctx)
}

// wired returns a client whose requests go through a wire.
func wired(t testing.TB, endpoints ...string) (*clientv3.Client, *wire) {
	t.Helper()
	w := &wire{calls: make(map[string]int), streams: make(map[*brokenStream]bool)}
	client, err := clientv3.New(clientv3.Config{
		Endpoints:       endpoints,
		Logger:          zap.NewNop(),
		MaxUnaryRetries: 10,
		DialOptions:     []grpc.DialOption{grpc.WithChainUnaryInterceptor(w.unary), grpc.WithChainStreamInterceptor(w.stream)},
	})
	ok(t, err)
	t.Cleanup(func() { client.Close() })
	return client, w
}
