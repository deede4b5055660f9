package safety

import (
	"context"

	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// faults makes things go wrong for members and for agents, at the same time, until it is told to stop. Each fault is over before the next
// of its side begins.
type faults struct {
	cluster *cluster
	fleet   *fleet
	witness *witness

	mu   sync.Mutex
	done map[string]int
	log  []string // which fault lasted from when to when, by the clock of the journals
	err  error
}

var (
	memberFaults = map[string]func(*faults, *rand.Rand) error{
		"member killed":  (*faults).killMember,
		"member paused":  (*faults).pauseMember,
		"member cut off": (*faults).cutMember,
		"quorum paused":  (*faults).pauseQuorum,
	}
	agentFaults = map[string]func(*faults, *rand.Rand) error{
		"agent killed":  (*faults).killAgent,
		"agent paused":  (*faults).pauseAgent,
		"agent cut off": (*faults).cutAgent,
		"agent stopped": (*faults).stopAgent,
	}
)

// run returns when ctx is done, the fault is over that was on then, and each has happened once.
func (f *faults) run(ctx context.Context, seed uint64) error {
	f.done = make(map[string]int)
	var sides sync.WaitGroup
	for i, side := range []map[string]func(*faults, *rand.Rand) error{memberFaults, agentFaults} {
		chance := rand.New(rand.NewPCG(seed, uint64(i)))
		sides.Go(func() { f.runSide(ctx, side, chance) })
	}
	sides.Wait()
	return f.err
}

func (f *faults) runSide(ctx context.Context, side map[string]func(*faults, *rand.Rand) error, chance *rand.Rand) {
	names := slices.Sorted(maps.Keys(side))
	for round := 0; round == 0 || ctx.Err() == nil; round++ {
		chance.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names {
			if round > 0 && ctx.Err() != nil {
				return
			}
			last(between(chance, 300*time.Millisecond, time.Second))
			begin := now()
			err := side[name](f, chance)
			f.mu.Lock()
			f.log = append(f.log, fmt.Sprintf("%s from %.3f to %.3f", name, float64(begin)/1e9, float64(now())/1e9))
			f.done[name]++
			if err != nil && f.err == nil {
				f.err = fmt.Errorf("%s: %w", name, err)
			}
			failed := f.err != nil
			f.mu.Unlock()
			if failed {
				return
			}
		}
	}
}

func between(chance *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(chance.Int64N(int64(most-least)))
}

// last lets a fault last, or a time without any.
func last(d time.Duration) { time.Sleep(d) }

// pastLease is longer than a lease, mostly not by much.
func pastLease(chance *rand.Rand) time.Duration {
	return 2*duration + between(chance, 100*time.Millisecond, duration)
}

// member picks the leader of etcd more often than another.
func (f *faults) member(chance *rand.Rand) *member {
	if chance.IntN(3) > 0 {
		if leader := f.cluster.leader(f.witness.client); leader != nil {
			return leader
		}
	}
	return f.cluster.members[chance.IntN(len(f.cluster.members))]
}

// agent picks the one that leads, if there is one.
func (f *faults) agent(chance *rand.Rand) *agentProcess {
	unit, _ := f.witness.leader()
	if a := f.fleet.agent(unit); a != nil && chance.IntN(5) > 0 {
		return a
	}
	return f.fleet.agents[chance.IntN(len(f.fleet.agents))]
}

func (f *faults) killMember(chance *rand.Rand) error {
	m := f.member(chance)
	if err := m.kill(); err != nil {
		return err
	}
	last(between(chance, 100*time.Millisecond, time.Second))
	if err := m.start(); err != nil {
		return err
	}
	return m.joined()
}

// pauseMember pauses a follower for as long as it likes, but etcd's leader for less than an election takes, unless told otherwise: a leader that
// wakes up after another was elected does not know of it for a moment, finds the leases over that it could not see renewed, and has the
// cluster revoke them. What etcd does against that (its issue 15247) looks at the last tick, which comes at once after a pause.
func (f *faults) pauseMember(chance *rand.Rand) error {
	m, leader := f.member(chance), f.cluster.leader(f.witness.client)
	d := between(chance, 500*time.Millisecond, 3*time.Second)
	if !*longPauses && (leader == nil || leader == m) {
		d = between(chance, 100*time.Millisecond, 400*time.Millisecond)
	}
	return pause(d, m.process)
}

// pauseQuorum leaves the cluster unable to answer, for longer than a guarantee sometimes.
func (f *faults) pauseQuorum(chance *rand.Rand) error {
	i := chance.IntN(3)
	return pause(between(chance, 500*time.Millisecond, 3*time.Second), f.cluster.members[i].process, f.cluster.members[(i+1)%3].process)
}

func (f *faults) cutMember(chance *rand.Rand) error {
	m := f.member(chance)
	f.cluster.network.cut(m.nodes()...)
	last(between(chance, 500*time.Millisecond, 3*time.Second))
	f.cluster.network.heal(m.nodes()...)
	return nil
}

func pause(d time.Duration, processes ...*child) error {
	for _, p := range processes {
		if err := p.pause(); err != nil {
			return err
		}
	}
	last(d)
	for _, p := range processes {
		if err := p.resume(); err != nil {
			return err
		}
	}
	return nil
}

func (f *faults) killAgent(chance *rand.Rand) error {
	a := f.agent(chance)
	if err := a.kill(); err != nil {
		return err
	}
	last(between(chance, 0, 3*duration)) // it may come back to its own lease
	return a.start()
}

func (f *faults) pauseAgent(chance *rand.Rand) error {
	return pause(pastLease(chance), f.agent(chance).process)
}

func (f *faults) cutAgent(chance *rand.Rand) error {
	a := f.agent(chance)
	f.cluster.network.cut(a.config.Unit)
	last(pastLease(chance))
	f.cluster.network.heal(a.config.Unit)
	return nil
}

func (f *faults) stopAgent(chance *rand.Rand) error {
	a := f.agent(chance)
	if err := a.stop(); err != nil {
		return err
	}
	return a.start()
}
