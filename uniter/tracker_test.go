package uniter_test

import (
	"fmt"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/uniter/leadership"
)

// tracker is a leadership.Tracker and leadership.Checker that says what the test
// tells it to.
type tracker struct {
	unit string

	mu     sync.Mutex
	leader bool
	// turned is closed when leader changes.
	turned chan struct{}
	// silent holds answers to ClaimLeader back, until it is closed, if it is not
	// nil. asked tells that somebody waits for one.
	silent chan struct{}
	asked  chan struct{}
	fence  []clientv3.Cmp
}

var (
	_ leadership.Tracker = (*tracker)(nil)
	_ leadership.Checker = (*tracker)(nil)
)

func newTracker(unit string, leads bool) *tracker {
	return &tracker{unit: unit, leader: leads, turned: make(chan struct{}), asked: make(chan struct{}, 100)}
}

// lead has the unit lead from now on, or not.
func (t *tracker) lead(leads bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if leads != t.leader {
		t.leader = leads
		close(t.turned)
		t.turned = make(chan struct{})
	}
}

// hush holds answers to ClaimLeader back until the function that it returns is
// called.
func (t *tracker) hush() (speak func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	silent := make(chan struct{})
	t.silent = silent
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.silent = nil
		close(silent)
	}
}

func (t *tracker) leads() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.leader
}

func (t *tracker) ApplicationName() string {
	application, _, _ := strings.Cut(t.unit, "/")
	return application
}

func (t *tracker) ClaimDuration() time.Duration { return time.Minute }

func (t *tracker) ClaimLeader() leadership.Ticket {
	t.mu.Lock()
	defer t.mu.Unlock()
	ready := t.silent
	if ready == nil {
		ready = closed
	} else {
		t.asked <- struct{}{}
	}
	return ticket{ready, t.leads}
}

func (t *tracker) WaitLeader() leadership.Ticket { return t.wait(true) }
func (t *tracker) WaitMinion() leadership.Ticket { return t.wait(false) }

func (t *tracker) wait(leads bool) leadership.Ticket {
	t.mu.Lock()
	defer t.mu.Unlock()
	ready := t.turned
	if t.leader == leads {
		ready = closed
	}
	return ticket{ready, func() bool { return leads }}
}

func (t *tracker) LeadershipCheck(_, unit string) leadership.Token { return token{t, unit} }

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

type ticket struct {
	ready  chan struct{}
	answer func() bool
}

func (t ticket) Ready() <-chan struct{} { return t.ready }

func (t ticket) Wait() bool {
	<-t.ready
	return t.answer()
}

type token struct {
	tracker *tracker
	unit    string
}

// Check gives the fencing number 7 to the leader.
func (t token) Check(out any) error {
	if t.unit != t.tracker.unit || !t.tracker.leads() {
		return fmt.Errorf("%s does not lead", t.unit)
	}
	switch out := out.(type) {
	case *int64:
		*out = 7
	case *[]clientv3.Cmp:
		t.tracker.mu.Lock()
		defer t.tracker.mu.Unlock()
		*out = t.tracker.fence
	}
	return nil
}
