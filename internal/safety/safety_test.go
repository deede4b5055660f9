package safety

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

var (
	seedFlag   = flag.Uint64("safety.seed", 0, "the seed of faults; 0 takes any")
	longPauses = flag.Bool("safety.long-pauses", false, "pause etcd's leader for longer than an election takes too, after which it revokes leases that are not over")
)

// TestSafety is a short run, for every day.
func TestSafety(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 seconds and more")
	}
	testSafety(t, 20*time.Second, activity{changes: 3, writes: 50, refused: 1})
}

// TestSoakSafety is a long one.
func TestSoakSafety(t *testing.T) {
	if os.Getenv("UNIT_AGENT_SOAK") == "" {
		t.Skip("takes minutes; UNIT_AGENT_SOAK=1 asks for it")
	}
	testSafety(t, 4*time.Minute, activity{changes: 30, writes: 1000, refused: 10})
}

// activity is how much happened: leaders changed, writes landed, and writes were refused for their fence.
type activity struct{ changes, writes, refused int }

func (a activity) reaches(least activity) bool {
	return a.changes >= least.changes && a.writes >= least.writes && a.refused >= least.refused
}

func testSafety(t *testing.T, length time.Duration, least activity) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("to choose the same faults again: -safety.seed=%d", seed)
	dir := t.TempDir()
	n := newNetwork()
	defer n.close()
	c, err := startCluster(dir, n)
	if c != nil {
		defer c.kill()
	}
	ok(t, err)
	endpoints, err := c.endpoints("witness")
	ok(t, err)
	client, err := newClient(endpoints)
	ok(t, err)
	defer client.Close()
	w := startWitness(client)
	defer w.end()
	agents, err := startFleet(dir, seed, c)
	defer agents.kill()
	ok(t, err)

	f := &faults{cluster: c, fleet: agents, witness: w}
	ctx, cancel := context.WithTimeout(t.Context(), length+2*time.Minute)
	defer cancel()
	enough, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer stop()
		timer := time.NewTimer(length)
		defer timer.Stop()
		for done := timer.C; ; done = time.After(2 * time.Second) {
			select {
			case <-done:
				if entries, err := agents.entries(); err != nil || count(entries, w).reaches(least) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	ok(t, f.run(enough, seed))

	for _, a := range agents.agents {
		if err := a.stop(); err != nil {
			t.Error(err)
		}
	}
	waitForNothingLeft(t, client)
	entries, err := agents.entries()
	ok(t, err)
	did := count(entries, w)
	entries = append(entries, w.end()...)
	reading, cancelReading := context.WithTimeout(t.Context(), watchdog)
	defer cancelReading()
	h, err := readHistory(reading, client)
	ok(t, err)
	v := check(entries, h)
	for _, wrong := range v.wrong {
		t.Error(wrong)
	}
	if v.count > len(v.wrong) {
		t.Errorf("and %d more", v.count-len(v.wrong))
	}
	t.Logf("leaders changed %d times, %d writes landed, %d were refused; %d terms, %d entries; %v", did.changes, did.writes, did.refused, len(h.terms), len(entries), f.done)
	if v.count > 0 {
		t.Logf("faults: %s", strings.Join(f.log, "; "))
		t.Logf("terms: %+v", h.terms)
	}
	if !did.reaches(least) {
		t.Errorf("too little happened to mean anything: got %+v, want %+v at least", did, least)
	}
	if len(f.done) != len(memberFaults)+len(agentFaults) {
		t.Errorf("not every fault happened: %v", f.done)
	}
}

func count(entries []entry, w *witness) activity {
	var did activity
	_, did.changes = w.leader()
	for _, e := range entries {
		switch e.Kind {
		case landed:
			did.writes++
		case fenced:
			did.refused++
		}
	}
	return did
}

// waitForNothingLeft waits until neither the lease nor any etcd lease is there. What agents that were killed left goes when its time is over.
func waitForNothingLeft(t *testing.T, client *clientv3.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), watchdog)
	defer cancel()
	for {
		left := "(no answer)"
		held, err := client.Get(ctx, leaseKey)
		if err == nil {
			var leases *clientv3.LeaseLeasesResponse
			if leases, err = client.Leases(ctx); err == nil {
				left = fmt.Sprintf("%d leases held, %d etcd leases", held.Count, len(leases.Leases))
				if held.Count == 0 && len(leases.Leases) == 0 {
					return
				}
			}
		}
		select {
		case <-ctx.Done():
			t.Errorf("left behind: %s", left)
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
