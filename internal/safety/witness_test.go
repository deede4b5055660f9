package safety

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// witness reads the register and the lease all the time.
type witness struct {
	client *clientv3.Client
	stop   context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	holder  string // who held the lease when it was read last, or nobody
	changes int    // how often it was somebody else than before
	before  string
	entries []entry
}

func startWitness(client *clientv3.Client) *witness {
	ctx, cancel := context.WithCancel(context.Background())
	w := &witness{client: client, stop: cancel}
	w.done.Go(func() {
		for ctx.Err() == nil {
			w.read(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(30 * time.Millisecond):
			}
		}
	})
	return w
}

func (w *witness) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	e := entry{Kind: read, Unit: "witness", Call: now()}
	response, err := w.client.Txn(ctx).Then(clientv3.OpGet(register), clientv3.OpGet(leaseKey)).Commit()
	if err != nil {
		return
	}
	e.Return, e.Revision = now(), response.Header.Revision
	var value written
	var held struct{ Holder string }
	for i, to := range []any{&value, &held} {
		for _, kv := range response.Responses[i].GetResponseRange().Kvs {
			if err := json.Unmarshal(kv.Value, to); err != nil {
				panic(err)
			}
		}
	}
	e.Value = value.Value
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries = append(w.entries, e)
	w.holder = held.Holder
	if held.Holder != "" && held.Holder != w.before {
		w.before = held.Holder
		w.changes++
	}
}

func (w *witness) leader() (unit string, changes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.holder, w.changes
}

// end stops the witness and returns what it saw.
func (w *witness) end() []entry {
	w.stop()
	w.done.Wait()
	return w.entries
}
