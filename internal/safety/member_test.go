package safety

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
)

// memberConfig is what a process needs to be a member of the cluster.
type memberConfig struct {
	Name, Dir string
	Peer      string // where the others reach it
	Cluster   string // all members, as etcd wants them
}

// memberMain serves as a member of etcd. It says where it listens and, when it has joined, that it is ready.
func memberMain(encoded string) error {
	stop := untilStdinEnds()
	var config memberConfig
	if err := json.Unmarshal([]byte(encoded), &config); err != nil {
		return err
	}
	wal.SegmentSizeBytes = 4 << 20
	c := embed.NewConfig()
	c.Name, c.Dir = config.Name, config.Dir
	anywhere := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	c.ListenPeerUrls, c.ListenClientUrls = []url.URL{anywhere}, []url.URL{anywhere}
	c.AdvertisePeerUrls = []url.URL{{Scheme: "http", Host: config.Peer}}
	c.AdvertiseClientUrls = c.AdvertisePeerUrls // nobody asks
	c.InitialCluster = config.Cluster
	c.EnableGRPCGateway = false
	c.TickMs, c.ElectionMs = 50, 500
	c.UnsafeNoFsync = true // killing a process loses nothing that was written
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	e, err := embed.StartEtcd(c)
	if err != nil {
		return err
	}
	fmt.Println(e.Server.MemberID(), e.Peers[0].Addr(), e.Clients[0].Addr())
	select {
	case <-e.Server.ReadyNotify():
	case <-stop:
		return nil
	}
	fmt.Println("ready")
	select {
	case <-stop:
		return nil
	case err := <-e.Err():
		return fmt.Errorf("member ended: %w", err)
	}
}

// member is a member of the cluster, in a process of its own.
type member struct {
	config  memberConfig
	network *network
	id      string
	process *child
}

// nodes are the names that the member has in the network.
func (m *member) nodes() []string { return []string{m.config.Name, m.id} }

// doors of the network to a member.
func peerDoor(member string) string   { return member + "/peers" }
func clientDoor(member string) string { return member + "/clients" }

// start starts the member; joined waits until it is of use, for which others must have been started too.
func (m *member) start() error {
	process, err := startChild("member", m.config)
	if err != nil {
		return err
	}
	m.process = process
	said, err := process.hear()
	if err != nil || len(said) != 3 {
		return fmt.Errorf("member %s said %q: %v", m.config.Name, said, err)
	}
	m.id = said[0]
	m.network.lead(peerDoor(m.config.Name), said[1])
	m.network.lead(clientDoor(m.config.Name), said[2])
	return nil
}

func (m *member) joined() error {
	if said, err := m.process.hear(); err != nil || len(said) != 1 {
		return fmt.Errorf("member %s said %q: %v", m.config.Name, said, err)
	}
	return nil
}

func (m *member) kill() error {
	m.network.lead(peerDoor(m.config.Name), "")
	m.network.lead(clientDoor(m.config.Name), "")
	return m.process.kill()
}

// cluster is three members over a network.
type cluster struct {
	network *network
	members []*member
}

func startCluster(dir string, n *network) (*cluster, error) {
	c := &cluster{network: n}
	var all []string
	for i := range 3 {
		name := fmt.Sprint("m", i)
		peer, err := n.door(peerDoor(name), "", name)
		if err != nil {
			return nil, err
		}
		all = append(all, name+"=http://"+peer)
		home := filepath.Join(dir, name)
		if err := os.Mkdir(home, 0o700); err != nil {
			return nil, err
		}
		c.members = append(c.members, &member{config: memberConfig{Name: name, Dir: home, Peer: peer}, network: n})
	}
	for _, m := range c.members {
		m.config.Cluster = strings.Join(all, ",")
		if err := m.start(); err != nil {
			return c, err
		}
	}
	var errs []error
	for _, m := range c.members {
		errs = append(errs, m.joined())
	}
	return c, errors.Join(errs...)
}

// endpoints opens doors for a node to each member.
func (c *cluster) endpoints(node string) ([]string, error) {
	var all []string
	for _, m := range c.members {
		address, err := c.network.door(clientDoor(m.config.Name), node, m.config.Name)
		if err != nil {
			return nil, err
		}
		all = append(all, "http://"+address)
	}
	return all, nil
}

// kill ends all members, paused ones too.
func (c *cluster) kill() {
	for _, m := range c.members {
		if m.process != nil {
			_ = m.process.kill()
		}
	}
}

// leader returns the member that leads etcd, if one of those that answer knows.
func (c *cluster) leader(client *clientv3.Client) *member {
	for _, endpoint := range client.Endpoints() {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		status, err := client.Status(ctx, endpoint)
		cancel()
		if err != nil {
			continue
		}
		for _, m := range c.members {
			if m.id == fmt.Sprintf("%x", status.Leader) {
				return m
			}
		}
	}
	return nil
}

func newClient(endpoints []string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: endpoints, Logger: zap.NewNop()})
}
