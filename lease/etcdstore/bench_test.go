package etcdstore_test

import (
	"fmt"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/store/etcdtest"
)

// What an operation on a lease costs beside a bare transaction of etcd, on the embedded server.
//
//	go test ./lease/etcdstore -run '^$' -bench . -benchtime 2s
func BenchmarkOperations(b *testing.B) {
	client := etcdtest.Start(b)
	store := start(b, client)
	ctx := testContext(b)
	hour := request("h/0", time.Hour)
	measure := func(name string, op func(i int) error) {
		i := 0
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := op(i); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
	measure("bare/put", func(int) error {
		_, err := client.Txn(ctx).Then(clientv3.OpPut("/bare", "value")).Commit()
		return err
	})
	measure("bare/read", func(int) error {
		_, err := client.Get(ctx, "/bare")
		return err
	})
	measure("bare/grant", func(int) error {
		_, err := client.Grant(ctx, 3600)
		return err
	})
	measure("claim", func(i int) error { return store.ClaimLease(key(fmt.Sprint("claim-", i)), hour, nil) })
	measure("claim and revoke", func(int) error {
		if err := store.ClaimLease(key("revoke"), hour, nil); err != nil {
			return err
		}
		return store.RevokeLease(key("revoke"), "h/0", nil)
	})
	ok(b, store.ClaimLease(key("a"), hour, nil))
	measure("claim denied", func(int) error {
		if err := store.ClaimLease(key("a"), request("h/1", time.Hour), nil); !lease.IsInvalid(err) {
			return fmt.Errorf("got error %v", err)
		}
		return nil
	})
	measure("extend", func(int) error { return store.ExtendLease(key("a"), hour, nil) })
	measure("extend that is covered", func(int) error { return store.ExtendLease(key("a"), request("h/0", time.Minute), nil) })
	measure("extend by a new etcd lease", func(i int) error {
		return store.ExtendLease(key("a"), request("h/0", time.Hour+time.Duration(i+1)*time.Second), nil)
	})
	measure("pin and unpin", func(int) error {
		if err := store.PinLease(key("a"), "e", nil); err != nil {
			return err
		}
		return store.UnpinLease(key("a"), "e", nil)
	})
}

// Looking does not get slower with the number of leases, and Refresh only by what it takes to list their names.
func BenchmarkReads(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint("leases=", n), func(b *testing.B) {
			client := etcdtest.Start(b)
			ctx := testContext(b)
			grant, err := client.Grant(ctx, 3600)
			ok(b, err)
			for i := 0; i < n; i += 100 {
				var puts []clientv3.Op
				for j := i; j < min(i+100, n); j++ {
					value := fmt.Sprintf(`{"holder":"h/0","lease":"%x","ttl":3600}`, int64(grant.ID))
					puts = append(puts, clientv3.OpPut(where(fmt.Sprint("lease-", j)), value, clientv3.WithLease(grant.ID)))
				}
				_, err := client.Txn(ctx).Then(puts...).Commit()
				ok(b, err)
			}
			begin := time.Now()
			store := start(b, client)
			b.Logf("start with %d leases: %v", n, time.Since(begin).Round(10*time.Microsecond))
			if got := len(store.Leases()); got != n {
				b.Fatalf("%d leases are shown, want %d", got, n)
			}
			b.Run("one", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_ = store.Leases(key("lease-0"))
				}
			})
			b.Run("refresh", func(b *testing.B) {
				for b.Loop() {
					ok(b, store.Refresh())
				}
			})
			b.Run("extend", func(b *testing.B) {
				for b.Loop() {
					ok(b, store.ExtendLease(key("lease-0"), request("h/0", 10*time.Hour), nil))
				}
			})
		})
	}
}
