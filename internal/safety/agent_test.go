package safety

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/uniter/leadership"
)

const (
	// register is the key that leaders write.
	register = "/register"

	// operationTimeout leaves a renewal time for another try before the guarantee is over.
	operationTimeout = 400 * time.Millisecond
)

// agentConfig is what a process needs to be the agent of a unit.
type agentConfig struct {
	Unit      string
	Life      int // counts the processes that the unit had
	Endpoints []string
	Journal   string
	Seed      uint64
}

// written is a value of the register.
type written struct {
	Unit  string `json:"unit"`
	Token int64  `json:"token"` // of the term that fenced the write
	Value string `json:"value"` // never the same
}

// agent is an agent as far as leadership goes. While it leads it writes.
type agent struct {
	config  agentConfig
	stack   *stack
	journal *journal
	stop    <-chan struct{}
	chance  *rand.Rand // of the goroutine that observes
	writes  int
	late    sync.WaitGroup // writes that take their time
}

// agentMain leads whenever it can until it is told to stop. Then it gives up what it has, and looks whether anything is left behind.
func agentMain(encoded string) error {
	stop := untilStdinEnds()
	a := &agent{stop: stop}
	err := json.Unmarshal([]byte(encoded), &a.config)
	if err != nil {
		return err
	}
	a.chance = rand.New(rand.NewPCG(a.config.Seed, uint64(a.config.Life)))
	if a.journal, err = openJournal(a.config.Journal); err != nil {
		return err
	}
	client, err := newClient(a.config.Endpoints)
	if err != nil {
		return err
	}
	err = errors.Join(a.run(client), client.Close())
	if err != nil {
		return fmt.Errorf("%s: %w", a.config.Unit, err)
	}
	return goleak.Find()
}

func (a *agent) run(client *clientv3.Client) error {
	for {
		var err error
		a.stack, err = newStack(client, operationTimeout)
		if err == nil {
			break
		}
		if !lease.IsTimeout(err) {
			return err
		}
		if a.stopped() {
			return nil
		}
	}
	for !a.stopped() {
		a.lead()
		select {
		case <-a.stop:
		case <-time.After(50 * time.Millisecond): // a tracker that cannot claim is not worth a hot loop
		}
	}
	a.late.Wait()
	return a.stack.stop()
}

func (a *agent) stopped() bool { return isClosed(a.stop) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// lead goes through the life of one tracker. One that stops by itself does because the cluster was out of reach.
func (a *agent) lead() {
	tracker := a.stack.track(a.config.Unit, nil)
	observed := make(chan struct{})
	go func() {
		defer close(observed)
		a.observe(tracker)
	}()
	select {
	case <-a.stop:
	case <-tracker.Dead():
	}
	tracker.Kill()
	_ = tracker.Wait()
	<-observed
	if a.stopped() {
		a.journal.note(entry{Kind: gaveUp, Unit: a.config.Unit, Call: now()})
		_ = a.stack.revoker.Revoke(application, a.config.Unit)
	}
}

// observe writes down what the tracker says, and writes to the register while it says yes.
func (a *agent) observe(tracker *leadership.TrackerWorker) {
	held := tracker.WaitLeader()
	var last *grip
	for !isClosed(tracker.Dead()) {
		if isClosed(held.Ready()) {
			call := now()
			if held.Wait() {
				a.journal.note(entry{Kind: stillLed, Unit: a.config.Unit, Call: call, Return: now()})
			} else {
				held = tracker.WaitLeader()
			}
		}
		asked := now()
		leads := tracker.ClaimLeader().Wait()
		answered := now()
		if !leads && last != nil {
			a.write(*last, 0) // the fence alone is between this and the register
			last = nil
		}
		if !leads {
			select {
			case <-tracker.WaitLeader().Ready():
			case <-time.After(20 * time.Millisecond):
			}
			continue
		}
		if g := a.check(asked, answered); g != nil {
			last = g
			if a.chance.IntN(50) == 0 {
				a.writeLate(*g)
			} else {
				a.write(*g, asked+int64(duration))
			}
		}
		time.Sleep(time.Duration(a.chance.IntN(20)) * time.Millisecond)
	}
}

// grip is what a leader has in hand to write with.
type grip struct {
	fence []clientv3.Cmp
	token int64
}

// oneTerm tells whether the fence and the token are of the same term: they were asked for one after the other.
func (g *grip) oneTerm() bool {
	return len(g.fence) == 1 && (*pb.Compare)(&g.fence[0]).GetCreateRevision() == g.token
}

// check gets the fence of a unit that a ticket says leads.
func (a *agent) check(asked, answered int64) *grip {
	var g grip
	token := a.stack.checker.LeadershipCheck(application, a.config.Unit)
	e := entry{Unit: a.config.Unit, Call: asked, Answered: answered, Until: asked + int64(duration)}
	err := token.Check(&g.fence)
	if err == nil {
		err = token.Check(&g.token)
	}
	e.Return = now()
	switch {
	case err == nil && g.oneTerm():
		e.Kind, e.Token = led, g.token
		a.journal.note(e)
		return &g
	case errors.Is(err, lease.ErrNotHeld):
		e.Kind = notHeld
		a.journal.note(e)
	}
	return nil
}

// writeLate writes as a leader does that is slow, or was paused, between its check and its write.
func (a *agent) writeLate(g grip) {
	delay := time.Duration(a.chance.Int64N(int64(3 * duration)))
	value := a.value()
	a.late.Go(func() {
		select {
		case <-time.After(delay):
			a.send(g, 0, value)
		case <-a.stop:
		}
	})
}

func (a *agent) write(g grip, until int64) { a.send(g, until, a.value()) }

func (a *agent) value() string {
	a.writes++
	return fmt.Sprintf("%s-%d-%d", a.config.Unit, a.config.Life, a.writes)
}

func (a *agent) send(g grip, until int64, value string) {
	e := entry{Unit: a.config.Unit, Token: g.token, Value: value, Until: until, Kind: tried, Call: now()}
	a.journal.note(e)
	encoded, err := json.Marshal(written{Unit: a.config.Unit, Token: g.token, Value: value})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), operationTimeout)
	defer cancel()
	response, err := a.stack.client.Txn(ctx).If(g.fence...).Then(clientv3.OpPut(register, string(encoded))).Commit()
	if err != nil {
		return // whether it landed is for the history to say
	}
	e.Kind, e.Return, e.Revision = fenced, now(), response.Header.Revision
	if response.Succeeded {
		e.Kind = landed
	}
	a.journal.note(e)
}
