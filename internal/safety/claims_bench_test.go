package safety

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/client/v3/concurrency"
	"golang.org/x/sync/errgroup"

	"github.com/unit-agent/unit-agent/store/etcdtest"
)

const (
	// claimants is how many claim at the same time.
	claimants = 32

	longLease = 5 * time.Minute
)

// BenchmarkClaims counts claims a second with so many leases held: fresh ones, of leases that are free, and renewals. Of etcd's elections
// a fresh claim is a session and a campaign, and a renewal is one keep-alive of the session and a proclamation, which is how its
// leader finds out, as a renewal does, that it still leads.
func BenchmarkClaims(b *testing.B) {
	cluster := etcdtest.NewCluster(b, 3)
	client := cluster.Client()
	for _, held := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("held=%d/manager", held), func(b *testing.B) {
			s, err := newStack(client, time.Minute)
			ok(b, err)
			benchmarkClaims(b, held, claims{
				claim: func(i int) error { return s.claimer.Claim(appName(i), appName(i)+"/0", longLease) },
				renew: func(i int) error { return s.claimer.Claim(appName(i), appName(i)+"/0", longLease) },
				end:   func(i int) error { return s.revoker.Revoke(appName(i), appName(i)+"/0") },
			})
			ok(b, s.stop())
		})
		b.Run(fmt.Sprintf("held=%d/election", held), func(b *testing.B) {
			ctx := context.Background()
			elections := make([]*concurrency.Election, 1_000_000)
			sessions := make([]*concurrency.Session, len(elections))
			benchmarkClaims(b, held, claims{
				claim: func(i int) (err error) {
					if sessions[i], err = concurrency.NewSession(client, concurrency.WithTTL(int(longLease/time.Second))); err != nil {
						return err
					}
					elections[i] = concurrency.NewElection(sessions[i], "/election/"+appName(i))
					return elections[i].Campaign(ctx, "")
				},
				renew: func(i int) error {
					if _, err := client.KeepAliveOnce(ctx, sessions[i].Lease()); err != nil {
						return err
					}
					return elections[i].Proclaim(ctx, "")
				},
				end: func(i int) error { return sessions[i].Close() },
			})
		})
	}
}

func appName(i int) string { return fmt.Sprint("app", i) }

// claims is something to claim leases with, which have numbers.
type claims struct{ claim, renew, end func(i int) error }

func benchmarkClaims(b *testing.B, held int, c claims) {
	all(b, 0, held, c.claim)
	next := held
	b.Run("fresh", func(b *testing.B) {
		first := next
		next += b.N
		b.ResetTimer()
		all(b, first, b.N, c.claim)
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "claims/s")
		all(b, first, b.N, c.end)
	})
	b.Run("renewal", func(b *testing.B) {
		all(b, 0, b.N, func(i int) error { return c.renew(i % held) })
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "claims/s")
	})
	all(b, 0, held, c.end)
}

// all does something with n leases, as many at a time as there are claimants.
func all(b *testing.B, first, n int, do func(i int) error) {
	b.Helper()
	var group errgroup.Group
	var done atomic.Int64
	for range claimants {
		group.Go(func() error {
			for {
				i := int(done.Add(1)) - 1
				if i >= n {
					return nil
				}
				if err := do(first + i); err != nil {
					return err
				}
			}
		})
	}
	ok(b, group.Wait())
}
