package etcdstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/etcdstore"
	"github.com/unit-agent/unit-agent/store/etcdtest"
)

// guarantee is a time in which a holder knows that it has the lease: from the answer to its call until what it asked for is over, counted from
// before the call, or until it begins to give the lease up.
type guarantee struct {
	holder        string
	answered, end time.Time
}

func (a guarantee) overlaps(b guarantee) bool {
	return a.answered.Before(a.end) && b.answered.Before(b.end) && a.answered.Before(b.end) && b.answered.Before(a.end)
}

// TestSoakSafety has several holders want one lease, on a cluster whose leader is killed and whose members are cut off, over wires that
// lose requests and replies. No two guarantees may overlap, whoever has one is what the cluster says the holder is, and in the end nothing is left.
func TestSoakSafety(t *testing.T) {
	t.Parallel()
	length := 10 * time.Second
	if os.Getenv("UNIT_AGENT_SOAK") != "" {
		length = 3 * time.Minute
	}
	c := etcdtest.NewCluster(t, 3)
	witness := c.Client()
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()

	var mu sync.Mutex
	var given []guarantee
	var wires []*wire
	var stores []*etcdstore.Store
	var group sync.WaitGroup
	var claims, faults atomic.Int64
	for i := range 4 {
		client, w := wired(t, c.Endpoints()...)
		store := start(t, client, func(config *etcdstore.Config) { config.OperationTimeout = 700 * time.Millisecond })
		wires, stores = append(wires, w), append(stores, store)
		w.set(func(method string) fault {
			if method != "Txn" && method != "LeaseGrant" && method != "LeaseRevoke" {
				return nil
			}
			roll := rand.IntN(60)
			if roll < 7 {
				faults.Add(1)
			}
			switch roll {
			case 0, 1:
				return replyLost
			case 2:
				return replyHangs
			case 3:
				return requestHangs
			case 4:
				return refused
			case 5:
				return delayed(200 * time.Millisecond)
			case 6:
				return before(func() { time.Sleep(200 * time.Millisecond) })
			}
			return nil
		})
		group.Go(func() {
			me := fmt.Sprintf("h/%d", i)
			has := false
			for ctx.Err() == nil {
				begin := time.Now()
				var err error
				if holder(store, "a") == me {
					err = store.ExtendLease(key("a"), request(me, time.Second), nil)
				} else {
					err = store.ClaimLease(key("a"), request(me, time.Second), nil)
				}
				switch {
				case err == nil:
					claims.Add(1)
					mu.Lock()
					has = true
					given = append(given, guarantee{me, time.Now(), begin.Add(time.Second)})
					mu.Unlock()
					if got, ok := witnessed(ctx, witness); ok && got != me && time.Since(begin) < time.Second {
						t.Errorf("%s was told that it has the lease, %q has it", me, got)
					}
				case !lease.IsInvalid(err) && !lease.IsTimeout(err):
					t.Errorf("%s: %v", me, err)
				default:
					time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
				}
				time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
				if has && rand.IntN(6) == 0 {
					has = false
					now := time.Now()
					mu.Lock()
					for j := range given {
						if given[j].holder == me && given[j].end.After(now) {
							given[j].end = now
						}
					}
					mu.Unlock()
					_ = store.RevokeLease(key("a"), me, nil)
				}
			}
		})
	}
	for round := 0; ctx.Err() == nil; round++ {
		select {
		case <-time.After(1500 * time.Millisecond):
		case <-ctx.Done():
			continue
		}
		switch m := c.Leader(); round % 2 {
		case 0:
			m.Kill()
			time.Sleep(time.Second)
			m.Start()
		case 1:
			m.Isolate()
			time.Sleep(time.Second)
			m.Heal()
		}
	}
	group.Wait()
	for i, a := range given {
		for _, b := range given[:i] {
			if a.holder != b.holder && a.overlaps(b) {
				t.Errorf("%+v and %+v overlap", a, b)
			}
		}
	}
	t.Logf("%d claims and extensions in %v, %d faults on the wire", claims.Load(), length, faults.Load())
	if claims.Load() < int64(length/time.Second) {
		t.Error("too few for the test to mean anything")
	}

	for _, w := range wires {
		w.set(nil)
	}
	eventually(t, "every lease ends", func() bool { return kv(t, witness, where("a")) == nil })
	wantCounters(t, witness, 0)
	for _, store := range stores {
		eventually(t, "every store hears of it", func() bool { return holder(store, "a") == "" })
	}
}

// witnessed returns who holds the lease as the cluster says, "" if nobody does, and false if the cluster does not say.
func witnessed(ctx context.Context, client *clientv3.Client) (holder string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	response, err := client.Get(ctx, where("a"))
	if err != nil {
		return "", false
	}
	if len(response.Kvs) == 0 {
		return "", true
	}
	var value struct{ Holder string }
	_ = json.Unmarshal(response.Kvs[0].Value, &value)
	return value.Holder, true
}
