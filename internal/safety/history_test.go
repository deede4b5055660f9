package safety

import (
	"context"
	"encoding/json"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// history is what the cluster says happened, in the order of its revisions.
type history struct {
	terms  []term
	writes []landing
}

// term is one term of the lease: the same holder from the creation of the key to its end.
type term struct {
	token  int64 // the create revision
	holder string
	end    int64 // the revision at which the key was gone; 0 if it is not yet
}

// landing is a write of the register.
type landing struct {
	written
	revision int64
}

// readHistory reads all that happened before the call.
func readHistory(ctx context.Context, client *clientv3.Client) (*history, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	last, err := client.Get(ctx, register)
	if err != nil {
		return nil, err
	}
	h := &history{}
	// It comes in parts, each of which says how far the store is. But each revision has an event, so the last tells that this is all.
	watch := client.Watch(ctx, "", clientv3.WithPrefix(), clientv3.WithRev(1))
	for response := range watch {
		if err := response.Err(); err != nil {
			return nil, err
		}
		for _, event := range response.Events {
			if err := h.add(event); err != nil {
				return nil, err
			}
			if event.Kv.ModRevision >= last.Header.Revision {
				return h, nil
			}
		}
	}
	return nil, ctx.Err()
}

func (h *history) add(event *clientv3.Event) error {
	switch key := string(event.Kv.Key); {
	case key == register:
		l := landing{revision: event.Kv.ModRevision}
		if err := json.Unmarshal(event.Kv.Value, &l.written); err != nil {
			return err
		}
		h.writes = append(h.writes, l)
	case key != leaseKey:
		return fmt.Errorf("a key that nobody knows: %q", key)
	case event.Type == clientv3.EventTypeDelete:
		h.terms[len(h.terms)-1].end = event.Kv.ModRevision
	default:
		var value struct{ Holder string }
		if err := json.Unmarshal(event.Kv.Value, &value); err != nil {
			return err
		}
		if event.IsCreate() {
			h.terms = append(h.terms, term{token: event.Kv.CreateRevision, holder: value.Holder})
		} else if last := h.terms[len(h.terms)-1]; last.holder != value.Holder || last.token != event.Kv.CreateRevision {
			return fmt.Errorf("the term %+v became one of %q", last, value.Holder)
		}
	}
	return nil
}
