package etcdtest

import (
	"net"
	"sync"
)

// gate holds traffic while it is shut.
type gate struct {
	mu     sync.Mutex
	opened chan struct{} // closed while the gate is open
}

func newGate() *gate {
	g := &gate{opened: make(chan struct{})}
	close(g.opened)
	return g
}

func (g *gate) isShut() bool {
	select {
	case <-g.passage():
		return false
	default:
		return true
	}
}

func (g *gate) passage() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.opened
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.opened:
		g.opened = make(chan struct{})
	default:
	}
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

// gatedConn passes data only while all its gates are open.
type gatedConn struct {
	net.Conn
	set    *connSet
	once   sync.Once
	closed chan struct{}

	mu    sync.Mutex
	gates []*gate
}

func (c *gatedConn) add(g *gate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, have := range c.gates {
		if have == g {
			return
		}
	}
	c.gates = append(c.gates, g)
}

// wait returns when every gate is open or the connection is closed.
func (c *gatedConn) wait() {
	for {
		shut := c.firstShut()
		if shut == nil {
			return
		}
		select {
		case <-shut.passage():
		case <-c.closed:
			return
		}
	}
}

func (c *gatedConn) firstShut() *gate {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range c.gates {
		if g.isShut() {
			return g
		}
	}
	return nil
}

func (c *gatedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.wait() // after: it may have been shut while the read waited
	return n, err
}

func (c *gatedConn) Write(b []byte) (int, error) {
	c.wait()
	return c.Conn.Write(b)
}

func (c *gatedConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.set.remove(c)
	})
	return c.Conn.Close()
}

// connSet knows the connections that a member accepted.
type connSet struct {
	mu    sync.Mutex
	done  bool
	conns map[*gatedConn]bool
}

func newConnSet() *connSet { return &connSet{conns: map[*gatedConn]bool{}} }

func (s *connSet) listener(l net.Listener, g *gate) net.Listener {
	return &gatedListener{Listener: l, set: s, gate: g}
}

func (s *connSet) add(c *gatedConn) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return false
	}
	s.conns[c] = true
	return true
}

func (s *connSet) remove(c *gatedConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// closeAll closes all connections, and those yet to be accepted.
func (s *connSet) closeAll() {
	s.mu.Lock()
	s.done = true
	var all []*gatedConn
	for c := range s.conns {
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		c.Close()
	}
}

type gatedListener struct {
	net.Listener
	set  *connSet
	gate *gate
}

func (l *gatedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		g := &gatedConn{Conn: c, set: l.set, closed: make(chan struct{}), gates: []*gate{l.gate}}
		if l.set.add(g) {
			return g, nil
		}
		c.Close()
	}
}
