package election

import (
	"context"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"google.golang.org/protobuf/proto"

	"github.com/unit-agent/unit-agent/election/pb"
)

// Observe is Watch for those who do not stand: no state is StateLeader.
func Observe(ctx context.Context, session *concurrency.Session, path string) <-chan ElectionState {
	return New(session, path, nil).Watch(ctx)
}

// Watch delivers the present state as soon as the store has told it, and then the newest whenever it has changed. A reader that is slow misses states, but what it reads
// is the newest. The channel is closed when the context or the client has ended; not when the session has.
func (e *Election) Watch(ctx context.Context) <-chan ElectionState {
	states := make(chan ElectionState)
	seen := make(chan ElectionState)
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(e.client.Ctx(), cancel)
	go func() {
		defer close(seen)
		e.follow(ctx, seen)
	}()
	go func() {
		defer close(states)
		defer cancel()
		defer stop()
		var newest ElectionState
		var to chan<- ElectionState // nil while the reader has the newest
		for {
			select {
			case state, open := <-seen:
				if !open {
					return
				}
				newest, to = state, states
			case to <- newest:
				to = nil
			}
		}
	}()
	return states
}

// tenure tells one state from another.
type tenure struct {
	created, modified int64
	own               bool
}

// follow sends each state that it sees until the context ends.
func (e *Election) follow(ctx context.Context, seen chan<- ElectionState) {
	last := tenure{created: -1}
	for ctx.Err() == nil {
		var response *clientv3.GetResponse
		err := insist(ctx, func(ctx context.Context) (err error) {
			response, err = e.client.Get(ctx, e.prefix(), clientv3.WithFirstCreate()...)
			return err
		})
		if err != nil {
			pause(ctx, lookAgain) // for want of permission, say, which may be given
			continue
		}
		now, state := tenure{}, ElectionState{}
		watched := []string{e.prefix(), clientv3.GetPrefixRangeEnd(e.prefix())}
		if len(response.Kvs) > 0 {
			kv := response.Kvs[0]
			now, state = e.judge(kv)
			watched = []string{string(kv.Key)}
		}
		if now != last {
			select {
			case seen <- state:
				last = now
			case <-ctx.Done():
				return
			}
		}
		waiting, cancel := context.WithCancel(ctx)
		stop := func() bool { return true }
		if now.own {
			stop = context.AfterFunc(e.session.Ctx(), cancel)
		}
		await(waiting, e.client, response.Header.Revision, watched)
		stop()
		cancel()
	}
}

// judge tells the state by the leader's key. A candidate whose session has ended does not lead, whatever the store says yet.
func (e *Election) judge(kv *mvccpb.KeyValue) (tenure, ElectionState) {
	state := ElectionState{State: StateFollower, Leader: &pb.Endpoint{}}
	if proto.Unmarshal(kv.Value, state.Leader) != nil {
		// Not one of ours. It leads all the same.
		state.Leader = &pb.Endpoint{Name: string(kv.Key)}
	}
	t := tenure{created: kv.CreateRevision, modified: kv.ModRevision}
	if e.self != nil && string(kv.Key) == e.key() {
		if e.session.Ctx().Err() != nil {
			return tenure{}, ElectionState{}
		}
		t.own, state.State = true, StateLeader
	}
	return t, state
}
