package model

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/store/etcdtest"
)

// mirror is what a follower has told of.
type mirror struct {
	t       *testing.T
	mu      sync.Mutex
	calls   int
	values  map[string]string
	reports map[string]int // "key revision" to how often it was told of
}

func (m *mirror) apply(changes []change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	for _, c := range changes {
		m.reports[fmt.Sprint(c.rest, " ", c.revision, " ", c.value == nil)]++
		if c.value == nil {
			if _, ok := m.values[c.rest]; !ok {
				m.t.Errorf("%s was removed and had not been told of", c.rest)
			}
			delete(m.values, c.rest)
			continue
		}
		m.values[c.rest] = string(c.value)
	}
	return nil
}

func (m *mirror) now() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.values)
}

// twice returns what was told of more than once.
func (m *mirror) twice() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var twice []string
	for report, n := range m.reports {
		if n > 1 {
			twice = append(twice, report)
		}
	}
	return twice
}

// follow runs a follower of x/ until the test ends.
func (r *rig) follow(t *testing.T) (*mirror, *follower) {
	t.Helper()
	m := &mirror{t: t, values: map[string]string{}, reports: map[string]int{}}
	f := &follower{m: r.Model, prefix: string(r.keys) + "x/", apply: m.apply}
	ended := make(chan error, 1)
	ctx, cancel := contextOf(r)
	go func() { ended <- f.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the follower ended with %v", err)
		}
	})
	return m, f
}

// present returns what stands under x/.
func (r *rig) present() map[string]string {
	r.t.Helper()
	found, _, err := r.list(r.ctx, string(r.keys)+"x/", 0)
	r.check(err)
	values := map[string]string{}
	for _, kv := range found {
		values[strings.TrimPrefix(string(kv.Key), string(r.keys)+"x/")] = string(kv.Value)
	}
	return values
}

// catchUp waits until the mirror shows what is there.
func (r *rig) catchUp(m *mirror) {
	r.t.Helper()
	r.eventually("the follower has caught up", func() bool { return maps.Equal(m.now(), r.present()) })
}

// churn writes and removes a few keys at random.
func (r *rig) churn(n int) {
	r.t.Helper()
	for range n {
		key := fmt.Sprintf("%sx/%d", r.keys, rand.N(8))
		var err error
		if rand.N(3) == 0 {
			_, err = r.client.Delete(r.ctx, key)
		} else {
			_, err = r.client.Put(r.ctx, key, fmt.Sprint(rand.N(100)))
		}
		r.check(err)
	}
}

func TestFollowerTellsOfNothing(t *testing.T) {
	r := newRig(t)
	m, _ := r.follow(t)
	r.eventually("it was told", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.calls == 1
	})
	r.churn(20)
	r.catchUp(m)
}

// TestFollowerSeesEachStateOnce follows without any trouble: every version of every key is told of exactly once.
func TestFollowerSeesEachStateOnce(t *testing.T) {
	r := newRig(t)
	r.churn(10)
	m, _ := r.follow(t)
	r.churn(200)
	r.catchUp(m)
	if twice := m.twice(); len(twice) > 0 {
		t.Errorf("told twice of %v", twice)
	}
}

// TestFollowerUnderCompaction cuts a running watch off, has the store forget what it misses, and lets it come back,
// again and again.
func TestFollowerUnderCompaction(t *testing.T) {
	server := etcdtest.NewServer(t)
	r := openRig(t, Config{Client: server.Client(), Logger: silent})
	line := newLine(t, server)
	far := openRig(t, Config{Client: line.client, Logger: silent})
	compacted := &counter{text: "required revision has been compacted"}
	far.logger = slog.New(compacted)
	r.churn(5)
	m, _ := far.follow(t)
	for i := range 8 {
		r.churn(10)
		if i%2 == 0 {
			r.catchUp(m)
		}
		line.cut()
		r.churn(20)
		server.Compact()
		line.mend()
		r.churn(10)
	}
	r.catchUp(m)
	if twice := m.twice(); len(twice) > 0 {
		t.Errorf("told twice of %v", twice)
	}
	if compacted.count() == 0 {
		t.Error("no watch met a compaction")
	}
}

// TestFollowerUnderRestarts restarts the server under a running watch while others write.
func TestFollowerUnderRestarts(t *testing.T) {
	server := etcdtest.NewServer(t)
	r := openRig(t, Config{Client: server.Client(), Logger: silent})
	m, _ := r.follow(t)
	for range 3 {
		r.churn(10)
		server.Restart()
		r.churn(10)
	}
	r.catchUp(m)
	if twice := m.twice(); len(twice) > 0 {
		t.Errorf("told twice of %v", twice)
	}
}

// TestFollowerFromCompactedRevision has a watch begin at a revision that is gone, each time.
func TestFollowerFromCompactedRevision(t *testing.T) {
	server := etcdtest.NewServer(t)
	r := openRig(t, Config{Client: server.Client(), Logger: silent})
	r.churn(5)
	old := r.revision()
	r.churn(5)
	server.Compact()
	received, err := r.watch(r.ctx, string(r.keys), old, func([]*clientv3.Event) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "compacted") || !received {
		t.Errorf("got %v, %t; want that it was compacted, and that listing again is to happen at once", err, received)
	}
}

// TestFollowerListsDifference lists a store that is not where the follower left it, as after a lost watch or a
// restored backup.
func TestFollowerListsDifference(t *testing.T) {
	r := newRig(t)
	m := &mirror{t: t, values: map[string]string{}, reports: map[string]int{}}
	f := &follower{m: r.Model, prefix: string(r.keys) + "x/", apply: m.apply, wanted: func(rest string) bool { return rest != "unwanted" }}
	for _, key := range []string{"stays", "changes", "goes", "unwanted"} {
		r.put(f.prefix+key, "1")
	}
	_, err := f.list(r.ctx)
	r.check(err)
	calls := m.calls
	_, err = f.list(r.ctx)
	r.check(err)
	if m.calls != calls {
		t.Error("told of something though nothing is different")
	}
	r.put(f.prefix+"changes", "2")
	r.put(f.prefix+"comes", "1")
	r.put(f.prefix+"unwanted", "2")
	_, err = r.client.Delete(r.ctx, f.prefix+"goes")
	r.check(err)
	// A version that is larger than the present one is another one too.
	f.known["stays"] += 1000
	_, err = f.list(r.ctx)
	r.check(err)
	if want := map[string]string{"stays": "1", "changes": "2", "comes": "1"}; !maps.Equal(m.values, want) {
		t.Errorf("got %v, want %v", m.values, want)
	}
	total := 0
	for report, n := range m.reports {
		total += n
		if strings.HasPrefix(report, "unwanted") {
			t.Error("told of a key that is not wanted")
		}
	}
	if total != 3+4 {
		t.Errorf("told of %d changes, want 7: %v", total, m.reports)
	}
}

func TestFollowerEndsWithItsUsersError(t *testing.T) {
	r := newRig(t)
	refusal := errors.New("no")
	for _, phase := range []string{"list", "watch"} {
		f := &follower{m: r.Model, prefix: string(r.keys) + "x/"}
		calls := 0
		f.apply = func([]change) error {
			calls++
			if phase == "list" || calls == 2 {
				return refusal
			}
			return nil
		}
		ended := make(chan error, 1)
		go func() { ended <- f.run(r.ctx) }()
		var got error
		for got == nil {
			select {
			case got = <-ended:
			case <-time.After(5 * time.Millisecond):
				r.churn(1)
			}
		}
		if got != refusal {
			t.Errorf("%s: it ended with %v, want its user's error", phase, got)
		}
	}
}

// TestFollowerEndsWithTheClient does not go round and round on a client that was closed.
func TestFollowerEndsWithTheClient(t *testing.T) {
	server := etcdtest.NewServer(t)
	line := newLine(t, server)
	r := openRig(t, Config{Client: line.client, Logger: silent})
	listed := make(chan struct{}, 10)
	f := &follower{m: r.Model, prefix: string(r.keys) + "x/", apply: func([]change) error { listed <- struct{}{}; return nil }}
	ended := make(chan error, 1)
	go func() { ended <- f.run(r.ctx) }()
	receive(t, listed)
	line.client.Close()
	if err := receive(t, ended); err == nil || !strings.Contains(err.Error(), "the connection to the store was closed") {
		t.Errorf("got error %v", err)
	}
}
