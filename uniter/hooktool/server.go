package hooktool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"gopkg.in/tomb.v2"

	"github.com/unit-agent/unit-agent/uniter/hooktool/client"
)

const (
	// maxConnections is how many calls may be open at once; further ones wait to be accepted.
	maxConnections = 256
	// ioTimeout is how long a caller may take to send its call, and to take its answer.
	ioTimeout = time.Minute
	// acceptPause is how long to wait for file descriptors or memory to be freed.
	acceptPause = 100 * time.Millisecond
)

// Server is a worker that answers the hook tools of one unit on a unix socket.
type Server struct {
	tomb   tomb.Tomb
	socket *socket
	logger *slog.Logger
	ctx    context.Context // done once the server is to stop

	mu    sync.Mutex
	hooks map[string]*activation // by context id
}

// NewServer binds the socket, in place of a stale one, and starts to serve on it. The
// logger may be nil. The caller owns the worker; it ends with an error only if the
// socket fails.
func NewServer(socketPath string, logger *slog.Logger) (*Server, error) {
	if logger == nil {
		logger = slog.Default()
	}
	socket, err := listen(socketPath)
	if err != nil {
		return nil, err
	}
	s := &Server{socket: socket, logger: logger, hooks: make(map[string]*activation)}
	s.ctx = s.tomb.Context(context.Background())
	s.tomb.Go(s.serve)
	return s, nil
}

// Kill implements worker.Worker. Calls that are running are cancelled.
func (s *Server) Kill() { s.tomb.Kill(nil) }

// Wait implements worker.Worker.
func (s *Server) Wait() error { return s.tomb.Wait() }

// Dead is closed when Wait would return at once.
func (s *Server) Dead() <-chan struct{} { return s.tomb.Dead() }

// Activate lets tools call for the hook whose context id is given. It panics if the
// id is in use: ids are made to be unique.
//
// The caller must call deactivate when the hook has ended. It cancels a call that is still
// running and waits for it to end; any later call is refused. It may be called more than once.
func (s *Server) Activate(id string, hook *Context) (deactivate func()) {
	a := &activation{hook: hook}
	a.ctx, a.cancel = context.WithCancel(s.ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hooks[id] != nil {
		panic(fmt.Sprintf("hooktool: context id %q activated twice", id))
	}
	s.hooks[id] = a
	return sync.OnceFunc(func() {
		s.mu.Lock()
		delete(s.hooks, id)
		s.mu.Unlock()
		a.end()
	})
}

// find returns the hook that a call names.
func (s *Server) find(id string) (*activation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.hooks[id]; a != nil {
		return a, nil
	}
	if len(s.hooks) == 1 {
		for expected := range s.hooks {
			return nil, fmt.Errorf("bad request: expected context id %q, got %q", expected, id)
		}
	}
	return nil, fmt.Errorf("bad request: no hook with context id %q is running", id)
}

// serve accepts calls until the server is killed.
func (s *Server) serve() error {
	defer s.socket.remove()
	defer onDone(s.ctx, func() { s.socket.Close() })()
	defer s.socket.Close()
	slots := make(chan struct{}, maxConnections)
	for {
		select {
		case slots <- struct{}{}:
		case <-s.tomb.Dying():
			return tomb.ErrDying
		}
		conn, err := s.socket.AcceptUnix()
		switch {
		case err == nil:
			s.tomb.Go(func() error {
				defer func() { <-slots }()
				s.converse(conn)
				return nil
			})
			continue
		case !s.tomb.Alive():
			return tomb.ErrDying
		case !passing(err):
			return fmt.Errorf("cannot serve hook tools: %w", err)
		}
		s.logger.Warn("cannot accept a hook tool's call, trying again", "error", err)
		<-slots
		select {
		case <-time.After(acceptPause):
		case <-s.tomb.Dying():
		}
	}
}

// passing says whether accepting may work again later.
func passing(err error) bool {
	for _, number := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED,
	} {
		if errors.Is(err, number) {
			return true
		}
	}
	return false
}

// converse serves one connection: one call.
func (s *Server) converse(conn *net.UnixConn) {
	defer conn.Close()
	defer onDone(s.ctx, func() { conn.Close() })()
	conn.SetReadDeadline(time.Now().Add(ioTimeout))
	kind, payload, err := client.ReadFrame(conn)
	if err != nil || kind != client.KindCall {
		s.logger.Debug("not a hook tool's call", "error", err, "kind", kind)
		return
	}
	answer := s.answer(conn, payload)
	conn.SetWriteDeadline(time.Now().Add(ioTimeout))
	err = client.WriteFrame(conn, client.KindAnswer, answer.Payload())
	if errors.Is(err, client.ErrFrameTooLarge) {
		answer = refusal(client.ExitFailed, nil, fmt.Errorf("the output is longer than %d bytes", client.MaxPayload))
		err = client.WriteFrame(conn, client.KindAnswer, answer.Payload())
	}
	if err != nil {
		s.logger.Debug("a hook tool did not take its answer", "error", err)
	}
}

// answer does what the call in the payload asks.
func (s *Server) answer(conn *net.UnixConn, payload []byte) client.Answer {
	call, err := client.ParseCall(payload)
	if err != nil {
		return refusal(client.ExitFailed, nil, fmt.Errorf("bad request: %w", err))
	}
	a, err := s.find(call.ContextID)
	if err != nil {
		return refusal(client.ExitFailed, nil, err)
	}
	return a.answer(call, func(name string) ([]byte, error) { return fetch(a.ctx, conn, name) }, s.logger)
}

// fetch has the caller send a file or its standard input. That takes as long as it takes,
// but no longer than the hook.
func fetch(ctx context.Context, conn *net.UnixConn, name string) ([]byte, error) {
	conn.SetReadDeadline(time.Time{})
	defer onDone(ctx, func() { conn.SetReadDeadline(time.Now()) })()
	if err := client.WriteFrame(conn, client.KindWantInput, []byte(name)); err != nil {
		return nil, err
	}
	kind, content, err := client.ReadFrame(conn)
	switch {
	case ctx.Err() != nil:
		return nil, errEnded
	case err != nil:
		return nil, fmt.Errorf("cannot get the content of %s: %w", name, err)
	case kind != client.KindInput:
		return nil, fmt.Errorf("cannot get the content of %s: %w", name, client.ErrNotAFrame)
	}
	return content, nil
}

// onDone runs f once ctx is done, unless it is released before. When release returns, f is
// not running and will not run.
func onDone(ctx context.Context, f func()) (release func()) {
	finished := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(finished)
		f()
	})
	return func() {
		if !stop() {
			<-finished
		}
	}
}
