package election_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/unit-agent/unit-agent/election"
	"github.com/unit-agent/unit-agent/store/etcdtest"
)

// gate is what all connections of a client go through. While it is shut they hang, as if the process were paused or its machine were gone.
type gate struct {
	mu     sync.Mutex
	opened chan struct{} // closed while it is open
}

func newGate() *gate {
	g := &gate{opened: make(chan struct{})}
	close(g.opened)
	return g
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opened = make(chan struct{})
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.opened:
	default:
		close(g.opened)
	}
}

func (g *gate) pass() {
	g.mu.Lock()
	opened := g.opened
	g.mu.Unlock()
	<-opened
}

func (g *gate) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	return gated{conn, g}, err
}

type gated struct {
	net.Conn
	gate *gate
}

func (c gated) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.gate.pass()
	return n, err
}

func (c gated) Write(b []byte) (int, error) {
	c.gate.pass()
	return c.Conn.Write(b)
}

// process is a candidate with a client and a session of its own, as in a process of its own.
type process struct {
	gate    *gate
	client  *clientv3.Client
	session *concurrency.Session
	cancel  context.CancelFunc
}

func newProcess(t testing.TB, cluster *etcdtest.Cluster, ttl int) *process {
	t.Helper()
	p := &process{gate: newGate()}
	var err error
	p.client, err = clientv3.New(clientv3.Config{
		Endpoints:   cluster.Endpoints(),
		Logger:      zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(p.gate.dial)},
	})
	if err == nil {
		p.session, err = concurrency.NewSession(p.client, concurrency.WithTTL(ttl))
	}
	if err != nil {
		t.Errorf("cannot start a candidate: %v", err)
	}
	return p
}

func (p *process) end() {
	p.gate.open()
	_ = p.session.Close()
	p.client.Close()
}

// crowd is many processes that want one leadership.
type crowd struct {
	t       testing.TB
	cluster *etcdtest.Cluster
	ttl     int
	stop    context.Context
	leaders chan *process

	mu   sync.Mutex
	live context.Context // of the op that began last
}

// stand has a process stand again and again, and starts another one in the place of one that was lost.
func (c *crowd) stand(name string) {
	for c.stop.Err() == nil {
		p := newProcess(c.t, c.cluster, c.ttl)
		if c.t.Failed() {
			return
		}
		e := election.New(p.session, place, endpoint(name))
		for c.stop.Err() == nil && p.session.Ctx().Err() == nil {
			ctx, cancel := context.WithCancel(c.stop)
			p.cancel = cancel
			err := e.Run(ctx, func(ctx context.Context) error { return c.lead(ctx, p) })
			cancel()
			if errors.Is(err, election.ErrLost) {
				break
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				c.t.Errorf("campaign lost: %v", err)
			}
		}
		p.end()
	}
}

func (c *crowd) lead(ctx context.Context, p *process) error {
	c.mu.Lock()
	if c.live != nil && c.live.Err() == nil {
		c.t.Error("two lead")
	}
	c.live = ctx
	c.mu.Unlock()
	select {
	case c.leaders <- p:
	case <-ctx.Done():
	}
	<-ctx.Done()
	return nil
}

// manyLeaders has the leader of a crowd go, again and again: one time cleanly, one time without a word. There is one leader at a time, and always a next one.
func manyLeaders(t *testing.T, candidates, kills int) {
	cluster := etcdtest.NewCluster(t, 3)
	stop, end := context.WithCancel(context.Background())
	c := &crowd{t: t, cluster: cluster, ttl: 2, stop: stop, leaders: make(chan *process)}
	var all sync.WaitGroup
	for i := range candidates {
		all.Go(func() { c.stand(fmt.Sprint("c", i)) })
	}
	for i := range kills {
		leader := receive(t, c.leaders)
		if i%2 == 0 {
			leader.cancel()
			continue
		}
		leader.gate.shut()
		next := receive(t, c.leaders)
		leader.gate.open()
		next.cancel()
	}
	last := receive(t, c.leaders)
	end()
	_ = last
	all.Wait()
	wantKeys(t, cluster.Client(), 0)
}

func TestManyLeaders(t *testing.T) { manyLeaders(t, 8, 6) }

func TestSoakManyLeaders(t *testing.T) {
	if os.Getenv("UNIT_AGENT_SOAK") == "" {
		t.Skip("takes minutes; UNIT_AGENT_SOAK=1 asks for it")
	}
	manyLeaders(t, 50, 200)
}

// How long it takes until the next one leads.
//
//	go test ./election -run '^$' -bench . -benchtime 5x
func BenchmarkHandOver(b *testing.B) {
	for _, way := range []string{"resign", "kill"} {
		b.Run(way, func(b *testing.B) {
			cluster := etcdtest.NewCluster(b, 1)
			const ttl = 2
			old := newProcess(b, cluster, ttl)
			defer func() { old.end() }()
			leader := run(b, election.New(old.session, place, endpoint("c")))
			leader.leads()
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				p := newProcess(b, cluster, ttl)
				next := run(b, election.New(p.session, place, endpoint(fmt.Sprint("c", i))))
				waits(b, cluster.Client(), 2)
				// The last renewal is some time ago, as it is for a process that is killed at any time.
				time.Sleep(time.Duration(i%3) * ttl * time.Second / 9)
				b.StartTimer()
				if way == "resign" {
					leader.finish <- nil
				} else {
					old.gate.shut()
				}
				next.leads()
				b.StopTimer()
				old.gate.open()
				_ = leader.ends()
				old.end()
				old, leader = p, next
				b.StartTimer()
			}
			leader.cancel()
			_ = leader.ends()
		})
	}
}
