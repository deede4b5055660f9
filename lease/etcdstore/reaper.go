package etcdstore

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// reaper ends etcd leases that no key needs any more, and finds out about attempts of unknown outcome. It tries again until it has done so, or
// until the etcd lease is over anyway.
type reaper struct {
	store *Store
	log   *slog.Logger

	mu   sync.Mutex
	jobs []*job        // those that wait
	wake chan struct{} // has room for one
}

// job is something to be done in the background.
type job struct {
	// try does it, and returns errNotYet if it must be done again although nothing failed.
	try func(ctx context.Context) error

	// notBefore is when to try, delay how long to wait after that, until when it is worth it.
	notBefore time.Time
	delay     time.Duration
	until     time.Time
}

// errNotYet is what a job returns that is to be tried again.
var errNotYet = errors.New("not yet")

const (
	firstReapDelay = 20 * time.Millisecond
	maxReapDelay   = time.Second

	// maxReapTime is how long the reaper tries to revoke an etcd lease whose time it does not know.
	maxReapTime = 5 * time.Minute

	// maxReaping bounds the jobs that are tried at a time.
	maxReaping = 16

	// lastRites is how long a store that stops goes on to try.
	lastRites = time.Second
)

func newReaper(s *Store) *reaper {
	return &reaper{store: s, log: s.config.Logger, wake: make(chan struct{}, 1)}
}

// revoke ends an etcd lease, which counts for at most ttl seconds. No key that matters may be bound to it, now or later.
func (r *reaper) revoke(id clientv3.LeaseID, ttl int64) {
	if id != 0 {
		r.add(ttl, func(ctx context.Context) error { return r.revokeNow(ctx, id) })
	}
}

// revokeLate ends an etcd lease of which it is not known whether it was granted, or will be yet.
func (r *reaper) revokeLate(id clientv3.LeaseID, ttl int64) {
	r.add(ttl, func(ctx context.Context) error {
		_, err := r.store.leases.LeaseRevoke(ctx, &pb.LeaseRevokeRequest{ID: int64(id)})
		if isLeaseNotFound(err) {
			return errNotYet
		}
		return err
	})
}

func (r *reaper) revokeNow(ctx context.Context, id clientv3.LeaseID) error {
	_, err := r.store.leases.LeaseRevoke(ctx, &pb.LeaseRevokeRequest{ID: int64(id)})
	if isLeaseNotFound(err) {
		return nil
	}
	return err
}

func (r *reaper) add(ttl int64, try func(context.Context) error) {
	now := time.Now()
	// An etcd lease is over at the latest when it has counted from its granting, which was before now or is being waited for; a change
	// of etcd's leader, which lets it count anew, is not worth waiting for.
	alive := min(time.Duration(ttl+1)*time.Second, maxReapTime)
	r.mu.Lock()
	r.jobs = append(r.jobs, &job{try: try, notBefore: now, delay: firstReapDelay, until: now.Add(alive)})
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run does the jobs until the store stops, and then tries each that is left once more.
func (r *reaper) run() error {
	slots := make(chan struct{}, maxReaping)
	var running sync.WaitGroup
	timer := time.NewTimer(0)
	defer timer.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for r.store.alive.Err() == nil {
		select {
		case slots <- struct{}{}:
		case <-r.store.alive.Done():
			continue
		}
		if due, next := r.take(time.Now()); due != nil {
			running.Go(func() {
				r.attempt(ctx, due)
				<-slots
			})
			continue
		} else if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
		<-slots
		select {
		case <-r.wake:
		case <-timer.C:
		case <-r.store.alive.Done():
		}
	}
	r.store.inUse.close()
	last := time.AfterFunc(lastRites, cancel)
	defer last.Stop()
	running.Wait()
	r.finish(ctx)
	return nil
}

// take removes a job that is due, or tells when the next one will be.
func (r *reaper) take(now time.Time) (due *job, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, j := range r.jobs {
		if !now.Before(j.notBefore) {
			last := len(r.jobs) - 1
			r.jobs[i], r.jobs[last] = r.jobs[last], nil
			r.jobs = r.jobs[:last]
			return j, time.Time{}
		}
		if next.IsZero() || j.notBefore.Before(next) {
			next = j.notBefore
		}
	}
	return nil, next
}

// attempt tries a job, and puts it back if it is to be tried again.
func (r *reaper) attempt(ctx context.Context, j *job) {
	if err := r.try(ctx, j); err == nil {
		return
	}
	j.notBefore = time.Now().Add(j.delay)
	j.delay = min(2*j.delay, maxReapDelay)
	if j.notBefore.After(j.until) {
		return
	}
	r.mu.Lock()
	r.jobs = append(r.jobs, j)
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *reaper) try(ctx context.Context, j *job) error {
	ctx, cancel := context.WithTimeout(ctx, r.store.config.OperationTimeout)
	defer cancel()
	err := rpctypes.Error(j.try(ctx))
	if err != nil && !errors.Is(err, errNotYet) {
		r.log.Debug("cannot clean up after an operation on a lease", "error", err)
		if !isTransient(err) {
			return nil
		}
	}
	return err
}

// finish tries each job once, and what comes of it.
func (r *reaper) finish(ctx context.Context) {
	slots := make(chan struct{}, maxReaping)
	for {
		r.mu.Lock()
		jobs := r.jobs
		r.jobs = nil
		r.mu.Unlock()
		if len(jobs) == 0 || ctx.Err() != nil {
			return
		}
		var running sync.WaitGroup
		for _, j := range jobs {
			slots <- struct{}{}
			running.Go(func() {
				_ = r.try(ctx, j)
				<-slots
			})
		}
		running.Wait()
	}
}
