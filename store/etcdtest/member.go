package etcdtest

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/etcdhttp"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc"
)

// clusterToken is the same for all clusters: their addresses differ.
const clusterToken = "etcdtest"

// Member is one member of a Cluster.
type Member struct {
	cluster      *Cluster
	name, dir    string
	peer, client string // host:port
	id           types.ID

	peers, clients *gate // closed while the member is isolated from them

	mu    sync.Mutex
	etcd  *embed.Etcd // nil while stopped
	grpc  *grpc.Server
	http  *http.Server
	conns *connSet
}

func newMember(c *Cluster, name, ip, dir string) (*Member, error) {
	m := &Member{cluster: c, name: name, dir: dir, peers: newGate(), clients: newGate()}
	for _, addr := range []*string{&m.peer, &m.client} {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
		if err != nil {
			return nil, err
		}
		// Members that start look for others first; a listener that nobody serves would keep them waiting.
		defer l.Close()
		*addr = l.Addr().String()
	}
	urls := types.MustNewURLs([]string{"http://" + m.peer})
	m.id = membership.NewMember(name, urls, clusterToken, nil).ID
	return m, nil
}

// Endpoint is the member's client URL.
func (m *Member) Endpoint() string { return "http://" + m.client }

// ID is the member's id in the cluster.
func (m *Member) ID() uint64 { return uint64(m.id) }

// Stop stops the member cleanly: a leader hands over first. Stopping a stopped one does nothing.
func (m *Member) Stop() { m.stop(true) }

// Kill stops the member without a word to the others, who miss it after the election timeout.
func (m *Member) Kill() { m.stop(false) }

// Start starts a stopped member on its old data and waits until it serves, which takes a majority.
func (m *Member) Start() {
	m.cluster.t.Helper()
	if err := m.start(); err != nil {
		m.cluster.t.Fatalf("cannot start member %s: %v", m.name, err)
	}
}

// Isolate cuts the member off from the other members and from clients. No connection breaks:
// what is sent either way is held until Heal, as when the member's machine is paused or
// a cable is out.
func (m *Member) Isolate() {
	m.peers.shut()
	m.clients.shut()
}

// IsolateFromPeers cuts the member off from the other members only. Clients still reach it.
func (m *Member) IsolateFromPeers() { m.peers.shut() }

// Heal ends an isolation.
func (m *Member) Heal() {
	m.peers.open()
	m.clients.open()
}

// leader returns whom the member takes for the leader, and whether its opinion counts.
func (m *Member) leader() (id uint64, up bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.etcd == nil || m.peers.isShut() {
		return 0, false
	}
	return m.etcd.Server.Lead(), true
}

func (m *Member) start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.etcd != nil {
		return errors.New("it is running")
	}
	e, err := embed.StartEtcd(m.config())
	if err != nil {
		return err
	}
	m.etcd, m.conns = e, newConnSet()
	if err := m.servePeers(); err != nil {
		return err
	}
	select {
	case <-e.Server.ReadyNotify():
	case <-time.After(watchdog):
		return errors.New("it does not get ready")
	}
	return m.serveClients()
}

func (m *Member) servePeers() error {
	l, err := net.Listen("tcp", m.peer)
	if err != nil {
		return err
	}
	handler := etcdhttp.NewPeerHandler(zap.NewNop(), m.etcd.Server)
	m.http = &http.Server{
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			m.markSender(r)
			handler.ServeHTTP(w, r)
		}),
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go m.http.Serve(m.conns.listener(l, m.peers))
	return nil
}

type connKey struct{}

// markSender lets an isolation of the member that sent r hold the connection too. Members
// dial each other on their own, so that the receiving side is where both can be held.
func (m *Member) markSender(r *http.Request) {
	conn := r.Context().Value(connKey{}).(*gatedConn)
	for _, other := range m.cluster.members {
		if other != m && other.id.String() == r.Header.Get("X-Server-From") {
			conn.add(other.peers)
			conn.wait()
		}
	}
}

func (m *Member) serveClients() error {
	l, err := net.Listen("tcp", m.client)
	if err != nil {
		return err
	}
	m.grpc = v3rpc.Server(m.etcd.Server, nil, nil)
	go m.grpc.Serve(m.conns.listener(l, m.clients))
	return nil
}

func (m *Member) stop(handOver bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.etcd == nil {
		return
	}
	if !handOver {
		m.conns.closeAll()
	}
	if m.grpc != nil {
		m.grpc.Stop()
	}
	if handOver {
		m.etcd.Close()
	} else {
		m.etcd.Server.HardStop()
	}
	m.conns.closeAll()
	if m.http != nil {
		m.http.Close()
	}
	m.etcd, m.grpc, m.http = nil, nil, nil
}

func (m *Member) config() *embed.Config {
	c := embed.NewConfig()
	c.Name, c.Dir = m.name, m.dir
	c.ListenPeerUrls, c.ListenClientUrls = nil, nil
	c.AdvertisePeerUrls = []url.URL{{Scheme: "http", Host: m.peer}}
	c.AdvertiseClientUrls = []url.URL{{Scheme: "http", Host: m.client}}
	var all []string
	for _, m := range m.cluster.members {
		all = append(all, m.name+"=http://"+m.peer)
	}
	c.InitialCluster = strings.Join(all, ",")
	c.InitialClusterToken = clusterToken
	c.EnableGRPCGateway = false
	c.TickMs, c.ElectionMs = 50, 500
	c.UnsafeNoFsync = true
	c.WarningUnaryRequestDuration = watchdog
	// Only what ends the process is worth a line.
	core := zapcore.NewCore(zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()), os.Stderr, zapcore.DPanicLevel)
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.New(core))
	return c
}
