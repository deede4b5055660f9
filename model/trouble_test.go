package model

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/unit-agent/unit-agent/store/etcdtest"
)

func contextOf(r *rig) (context.Context, context.CancelFunc) { return context.WithCancel(r.ctx) }

// line is a client whose connection a test can cut and mend.
type line struct {
	client *clientv3.Client
	socket string

	mu    sync.Mutex
	conns []net.Conn
	whole chan struct{} // closed while connections can be made
}

func newLine(t *testing.T, server *etcdtest.Server) *line {
	t.Helper()
	l := &line{socket: filepath.Join(server.Dir(), "client.sock"), whole: make(chan struct{})}
	close(l.whole)
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"http://line"},
		Logger:    zap.NewNop(),
		DialOptions: []grpc.DialOption{
			grpc.WithContextDialer(l.dial),
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: time.Millisecond, Multiplier: 1, MaxDelay: time.Millisecond}}),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	l.client = client
	t.Cleanup(func() { client.Close() })
	return l
}

func (l *line) dial(ctx context.Context, _ string) (net.Conn, error) {
	l.mu.Lock()
	whole := l.whole
	l.mu.Unlock()
	select {
	case <-whole:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", l.socket)
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.conns = append(l.conns, conn)
	}
	return conn, err
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.whole = make(chan struct{})
	for _, conn := range l.conns {
		conn.Close()
	}
	l.conns = nil
}

func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.whole)
}

// counter is a log that counts the records whose attributes contain a text.
type counter struct {
	text string
	mu   sync.Mutex
	n    int
}

func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func (c *counter) Enabled(context.Context, slog.Level) bool { return true }
func (c *counter) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c *counter) WithGroup(string) slog.Handler            { return c }
func (c *counter) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(a slog.Attr) bool {
		if strings.Contains(a.Value.String(), c.text) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.n++
		}
		return true
	})
	return nil
}
