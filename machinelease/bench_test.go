package machinelease_test

import (
	"fmt"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// What a call costs beside a bare transaction of etcd, on the embedded server.
//
//	go test ./machinelease -run '^$' -bench . -benchtime 2s
func BenchmarkCalls(b *testing.B) {
	m, client := start(b)
	ctx := testContext(b)
	l := acquire(b, m, "a", "m1", 1, minute)
	n := 0
	for _, c := range []struct {
		name string
		call func() error
	}{
		{"bare put", func() error {
			_, err := client.Txn(ctx).Then(clientv3.OpPut("/bare", "value")).Commit()
			return err
		}},
		{"get", func() error { _, err := m.GetLease("a"); return err }},
		{"acquire", func() error { n++; _, err := m.AcquireLease(fmt.Sprint("b", n), "m1", 1, minute); return err }},
		{"acquire held", func() error { _, err := m.AcquireLease("a", "m1", 1, minute); return err }},
		{"renew", func() error { return l.Renew(minute) }},
		{"steal", func() (err error) { l, err = m.StealLease("a", "m2", 1, minute, l.Index()); return err }},
		{"acquire and release", func() error {
			l, err := m.AcquireLease("c", "m1", 1, minute)
			if err != nil {
				return err
			}
			return l.Release()
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if err := c.call(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}
