package election

import (
	"context"
	"errors"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"google.golang.org/protobuf/proto"

	"github.com/unit-agent/unit-agent/election/pb"
)

// ErrLost says that a candidate's session has ended, or that a leader's key is gone.
var ErrLost = errors.New("leadership lost")

// Op is what a leader does. Leadership is resigned once it returns. It must return soon after its context has ended, which says that the leadership is no longer to be
// relied on (context.Cause is ErrLost then) or that Run's context has ended.
type Op func(context.Context) error

// Election is one candidate's part in an election, or a witness's. Any number of goroutines may use it. It owns nothing: the session is the caller's to close,
// and may serve several elections.
type Election struct {
	session *concurrency.Session
	client  *clientv3.Client
	path    string
	self    *pb.Endpoint // nil for a witness
	value   string       // self, for the store

	// invalid is why self cannot be a candidate.
	invalid error
}

// New returns an election at a path of the store. If self is nil, it can be watched and not run.
func New(session *concurrency.Session, path string, self *pb.Endpoint) *Election {
	e := &Election{session: session, client: session.Client(), path: strings.TrimSuffix(path, "/")}
	if self == nil {
		e.invalid = errors.New("there is no endpoint to stand for it")
		return e
	}
	e.self = proto.Clone(self).(*pb.Endpoint)
	value, err := proto.Marshal(e.self)
	e.value, e.invalid = string(value), err
	return e
}

// Run stands for the election, waits until this candidate leads, and runs op in the caller's goroutine. The key is removed before it returns.
//
// It returns the op's error, wrapped. If the leadership was lost, the error is ErrLost, also beside one of the op's own. If the session ends while Run waits,
// the error is ErrLost too; if the context ends, it is the context's. Run can be called again, but not on the same session and path while a
// call goes on. A panic in op goes on up after the key is removed.
func (e *Election) Run(ctx context.Context, op Op) error {
	if err := e.run(ctx, op); err != nil {
		return fmt.Errorf("election %s: %w", e.path, err)
	}
	return nil
}

func (e *Election) run(ctx context.Context, op Op) error {
	if e.invalid != nil {
		return fmt.Errorf("cannot run: %w", e.invalid)
	}
	s, err := e.take()
	if err != nil {
		return err
	}
	defer s.free()
	if err := ctx.Err(); err != nil {
		return err
	}
	standing, end := context.WithCancelCause(ctx)
	defer end(nil)
	// Ctx ends no later than Done, and is closed by Orphan and Close as well.
	defer context.AfterFunc(e.session.Ctx(), func() { end(fmt.Errorf("%w: session has ended", ErrLost)) })()
	c := &candidate{Election: e, seat: s}
	defer c.leave()
	term, err := c.wait(standing)
	switch {
	case err == nil:
		return term.serve(standing, op)
	case ctx.Err() != nil:
		return ctx.Err()
	case standing.Err() != nil:
		return context.Cause(standing)
	case errors.Is(err, ErrLost):
		return err
	}
	return fmt.Errorf("cannot stand: %w", err)
}

// WaitForever is an Op that leads and does nothing until the context ends. It returns the context's error.
func WaitForever(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// key is the key of the candidate on this session.
func (e *Election) key() string { return fmt.Sprintf("%s%x", e.prefix(), e.session.Lease()) }

func (e *Election) prefix() string { return e.path + "/" }
