package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/store"
	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
)

func TestShortLivedProcessUsesServer(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, store.Config{Dir: dir})
	for i := range 3 {
		p := startProcess(t, dir)
		p.expect("using")
		p.ask(fmt.Sprintf("put k v%d", i), "ok")
		p.stop()
		checkValue(t, s, "k", fmt.Sprintf("v%d", i))
	}
	checkServing(t, s, true)
}

func TestRacingProcesses(t *testing.T) {
	for range 5 {
		dir := t.TempDir()
		var ps []*process
		for range 4 {
			ps = append(ps, startProcess(t, dir))
		}
		roles := map[string]int{}
		for _, p := range ps {
			roles[p.read()]++
		}
		if roles["serving"] != 1 || roles["using"] != 3 {
			t.Fatalf("got %v", roles)
		}
		for i, p := range ps {
			p.ask(fmt.Sprintf("put k%d v", i), "ok")
		}
		for _, p := range ps {
			p.kill()
		}
		s := openStore(t, store.Config{Dir: dir})
		for i := range ps {
			checkValue(t, s, fmt.Sprintf("k%d", i), "v")
		}
	}
}

func TestOpenAfterKill(t *testing.T) {
	dir := t.TempDir()
	p := startProcess(t, dir)
	p.expect("serving")
	p.ask("put k v", "ok")
	p.kill()
	s := openStore(t, store.Config{Dir: dir})
	checkServing(t, s, true)
	checkValue(t, s, "k", "v")
}

// A process that is killed while it makes the store leaves something that the next can open.
func TestKillDuringFirstStart(t *testing.T) {
	dir := t.TempDir()
	for i := range 20 {
		if i%5 == 0 {
			dir = t.TempDir()
		}
		p := startProcess(t, dir)
		// Any moment will do; the start of the process alone takes some of them.
		time.Sleep(time.Duration(rand.Int64N(int64(60 * time.Millisecond))))
		p.kill()
		s := openStore(t, store.Config{Dir: dir})
		put(t, s, "k", fmt.Sprint(i))
		checkValue(t, s, "k", fmt.Sprint(i))
		closeStore(t, s)
	}
}

func TestAcknowledgedWritesOutliveKill(t *testing.T) {
	dir := t.TempDir()
	for round := range 5 {
		p := startProcess(t, dir)
		p.expect("serving")
		wrote := 0
		for stop := rand.IntN(200); wrote < stop; wrote++ {
			p.ask(fmt.Sprintf("put r%d/%d v", round, wrote), "ok")
		}
		p.say(fmt.Sprintf("put r%d/%d v", round, wrote)) // in flight, perhaps
		p.kill()
		s := openStore(t, store.Config{Dir: dir})
		got, err := s.Client().Get(testContext(t), fmt.Sprintf("r%d/", round), clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err != nil {
			t.Fatal(err)
		}
		if got.Count != int64(wrote) && got.Count != int64(wrote)+1 {
			t.Fatalf("%d writes were acknowledged and %d are there", wrote, got.Count)
		}
		closeStore(t, s)
	}
}

func TestLongLogOutlivesKillAndStop(t *testing.T) {
	for name, end := range map[string]func(*process){"kill": (*process).kill, "stop": (*process).stop} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for range 2 { // from nothing, and from a snapshot
				p := startProcess(t, dir)
				p.expect("serving")
				p.ask("load", "ok")
				end(p)
				checkLoad(t, dir)
			}
		})
	}
}

func checkLoad(t *testing.T, dir string) {
	t.Helper()
	s := openStore(t, store.Config{Dir: dir})
	defer closeStore(t, s)
	got, err := s.Client().Get(testContext(t), "load/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	large := 0
	for _, kv := range got.Kvs {
		if len(kv.Value) == largeSize {
			large++
		}
	}
	if len(got.Kvs) != loadSmall+loadLarge || large != loadLarge {
		t.Errorf("%d of %d writes are there, %d of %d large ones", len(got.Kvs), loadSmall+loadLarge, large, loadLarge)
	}
}

func TestStandbyTakesOverAfterKill(t *testing.T) {
	testStandbyTakesOver(t, (*process).kill)
}

func TestStandbyTakesOverAfterStop(t *testing.T) {
	testStandbyTakesOver(t, (*process).stop)
}

func testStandbyTakesOver(t *testing.T, end func(*process)) {
	dir := t.TempDir()
	p := startProcess(t, dir)
	p.expect("serving")
	s := openStore(t, store.Config{Dir: dir, Standby: true})
	visitor := openStore(t, store.Config{Dir: dir})
	checkServing(t, s, false)
	first, err := s.Client().Put(testContext(t), "k", "v1")
	if err != nil {
		t.Fatal(err)
	}
	events := s.Client().Watch(testContext(t), "k", clientv3.WithRev(first.Header.Revision+1))
	waitCreated(t, s)

	end(p)

	checkValue(t, s, "k", "v1")
	checkServing(t, s, true)
	put(t, visitor, "k", "v2")
	checkValue(t, s, "k", "v2")
	checkServing(t, visitor, false)
	resp := <-events
	if err := resp.Err(); err != nil || len(resp.Events) != 1 || string(resp.Events[0].Kv.Value) != "v2" {
		t.Fatalf("the watch from before got %+v, %v", resp.Events, err)
	}
}

// waitCreated returns when watches that s asked for are in place: they are set up in order.
func waitCreated(t *testing.T, s *store.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	if resp := <-s.Client().Watch(ctx, "created", clientv3.WithCreatedNotify()); !resp.Created {
		t.Fatalf("got %+v", resp)
	}
}

// An idle standby, with no call to make, takes over too: others depend on it.
func TestIdleStandbyTakesOver(t *testing.T) {
	dir := t.TempDir()
	p := startProcess(t, dir)
	p.expect("serving")
	idle := standby(t, dir)
	idle.expect("using")
	visitor := openStore(t, store.Config{Dir: dir})
	p.kill()
	put(t, visitor, "k", "v")
	idle.ask("role", "serving")
}

func TestSuccessionOfStandbys(t *testing.T) {
	dir := t.TempDir()
	visitor := openStore(t, store.Config{Dir: dir, Standby: true})
	closeStore(t, visitor)
	serving := standby(t, dir)
	serving.expect("serving")
	visitor = openStore(t, store.Config{Dir: dir})
	var others []*process
	for range 3 {
		p := standby(t, dir)
		p.expect("using")
		others = append(others, p)
	}
	for round := 0; len(others) > 0; round++ {
		put(t, visitor, "round", fmt.Sprint(round))
		if round%2 == 0 {
			serving.kill()
		} else {
			serving.stop()
		}
		checkValue(t, visitor, "round", fmt.Sprint(round))
		serving = nil
		var rest []*process
		for _, p := range others {
			p.say("role")
			switch got := p.read(); {
			case got == "serving" && serving == nil:
				serving = p
			case got == "using":
				rest = append(rest, p)
			default:
				t.Fatalf("round %d: one more process is %q", round, got)
			}
		}
		if serving == nil {
			t.Fatalf("round %d: nobody serves", round)
		}
		others = rest
	}
}

func TestWithoutStandbyCallsWait(t *testing.T) {
	dir := t.TempDir()
	p := startProcess(t, dir)
	p.expect("serving")
	s := openStore(t, store.Config{Dir: dir})
	put(t, s, "k", "v")
	p.kill()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := s.Client().Put(ctx, "k", "w"); err == nil {
		t.Fatal("a write succeeded with nobody serving")
	}
	checkServing(t, s, false)

	p = startProcess(t, dir)
	p.expect("serving")
	checkValue(t, s, "k", "v")
}

func TestSessionOutlivesTakeover(t *testing.T) {
	dir := t.TempDir()
	p := startProcess(t, dir)
	p.expect("serving")
	s := openStore(t, store.Config{Dir: dir, Standby: true})
	ctx := testContext(t)
	lease, err := s.Client().Grant(ctx, 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client().Put(ctx, "alive", "yes", clientv3.WithLease(lease.ID)); err != nil {
		t.Fatal(err)
	}
	alive, err := s.Client().KeepAlive(ctx, lease.ID)
	if err != nil {
		t.Fatal(err)
	}
	<-alive
	p.kill()
	checkValue(t, s, "alive", "yes")
	for served := false; !served; {
		resp, ok := <-alive
		if !ok {
			t.Fatal("keep-alives ended with the server that was killed")
		}
		served = resp.ResponseHeader != nil && s.Serving()
	}
}

func TestStoreEndsWhenItCannotTakeOver(t *testing.T) {
	dir := t.TempDir()
	p := startProcess(t, dir)
	p.expect("serving")
	p.ask("put k v", "ok")
	s := openStore(t, store.Config{Dir: dir, Standby: true})
	damageDatabase(t, dir)
	p.kill()
	err := s.Wait()
	if err == nil || !strings.Contains(err.Error(), "cannot take over store in "+dir+": member/snap/db is damaged") {
		t.Fatalf("ended with %v", err)
	}
}

// A server that is stopped but not dead cannot be replaced. The error says who it is.
func TestOpenWithServerPaused(t *testing.T) {
	dir := t.TempDir()
	p := startProcess(t, dir)
	p.expect("serving")
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_, err := store.Open(ctx, store.Config{Dir: dir, Standby: true, Logger: quiet()})
	if want := fmt.Sprintf("cannot open store in %s: process %d serves it but does not answer: ", dir, p.cmd.Process.Pid); err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want %q", err, want)
	}
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	put(t, openStore(t, store.Config{Dir: dir}), "k", "v")
}

// Each may find that the one that serves it is just ending.
func TestManyBriefUsers(t *testing.T) {
	dir := t.TempDir()
	var users errgroup.Group
	for user := range 4 {
		users.Go(func() error {
			for i := range 15 {
				s, err := store.Open(testContext(t), store.Config{Dir: dir, Standby: true, Logger: quiet()})
				if err != nil {
					return err
				}
				_, err = s.Client().Put(testContext(t), fmt.Sprintf("k/%d/%d", user, i), "v")
				s.Kill()
				if err := errors.Join(err, s.Wait()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := users.Wait(); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, store.Config{Dir: dir})
	got, err := s.Client().Get(testContext(t), "k/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		t.Fatal(err)
	}
	if got.Count != 4*15 {
		t.Errorf("%d of %d writes are there", got.Count, 4*15)
	}
}

func TestAcknowledgedWritesOutliveSuccession(t *testing.T) {
	dir := t.TempDir()
	serving := standby(t, dir)
	serving.expect("serving")
	others := []*process{standby(t, dir), standby(t, dir), standby(t, dir)}
	for _, p := range others {
		p.expect("using")
	}
	s := openStore(t, store.Config{Dir: dir})
	acknowledged := map[string]bool{}
	write := func(n int) {
		for range n {
			key := fmt.Sprintf("k/%d", len(acknowledged))
			if _, err := s.Client().Put(testContext(t), key, "v"); err == nil {
				acknowledged[key] = true
			} // else it was in flight when its server was killed, and may be there or not
		}
	}
	for _, p := range append([]*process{serving}, others[:2]...) {
		write(20)
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			p.kill() // whether it serves or not
		}()
		write(20)
		<-killed
	}
	write(20)
	got, err := s.Client().Get(testContext(t), "k/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, kv := range got.Kvs {
		there[string(kv.Key)] = true
	}
	for key := range acknowledged {
		if !there[key] {
			t.Errorf("%s is lost", key)
		}
	}
}
