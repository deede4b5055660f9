package safety

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/juju/worker/v3"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"

	"github.com/unit-agent/unit-agent/store/etcdtest"
	"github.com/unit-agent/unit-agent/uniter/leadership"
)

// candidates is how many want to lead: one does, the others wait.
const candidates = 3

// BenchmarkHandover measures from the moment at which the leader is told to stop to the one at which another knows that it leads.
func BenchmarkHandover(b *testing.B) {
	cluster := etcdtest.NewCluster(b, 3)
	b.Run("tracker", func(b *testing.B) {
		ring := newTrackers(b, cluster)
		defer ring.stop()
		measure(b, "ms", func() time.Duration {
			leader := ring.settle()
			begin := time.Now()
			ok(b, worker.Stop(leader.tracker))
			ok(b, leader.stack.revoker.Revoke(application, leader.unit))
			ring.next(leader)
			took := time.Since(begin)
			leader.start()
			return took
		})
	})
	b.Run("election", func(b *testing.B) {
		ring := newElections(b, cluster)
		defer ring.stop()
		measure(b, "ms", func() time.Duration {
			leader := ring.settle()
			begin := time.Now()
			ok(b, leader.election.Resign(b.Context()))
			ring.next(leader)
			took := time.Since(begin)
			leader.campaign()
			return took
		})
	})
}

// BenchmarkKilled measures from the moment at which a leader loses its connection, as when its process is killed, to the one at which another
// knows that it leads; and for the tracker, which can tell, from the end of the lease that the leader had.
func BenchmarkKilled(b *testing.B) {
	cluster := etcdtest.NewCluster(b, 3)
	b.Run("tracker", func(b *testing.B) {
		ring := newTrackers(b, cluster)
		defer ring.stop()
		var past []time.Duration
		measure(b, "ms", func() time.Duration {
			leader := ring.settle()
			begin := time.Now()
			ok(b, leader.stack.client.Close())
			ring.next(leader)
			followed := time.Now()
			past = append(past, followed.Sub(leader.claimed().Add(2*duration)))
			leader.bury()
			leader.revive()
			return followed.Sub(begin)
		})
		report(b, "ms-past-lease", past)
	})
	b.Run("election", func(b *testing.B) {
		ring := newElections(b, cluster)
		defer ring.stop()
		measure(b, "ms", func() time.Duration {
			leader := ring.settle()
			begin := time.Now()
			ok(b, leader.client.Close())
			ring.next(leader)
			took := time.Since(begin)
			leader.revive()
			return took
		})
	})
}

func measure(b *testing.B, unit string, once func() time.Duration) {
	var took []time.Duration
	for b.Loop() {
		took = append(took, once())
	}
	b.ReportMetric(0, "ns/op") // most of an iteration is not what is measured
	report(b, unit, took)
}

func report(b *testing.B, unit string, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e6, unit+"-p50")
	b.ReportMetric(float64(took[len(took)-1])/1e6, unit+"-max")
}

// trackers are agents' leaderships, all after the same.
type trackers struct {
	b       testing.TB
	cluster *etcdtest.Cluster
	all     []*tracked
}

type tracked struct {
	ring    *trackers
	unit    string
	stack   *stack
	tracker *leadership.TrackerWorker
	sent    atomic.Pointer[time.Time] // when the claim was sent that was granted last
}

func newTrackers(b testing.TB, cluster *etcdtest.Cluster) *trackers {
	r := &trackers{b: b, cluster: cluster}
	for i := range candidates {
		c := &tracked{ring: r, unit: fmt.Sprint(application, "/", i)}
		c.revive()
		r.all = append(r.all, c)
	}
	return r
}

// revive gives the candidate a client of its own, and starts it.
func (c *tracked) revive() {
	var err error
	c.stack, err = newStack(c.ring.cluster.Client(), 5*time.Second)
	ok(c.ring.b, err)
	c.start()
}

func (c *tracked) start() {
	c.tracker = c.stack.track(c.unit, func(claimer leadership.ContextClaimer) leadership.ContextClaimer {
		return observedClaimer{claimer, c}
	})
}

func (c *tracked) claimed() time.Time { return *c.sent.Load() }

// bury stops what is left of a candidate whose client is closed: the manager first, because a claim may be under way that will have no answer for long.
func (c *tracked) bury() {
	for _, w := range []worker.Worker{c.stack.manager, c.tracker, c.stack.store} {
		w.Kill()
		_ = w.Wait()
	}
}

type observedClaimer struct {
	leadership.ContextClaimer
	by *tracked
}

func (c observedClaimer) ClaimLeadership(application, unit string, d time.Duration) error {
	sent := time.Now()
	err := c.ContextClaimer.ClaimLeadership(application, unit, d)
	if err == nil {
		c.by.sent.Store(&sent)
	}
	return err
}

// settle waits until one leads and the others were denied, and returns the one.
func (r *trackers) settle() *tracked {
	leader := r.next(nil)
	for _, c := range r.all {
		if c != leader && c.tracker.ClaimLeader().Wait() {
			r.b.Fatal("two lead")
		}
	}
	return leader
}

// next waits until one leads that is not the former.
func (r *trackers) next(former *tracked) *tracked {
	r.b.Helper()
	leads := make(chan *tracked, len(r.all))
	for _, c := range r.all {
		if c != former {
			ticket := c.tracker.WaitLeader()
			go func() {
				if ticket.Wait() {
					leads <- c
				}
			}()
		}
	}
	return first(r.b, leads)
}

func first[T any](b testing.TB, c <-chan T) T {
	b.Helper()
	select {
	case x := <-c:
		return x
	case <-time.After(watchdog):
		b.Fatal("nobody leads")
		panic("not reached")
	}
}

func (r *trackers) stop() {
	for _, c := range r.all {
		ok(r.b, worker.Stop(c.tracker))
		_ = c.stack.revoker.Revoke(application, c.unit)
		ok(r.b, c.stack.stop())
	}
}

// elections are candidates of etcd's own election.
type elections struct {
	b       testing.TB
	cluster *etcdtest.Cluster
	client  *clientv3.Client
	all     []*elected
	leads   chan *elected
}

type elected struct {
	ring     *elections
	client   *clientv3.Client
	session  *concurrency.Session
	election *concurrency.Election
	waiting  chan struct{} // closed when a campaign has ended
	cancel   context.CancelFunc
}

func newElections(b testing.TB, cluster *etcdtest.Cluster) *elections {
	r := &elections{b: b, cluster: cluster, client: cluster.Client(), leads: make(chan *elected, candidates)}
	for range candidates {
		c := &elected{ring: r}
		c.revive()
		r.all = append(r.all, c)
	}
	return r
}

func (c *elected) revive() {
	c.client = c.ring.cluster.Client()
	var err error
	c.session, err = concurrency.NewSession(c.client, concurrency.WithTTL(int(2*duration/time.Second)))
	ok(c.ring.b, err)
	c.campaign()
}

func (c *elected) campaign() {
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel, c.waiting = cancel, make(chan struct{})
	c.election = concurrency.NewElection(c.session, "/election")
	go func() {
		defer close(c.waiting)
		if c.election.Campaign(ctx, "") == nil {
			c.ring.leads <- c
		}
	}()
}

// settle waits until one leads and the others have entered the election, and returns the one.
func (r *elections) settle() *elected {
	leader := first(r.b, r.leads)
	for entered := 0; entered < candidates; {
		response, err := r.client.Get(context.Background(), "/election", clientv3.WithPrefix(), clientv3.WithCountOnly())
		ok(r.b, err)
		entered = int(response.Count)
	}
	return leader
}

// next waits until one leads that is not the former.
func (r *elections) next(former *elected) {
	r.b.Helper()
	leader := first(r.b, r.leads)
	if leader == former {
		r.b.Fatal("the former leader leads")
	}
	r.leads <- leader
}

func (r *elections) stop() {
	for _, c := range r.all {
		c.cancel()
		<-c.waiting
		ok(r.b, c.session.Close())
	}
}
