package leadership_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/juju/clock"
	"github.com/juju/names/v4"

	"github.com/unit-agent/unit-agent/uniter/leadership"
)

const (
	simUnits    = 5
	simTime     = 2 * time.Hour
	simDuration = 10 * time.Second
)

// Trackers over one simulated store, with random delays, errors, lost answers, false releases, stops and restarts: no
// two units' tickets overlap in what they guarantee, and once the faults end there is a leader. Time is synctest's.
func TestSimulationGuaranteesNeverOverlap(t *testing.T) {
	var total simCounts
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &simulation{t: t, seed: seed}
				s.store = &simStore{counts: &s.counts}
				s.run()
				total.add(&s.counts)
			})
		})
	}
	t.Log(total.String())
	// A quiet run proves nothing.
	for name, count := range total.all() {
		if count.Load() < 100 {
			t.Errorf("only %d %s", count.Load(), name)
		}
	}
}

// simCounts is what happened.
type simCounts struct {
	trues, reasked, terms, denied, unknown, late, lost, stops atomic.Int64
}

func (c *simCounts) all() map[string]*atomic.Int64 {
	return map[string]*atomic.Int64{
		"true answers": &c.trues, "tickets true when asked again": &c.reasked, "changes of leader": &c.terms,
		"denied claims": &c.denied, "claims of unknown outcome": &c.unknown, "claims that outlast their lease": &c.late,
		"leaders that found out that they are none": &c.lost, "stopped trackers": &c.stops,
	}
}

func (c *simCounts) add(other *simCounts) {
	others := other.all()
	for name, count := range c.all() {
		count.Add(others[name].Load())
	}
}

func (c *simCounts) String() string {
	var s string
	for name, count := range c.all() {
		s += fmt.Sprintf("%d %s; ", count.Load(), name)
	}
	return s
}

// simStore holds one lease. Its delays and faults are drawn by the claimers.
type simStore struct {
	counts *simCounts
	healed atomic.Bool

	mu     sync.Mutex
	holder string
	expiry time.Time
}

func (s *simStore) claim(unit string, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.holder != unit && now.Before(s.expiry) {
		s.counts.denied.Add(1)
		return leadership.ErrClaimDenied
	}
	if s.holder != unit {
		s.counts.terms.Add(1)
	}
	s.holder, s.expiry = unit, now.Add(d)
	return nil
}

func (s *simStore) revoke(unit string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holder == unit {
		s.holder, s.expiry = "", time.Time{}
	}
}

func (s *simStore) free() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !time.Now().Before(s.expiry)
}

// holds tells whether the unit has the lease now, and until when.
func (s *simStore) holds(unit string) (bool, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.holder == unit && time.Now().Before(s.expiry), s.expiry
}

// simClaimer is one unit's way to the store.
type simClaimer struct {
	store *simStore
	mu    sync.Mutex
	rand  *rand.Rand
}

func (c *simClaimer) chance(percent int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.store.healed.Load() && c.rand.IntN(100) < percent
}

// delay sleeps for up to most.
func (c *simClaimer) delay(most time.Duration) {
	c.mu.Lock()
	d := draw(c.rand, most)
	c.mu.Unlock()
	time.Sleep(d)
}

// draw returns a duration below most.
func draw(random *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(most)))
}

// travel is one way through the network.
func (c *simClaimer) travel() {
	switch {
	case c.chance(1):
		c.delay(6 * simDuration)
	case c.chance(5):
		c.delay(simDuration)
	default:
		c.delay(50 * time.Millisecond)
	}
}

func (c *simClaimer) ClaimLeadership(_, unit string, d time.Duration) error {
	sent := time.Now()
	defer func() {
		if time.Since(sent) >= d {
			c.store.counts.late.Add(1)
		}
	}()
	c.travel()
	if c.chance(3) {
		c.store.counts.unknown.Add(1)
		return errors.New("request lost")
	}
	err := c.store.claim(unit, d)
	c.travel()
	if c.chance(3) {
		c.store.counts.unknown.Add(1)
		return errors.New("answer lost")
	}
	return err
}

func (c *simClaimer) BlockUntilLeadershipReleased(application string) error {
	return c.WaitLeadershipReleased(context.Background(), application)
}

// WaitLeadershipReleased polls, which in a simulation costs nothing.
func (c *simClaimer) WaitLeadershipReleased(ctx context.Context, _ string) error {
	for !c.store.free() {
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		if c.chance(1) {
			if c.chance(50) {
				return errors.New("connection lost")
			}
			return nil // it is not true
		}
	}
	return nil
}

// offsetClock shows another time than the others, but runs at their rate.
type offsetClock struct {
	clock.Clock
	offset time.Duration
}

func (c offsetClock) Now() time.Time { return c.Clock.Now().Add(c.offset) }

// guarantee says that a ticket promised unit the leadership.
type guarantee struct {
	unit        string
	from, until time.Time
}

type simulation struct {
	t      *testing.T
	seed   uint64
	store  *simStore
	counts simCounts

	mu         sync.Mutex
	guarantees []guarantee
}

func (s *simulation) run() {
	stop := make(chan struct{})
	var agents sync.WaitGroup
	for i := range simUnits {
		agents.Go(func() { s.agent(i, stop) })
	}
	time.Sleep(simTime)
	s.store.healed.Store(true)
	// What is on its way may take long to arrive; after that somebody leads all the time.
	time.Sleep(20 * simDuration)
	for range 100 {
		time.Sleep(simDuration / 3)
		if s.store.free() {
			s.t.Errorf("nobody leads though the store works")
			break
		}
	}
	close(stop)
	agents.Wait()
	s.check()
}

// agent runs a unit's trackers, one after the other, until stop is closed.
func (s *simulation) agent(i int, stop <-chan struct{}) {
	tag := names.NewUnitTag(fmt.Sprintf("wordpress/%d", i))
	random := rand.New(rand.NewPCG(s.seed, uint64(i)))
	claimer := &simClaimer{store: s.store, rand: rand.New(rand.NewPCG(s.seed, uint64(100+i)))}
	clock := offsetClock{clock.WallClock, time.Duration(i) * 7 * time.Minute}
	for {
		var use leadership.Claimer = claimer
		if random.IntN(3) > 0 {
			use = leadership.NewRetryingClaimer(claimer, clock)
		}
		tracker := leadership.NewTracker(tag, use, clock, simDuration)
		dead := make(chan error, 1)
		go func() { dead <- tracker.Wait() }()
		askers := s.startAskers(tag.Id(), tracker, random)

		var stopped bool
		select {
		case <-dead:
		case <-stop:
			stopped = true
		case <-time.After(draw(random, 200*simDuration)):
			if s.store.healed.Load() {
				<-stop
				stopped = true
			}
		}
		s.counts.stops.Add(1)
		askers.stop() // the last hook has ended
		tracker.Kill()
		_ = tracker.Wait()
		if random.IntN(2) == 0 || stopped {
			s.revoke(tag.Id())
		}
		if stopped {
			return
		}
		time.Sleep(draw(random, simDuration))
	}
}

// revoke gives the unit's lease up after its tracker has stopped: what was guaranteed ends here.
func (s *simulation) revoke(unit string) {
	s.store.revoke(unit)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for i, g := range s.guarantees {
		if g.unit == unit && g.until.After(now) {
			s.guarantees[i].until = now
		}
	}
}

type askers struct {
	stopping chan struct{}
	running  sync.WaitGroup
}

func (a *askers) stop() {
	close(a.stopping)
	a.running.Wait()
}

func (s *simulation) startAskers(unit string, tracker *leadership.TrackerWorker, random *rand.Rand) *askers {
	a := &askers{stopping: make(chan struct{})}
	for range 4 {
		random := rand.New(rand.NewPCG(random.Uint64(), 0))
		a.running.Go(func() { s.ask(unit, tracker, random, a.stopping) })
	}
	return a
}

func (s *simulation) ask(unit string, tracker *leadership.TrackerWorker, random *rand.Rand, stop <-chan struct{}) {
	kinds := []func() leadership.Ticket{tracker.ClaimLeader, tracker.ClaimLeader, tracker.WaitLeader, tracker.WaitMinion}
	var held leadership.Ticket
	for {
		select {
		case <-time.After(draw(random, simDuration)):
		case <-stop:
			return
		}
		if held != nil && held.Wait() {
			s.counts.reasked.Add(1)
			if holds, _ := s.store.holds(unit); !holds {
				s.t.Errorf("%s: old ticket says true, but the lease is not held", unit)
			}
		}
		kind := random.IntN(len(kinds))
		ticket := kinds[kind]()
		select {
		case <-ticket.Ready():
		case <-time.After(3 * simDuration):
			continue // enough of a ticket that waits
		case <-stop:
			return
		}
		if !ticket.Wait() {
			continue
		}
		if kind == 3 {
			s.counts.lost.Add(1)
			continue
		}
		held = ticket
		s.sawTrue(unit)
	}
}

// sawTrue checks a ticket that has just been answered with true against the store, and keeps what it guarantees.
func (s *simulation) sawTrue(unit string) {
	s.counts.trues.Add(1)
	now := time.Now()
	until := now.Add(simDuration)
	if holds, expiry := s.store.holds(unit); !holds || expiry.Before(until) {
		s.t.Errorf("%s: ticket says true at %s, but the lease is held: %v, until %s", unit, now, holds, expiry)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guarantees = append(s.guarantees, guarantee{unit, now, until})
}

// check compares guarantees with each other; they were kept in the order in which they began.
func (s *simulation) check() {
	last := make(map[string]guarantee)
	for _, g := range s.guarantees {
		for unit, other := range last {
			if unit != g.unit && g.from.Before(other.until) {
				s.t.Errorf("%s is guaranteed %s until %s, but %s from %s", unit, other.from, other.until, g.unit, g.from)
			}
		}
		last[g.unit] = g
	}
}
