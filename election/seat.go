package election

import (
	"errors"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// place is what at most one Run goes on for: both would have the same key, and both would win.
type place struct {
	client *clientv3.Client
	lease  clientv3.LeaseID
	path   string
}

// seat is the state of a place that is in use.
type seat struct {
	place place

	// running and sweeping are guarded by seats. A seat with neither is not kept.
	running, sweeping bool
}

var seats = struct {
	sync.Mutex
	taken map[place]*seat
}{taken: make(map[place]*seat)}

var errRunning = errors.New("cannot run: it is being run on this session already")

// take gives a call of Run the seat.
func (e *Election) take() (*seat, error) {
	p := place{e.client, e.session.Lease(), e.path}
	seats.Lock()
	defer seats.Unlock()
	s := seats.taken[p]
	if s == nil {
		s = &seat{place: p}
		seats.taken[p] = s
	}
	if s.running {
		return nil, errRunning
	}
	s.running = true
	return s, nil
}

func (s *seat) free() { s.clear(func() { s.running = false }) }

// clear changes the state, and forgets a seat that is not in use.
func (s *seat) clear(change func()) {
	seats.Lock()
	defer seats.Unlock()
	change()
	if !s.running && !s.sweeping {
		delete(seats.taken, s.place)
	}
}

// sweep removes, until the session has ended, each key that stands there without a Run. It has a goroutine of its own, which ends with the session.
func (s *seat) sweep(e *Election) {
	seats.Lock()
	defer seats.Unlock()
	if s.sweeping {
		return
	}
	s.sweeping = true
	go func() {
		defer s.clear(func() { s.sweeping = false })
		ctx := e.session.Ctx()
		for ctx.Err() == nil {
			if s.isRunning() {
				pause(ctx, tryAgain)
				continue
			}
			// A Run that starts meanwhile removes what it finds, too, and writes a key of another revision.
			revision, err := e.clear(ctx)
			if err != nil {
				pause(ctx, time.Second)
				continue
			}
			await(ctx, e.client, revision, []string{e.key()})
		}
	}()
}

func (s *seat) isRunning() bool {
	seats.Lock()
	defer seats.Unlock()
	return s.running
}
