package election

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// tryTime is how long one member gets to answer; then another one is asked.
	tryTime = 2 * time.Second

	// tryAgain is the time between two tries.
	tryAgain = 50 * time.Millisecond

	// lookAgain is how long a watch is trusted that tells nothing.
	lookAgain = 5 * time.Second
)

// insist calls again what fails for a reason that passes, until the context ends.
func insist(ctx context.Context, call func(context.Context) error) error {
	return insistFor(ctx, tryTime, call)
}

func insistFor(ctx context.Context, tryTime time.Duration, call func(context.Context) error) error {
	for {
		try, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), tryTime)
		err := call(try)
		cancel()
		if err == nil || !passes(err) {
			return err
		}
		if !pause(ctx, tryAgain) {
			return fmt.Errorf("no answer from the cluster: %w: %w", ctx.Err(), err)
		}
	}
}

// passes tells whether an error is of a kind that passes.
func passes(err error) bool {
	var known rpctypes.EtcdError
	code := status.Code(err)
	if errors.As(err, &known) {
		code = known.Code()
	}
	switch code {
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented, codes.NotFound, codes.FailedPrecondition,
		codes.OutOfRange:
		return false
	}
	return true
}

// pause lets d pass, and returns false if the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// await returns when something happened after a revision to one of some keys, or may have happened, or the context ended. It is the caller's to look what
// there is. A key may be followed by the end of a range that it begins.
func await(ctx context.Context, client *clientv3.Client, revision int64, keys ...[]string) {
	ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), lookAgain)
	var watches sync.WaitGroup
	defer watches.Wait()
	defer cancel()
	for _, key := range keys {
		options := []clientv3.OpOption{clientv3.WithRev(revision + 1)}
		if len(key) > 1 {
			options = append(options, clientv3.WithRange(key[1]))
		}
		watches.Go(func() {
			select {
			case response, open := <-client.Watch(ctx, key[0], options...):
				if !open || response.Err() != nil {
					pause(ctx, tryAgain) // or it would be tried without end while it fails
				}
				cancel()
			case <-ctx.Done():
			}
		})
	}
	<-ctx.Done()
}
