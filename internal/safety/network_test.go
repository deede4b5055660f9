package safety

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"sync"
)

// network carries connections between named nodes, on loopback. A node can be cut off: then no connection breaks, but
// nothing passes to it or from it until it is healed, and then everything does, late.
type network struct {
	mu        sync.Mutex
	changed   chan struct{} // closed, and replaced, when anything of what follows changes
	closed    bool
	cutOff    map[string]bool
	backends  map[string]string // where a door leads, by its name; nothing while nobody is at home
	listeners []net.Listener
	conns     map[net.Conn]bool
	running   sync.WaitGroup
}

func newNetwork() *network {
	return &network{
		changed:  make(chan struct{}),
		cutOff:   make(map[string]bool),
		backends: make(map[string]string),
		conns:    make(map[net.Conn]bool),
	}
}

// door opens an address for connections of one node to another, which lead where lead says for the door's name. Nobody
// as the node that connects means that it says so itself, as members of etcd do.
func (n *network) door(name, from, to string) (address string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	n.mu.Lock()
	n.listeners = append(n.listeners, listener)
	n.mu.Unlock()
	n.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			n.running.Go(func() { n.carry(conn, name, from, to) })
		}
	})
	return listener.Addr().String(), nil
}

func (n *network) change(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	close(n.changed)
	n.changed = make(chan struct{})
}

func (n *network) lead(door, backend string) { n.change(func() { n.backends[door] = backend }) }

func (n *network) cut(nodes ...string) { n.set(true, nodes) }

func (n *network) heal(nodes ...string) { n.set(false, nodes) }

func (n *network) set(cut bool, nodes []string) {
	n.change(func() {
		for _, node := range nodes {
			n.cutOff[node] = cut
		}
	})
}

func (n *network) close() {
	n.change(func() {
		n.closed = true
		for _, listener := range n.listeners {
			_ = listener.Close()
		}
		for conn := range n.conns {
			_ = conn.Close()
		}
	})
	n.running.Wait()
}

// own has the network close a connection when it is closed itself, and returns false if it is.
func (n *network) own(conn net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns[conn] = true
	return !n.closed
}

func (n *network) disown(conn net.Conn) {
	_ = conn.Close()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, conn)
}

// pass returns when something may pass between two nodes, and where the door leads. It returns false if the network is closed.
func (n *network) pass(door, from, to string) (backend string, ok bool) {
	for {
		n.mu.Lock()
		backend, closed, changed := n.backends[door], n.closed, n.changed
		blocked := n.cutOff[from] || n.cutOff[to]
		n.mu.Unlock()
		if closed || !blocked {
			return backend, !closed
		}
		<-changed
	}
}

func (n *network) carry(conn net.Conn, door, from, to string) {
	defer n.disown(conn)
	if !n.own(conn) {
		return
	}
	var head []byte
	if from == "" {
		var err error
		if head, err = readHead(conn); err != nil {
			return
		}
		from = sender(head)
	}
	backend, ok := n.pass(door, from, to)
	if !ok || backend == "" {
		return
	}
	far, err := net.Dial("tcp", backend)
	if err != nil {
		return
	}
	defer n.disown(far)
	if !n.own(far) {
		return
	}
	if _, err := far.Write(head); err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.pump(conn, far, door, from, to)
	}()
	n.pump(far, conn, door, from, to)
	<-done
}

// pump copies until either side ends, and then ends both.
func (n *network) pump(dst, src net.Conn, door, from, to string) {
	defer dst.Close()
	defer src.Close()
	buffer := make([]byte, 32<<10)
	for {
		size, err := src.Read(buffer)
		if _, ok := n.pass(door, from, to); !ok {
			return
		}
		if _, werr := dst.Write(buffer[:size]); werr != nil || err != nil {
			return
		}
	}
}

// readHead reads the head of an HTTP request, and what comes with it.
func readHead(conn net.Conn) ([]byte, error) {
	var head []byte
	buffer := make([]byte, 4<<10)
	for len(head) < 64<<10 {
		size, err := conn.Read(buffer)
		head = append(head, buffer[:size]...)
		if bytes.Contains(head, []byte("\r\n\r\n")) {
			return head, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, errors.New("no end of HTTP head")
}

// sender returns which member of etcd sent a request, or nobody.
func sender(head []byte) string {
	for line := range strings.SplitSeq(string(head), "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(name, "X-Server-From") {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
