package election_test

import (
	"context"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/unit-agent/unit-agent/election"
	"github.com/unit-agent/unit-agent/election/pb"
	"github.com/unit-agent/unit-agent/store/etcdtest"
)

// until reads states until one says what is wanted. No state may be after a newer one, which the caller sees to by what it lets happen.
func until(t *testing.T, states <-chan election.ElectionState, want string) election.ElectionState {
	t.Helper()
	for {
		if s := receive(t, states); s.String() == want {
			return s
		}
	}
}

// "Watch the election and get notified of state changes."
// "Observe an election without participating in it."
func TestWatchAndObserve(t *testing.T) {
	client := etcdtest.Start(t)
	s := session(t, client, 60)
	a, b := election.New(s, place, endpoint("a")), candidate(t, client, "b")
	ctx, cancel := context.WithCancel(testContext(t))
	watches := map[string]<-chan election.ElectionState{"a": a.Watch(ctx), "b": b.Watch(ctx), "observer": election.Observe(ctx, s, place)}
	for who, states := range watches {
		if first := receive(t, states); first.State != election.StateUnknown || first.Leader != nil {
			t.Errorf("%s: at first it is %v", who, first)
		}
	}
	want := func(who, state string, leader *pb.Endpoint) {
		t.Helper()
		if got := receive(t, watches[who]); got.String() != state || !proto.Equal(got.Leader, leader) {
			t.Errorf("%s: got %v %v, want %s", who, got, got.Leader, state)
		}
	}
	ra := run(t, a)
	ra.leads()
	want("a", "leader a", endpoint("a"))
	want("b", "follower of a", endpoint("a"))
	want("observer", "follower of a", endpoint("a"))
	// One who comes late sees the present at once.
	if got := receive(t, election.Observe(ctx, s, place)); got.String() != "follower of a" {
		t.Errorf("a late observer sees %v", got)
	}
	rb := run(t, b)
	waits(t, client, 2)
	ra.finish <- nil
	rb.leads()
	want("a", "follower of b", endpoint("b"))
	want("b", "leader b", endpoint("b"))
	want("observer", "follower of b", endpoint("b"))
	rb.finish <- nil
	for who := range watches {
		want(who, "unknown", nil)
	}
	cancel()
	for who, states := range watches {
		for s := range states {
			t.Errorf("%s: after the end there is %v", who, s)
		}
	}
}

// Whoever has the oldest key leads, though nobody knows who it is.
func TestALeaderThatIsNotOurs(t *testing.T) {
	client := etcdtest.Start(t)
	_, err := client.Put(testContext(t), place+"/x", "\xff\xff")
	ok(t, err)
	e := candidate(t, client, "a")
	states := e.Watch(testContext(t))
	until(t, states, "follower of "+place+"/x")
	r := run(t, e)
	waits(t, client, 2)
	_, err = client.Delete(testContext(t), place+"/x")
	ok(t, err)
	r.leads()
	until(t, states, "leader a")
}

// "a slow reader gets the newest state, never a stale one after it, and blocks nobody"
func TestASlowReaderGetsTheNewest(t *testing.T) {
	client := etcdtest.Start(t)
	s := session(t, client, 60)
	slow, fast := election.Observe(testContext(t), s, place), election.Observe(testContext(t), s, place)
	for range 20 {
		ok(t, candidate(t, client, "old").Run(testContext(t), func(context.Context) error { return nil }))
	}
	r := run(t, candidate(t, client, "new"))
	r.leads()
	until(t, fast, "follower of new")
	// What the slow one has may lag behind the fast one, by what one look takes; but it comes by itself and stays.
	until(t, slow, "follower of new")
	select {
	case s := <-slow:
		t.Errorf("after the newest there is %v", s)
	default:
	}
}

// "They survive compaction, member restarts and session loss"
func TestAWatchSurvives(t *testing.T) {
	server := etcdtest.NewServer(t)
	client := server.Client()
	s := session(t, client, 60)
	mine := election.New(s, place, endpoint("me"))
	states, observed := mine.Watch(testContext(t)), election.Observe(testContext(t), s, place)
	r := run(t, mine)
	r.leads()
	until(t, states, "leader me")
	server.Restart()
	for i := range 50 {
		_, err := client.Put(testContext(t), "/else", string(rune('a'+i%26)))
		ok(t, err)
	}
	server.Compact()
	ok(t, s.Close())
	until(t, states, "unknown")
	_ = r.ends()
	next := run(t, candidate(t, client, "next"))
	next.leads()
	until(t, states, "follower of next")
	until(t, observed, "follower of next")
	next.finish <- nil
	until(t, states, "unknown")
}

func TestAWatchOfAClusterWhoseMembersFail(t *testing.T) {
	cluster := etcdtest.NewCluster(t, 3)
	s := session(t, cluster.Client(), 60)
	states := election.Observe(testContext(t), s, place)
	until(t, states, "unknown")
	leader := cluster.Leader()
	leader.Isolate()
	cluster.Leader()
	healthy := cluster.Client()
	r := run(t, candidate(t, healthy, "a"))
	r.leads()
	until(t, states, "follower of a")
	leader.Heal()
	r.finish <- nil
	until(t, states, "unknown")
}

// "An ElectionWatcher simply consumes the output of Election.Watch and stores the most recent result so you can query it asynchronously."
// "Notify returns a channel that is triggered on every state change." "State returns the most recent ElectionState."
func TestWatcher(t *testing.T) {
	client := etcdtest.Start(t)
	e := candidate(t, client, "a")
	ctx, cancel := context.WithCancel(testContext(t))
	w := election.NewWatcher(ctx, e)
	var readers, led sync.WaitGroup
	led.Add(10)
	for range 10 {
		changed := w.Notify()
		readers.Go(func() {
			want := []string{"leader a", "unknown"}
			for range changed {
				if len(want) > 0 && w.State().String() == want[0] {
					want = want[1:]
					if len(want) == 0 {
						return
					}
					led.Done()
				}
			}
			t.Errorf("did not see %q", want)
		})
	}
	mine := w.Notify()
	r := run(t, e)
	r.leads()
	for w.State().State != election.StateLeader {
		receive(t, mine)
	}
	if leader := w.State().Leader; !proto.Equal(leader, endpoint("a")) {
		t.Errorf("the leader is %v", leader)
	}
	led.Wait()
	r.finish <- nil
	ok(t, r.ends())
	for w.State().State != election.StateUnknown {
		receive(t, mine)
	}
	cancel()
	for range mine {
	}
	for range w.Notify() {
		t.Error("one that comes after the end is told of a change")
	}
	readers.Wait()
}

func TestStrings(t *testing.T) {
	for state, want := range map[int]string{election.StateUnknown: "unknown", election.StateFollower: "follower of a", election.StateLeader: "leader a"} {
		s := election.ElectionState{State: state, Leader: endpoint("a")}
		if got := s.String(); got != want {
			t.Errorf("%d is %q, want %q", state, got, want)
		}
	}
	if election.StateUnknown != 0 || election.StateFollower != 1 || election.StateLeader != 2 {
		t.Error("the constants are not as they were published")
	}
	if got := (election.ElectionState{}).String(); got != "unknown" {
		t.Errorf("the zero state is %q", got)
	}
}
