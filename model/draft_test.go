package model

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// plain opens a model on etcd's default limits.
func newPlainRig(t testing.TB) *rig {
	config := testConfig()
	config.MaxTxnOps, config.MaxRequestBytes = 0, 0
	return openRig(t, config)
}

func TestTooManyOperations(t *testing.T) {
	r := newPlainRig(t)
	r.deploy(mysql, 1)
	r.unchanged(func() {
		_, err := r.AddUnits(r.ctx, "mysql", 128, "")
		var large *TooLargeError
		if !errors.Is(err, ErrTooLarge) || !errors.As(err, &large) {
			t.Fatalf("got error %v, want ErrTooLarge", err)
		}
		if large.Figure != 129 || large.Limit != 128 {
			t.Errorf("got %d operations of %d, want 129 of 128", large.Figure, large.Limit)
		}
		wantError(t, err, `cannot add unit to application "mysql": too large: 129 operations in one transaction, and the store takes 128: `+
			`do it in several smaller steps, or raise the limit of the cluster (--max-txn-ops)`)
		if _, err := r.AddUnits(r.ctx, "mysql", 1<<40, ""); !errors.Is(err, ErrTooLarge) {
			t.Errorf("got error %v, want ErrTooLarge", err)
		}
	})
	// As many as the limit allows are taken by etcd too.
	units, err := r.AddUnits(r.ctx, "mysql", 127, "")
	r.check(err)
	if got := units[len(units)-1]; got != "mysql/127" {
		t.Errorf("the last unit is %s, want mysql/127", got)
	}
}

func TestTooManyBytes(t *testing.T) {
	r := newPlainRig(t)
	r.deploy(mysql, 1)
	r.deploy(wordpress, 0)
	relation := r.relate("mysql", "wordpress")
	r.enter(relation.Id, "mysql/0")
	commit := func(n int) error {
		return r.Commit(r.ctx, Flush{
			Unit:           "mysql/0",
			RelationUnit:   map[int]map[string]string{relation.Id: {"big": strings.Repeat("x", n)}},
			WorkloadStatus: &StatusInfo{Status: StatusActive},
		})
	}
	r.unchanged(func() {
		err := commit(defaultMaxRequestBytes)
		var large *TooLargeError
		if !errors.Is(err, ErrTooLarge) || !errors.As(err, &large) {
			t.Fatalf("got error %v, want ErrTooLarge", err)
		}
		if large.Limit != 1572864 || large.Figure <= large.Limit {
			t.Errorf("got %d bytes of %d", large.Figure, large.Limit)
		}
		if !strings.Contains(err.Error(), "bytes in one request, and the store takes 1572864: write less at once") {
			t.Errorf("got error %q", err)
		}
	})
	r.check(commit(defaultMaxRequestBytes - 4096))
}

// TestRequestBytesIsEnough holds the estimate against the size of the request that etcd measures.
func TestRequestBytesIsEnough(t *testing.T) {
	for _, size := range []int{0, 1, 100, 200, 20000, 1 << 21} {
		for _, n := range []int{0, 1, 10, 200} {
			text := strings.Repeat("k", size/max(n, 1))
			request := &pb.TxnRequest{}
			var compare []clientv3.Cmp
			var ops []clientv3.Op
			for i := range n {
				key := fmt.Sprint(text, i)
				cmp := clientv3.Compare(clientv3.ModRevision(key), "=", 1<<60).WithPrefix()
				compare = append(compare, cmp)
				request.Compare = append(request.Compare, (*pb.Compare)(&cmp))
				ops = append(ops, clientv3.OpPut(key, text, clientv3.WithLease(1<<60)), clientv3.OpDelete(key, clientv3.WithPrefix()))
				request.Success = append(request.Success,
					&pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: []byte(key), Value: []byte(text), Lease: 1 << 60}}},
					&pb.RequestOp{Request: &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: &pb.DeleteRangeRequest{
						Key: []byte(key), RangeEnd: []byte(clientv3.GetPrefixRangeEnd(key)),
					}}})
			}
			// Around it goes a header with an id and a user's name.
			whole := (&pb.InternalRaftRequest{Header: &pb.RequestHeader{ID: 1 << 62, Username: "somebody", AuthRevision: 1 << 40}, Txn: request}).Size()
			if estimate := requestBytes(compare, ops); estimate < whole {
				t.Errorf("%d operations on %d bytes: estimated %d, is %d", n, size, estimate, whole)
			}
		}
	}
}

func TestReadsInChunks(t *testing.T) {
	r := newPlainRig(t)
	r.deploy(mysql, 100)
	r.deploy(wordpress, 0)
	_, err := r.AddUnits(r.ctx, "mysql", 100, "")
	r.check(err)
	// It reads the records of 200 units where one transaction may hold 128 reads.
	err = r.RemoveApplication(r.ctx, "mysql")
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("got error %v, want ErrTooLarge", err)
	}
	for i := range 100 {
		r.check(r.RemoveUnit(r.ctx, fmt.Sprintf("mysql/%d", i)))
	}
	r.check(r.RemoveApplication(r.ctx, "mysql"))
	if r.applicationLife("mysql") != "" {
		t.Error("the application is still there")
	}
}

// TestOverlappingWrites removes a range, keys in it, and puts keys in it, of which etcd takes only the first.
func TestOverlappingWrites(t *testing.T) {
	r := newRig(t)
	base := string(r.keys) + "x/"
	for _, key := range []string{"a/1", "a/2", "b"} {
		r.put(base+key, "{}")
	}
	_, err := r.transact(r.ctx, nil, func(d *draft) error {
		d.touch(base + "a/3")
		d.remove(base + "a/1")
		d.removeAll(base + "a/")
		d.touch(base + "b")
		d.remove(base + "b")
		d.touch(base + "c")
		left, err := d.remaining(base)
		if left != "" {
			t.Errorf("%s is to remain", left)
		}
		return err
	})
	r.check(err)
	if r.count(base) != 1 || r.value(base+"c") != "{}" {
		t.Errorf("%d keys are left", r.count(base))
	}
}

func TestFence(t *testing.T) {
	r := newRig(t)
	r.deploy(mysql, 1)
	fence := r.keys.charm("mysql")
	holds := clientv3.Compare(clientv3.CreateRevision(fence), ">", 0)
	fails := clientv3.Compare(clientv3.CreateRevision(fence), "=", 0)
	r.check(r.SetApplicationStatus(r.ctx, "mysql", StatusInfo{Status: StatusActive}, holds))
	r.unchanged(func() {
		err := r.SetApplicationStatus(r.ctx, "mysql", StatusInfo{Status: StatusBlocked}, holds, fails)
		if !errors.Is(err, ErrFenced) {
			t.Errorf("got error %v, want ErrFenced", err)
		}
	})
}

// TestConflictIsTriedAgain changes what a transaction was decided on between its reads and its write.
func TestConflictIsTriedAgain(t *testing.T) {
	r := newRig(t)
	key := string(r.keys) + "sequences/test"
	attempts := 0
	_, err := r.transact(r.ctx, nil, func(d *draft) error {
		attempts++
		n, err := d.next(key, 1)
		if attempts <= 6 {
			r.put(key, fmt.Sprintf(`{"next":%d}`, n+10))
		}
		return err
	})
	r.check(err)
	if got := r.value(key); attempts != 7 || got != `{"next":61}` {
		t.Errorf("after %d attempts the sequence is %s, want 7 and {\"next\":61}", attempts, got)
	}
}

func TestConflictsEnd(t *testing.T) {
	r := newRig(t)
	key := string(r.keys) + "sequences/test"
	attempts := 0
	_, err := r.transact(r.ctx, nil, func(d *draft) error {
		attempts++
		_, err := d.next(key, 1)
		r.put(key, fmt.Sprintf(`{"next":%d}`, attempts))
		return err
	})
	wantError(t, err, "cannot write the model: others changed the same things 100 times in between: try again")
	if attempts != maxAttempts {
		t.Errorf("%d attempts, want %d", attempts, maxAttempts)
	}
}

// TestReadsAreOfOneMoment reads two keys that are always written together, one after the other.
func TestReadsAreOfOneMoment(t *testing.T) {
	r := newRig(t)
	a, b := string(r.keys)+"x/a", string(r.keys)+"x/b"
	write := func(n int) {
		_, err := r.client.Txn(r.ctx).Then(clientv3.OpPut(a, fmt.Sprint(n)), clientv3.OpPut(b, fmt.Sprint(n))).Commit()
		r.check(err)
	}
	write(0)
	_, err := r.transact(r.ctx, nil, func(d *draft) error {
		first, err := d.peek(a)
		r.check(err)
		write(1)
		second, err := d.peek(b)
		r.check(err)
		listed, err := d.list(string(r.keys) + "x/")
		r.check(err)
		if string(first) != "0" || string(second) != "0" || string(listed[0].Value) != "0" {
			t.Errorf("read %s, %s and %s", first, second, listed[0].Value)
		}
		return nil
	})
	r.check(err)
}

func TestListPages(t *testing.T) {
	r := newRig(t)
	prefix := string(r.keys) + "x/"
	const n = 2*pageSize + 7
	for chunk := 0; chunk < n; chunk += 100 {
		var ops []clientv3.Op
		for i := chunk; i < min(chunk+100, n); i++ {
			ops = append(ops, clientv3.OpPut(fmt.Sprintf("%s%06d", prefix, i), fmt.Sprint(i)))
		}
		_, err := r.client.Txn(r.ctx).Then(ops...).Commit()
		r.check(err)
	}
	found, revision, err := r.list(r.ctx, prefix, 0)
	r.check(err)
	if len(found) != n || revision == 0 {
		t.Fatalf("listed %d keys at revision %d, want %d", len(found), revision, n)
	}
	for i, kv := range found {
		if string(kv.Value) != fmt.Sprint(i) {
			t.Fatalf("key %d is %s", i, kv.Value)
		}
	}
}

// TestSequenceAtOnce takes numbers from many goroutines: none comes twice.
func TestSequenceAtOnce(t *testing.T) {
	r := newRig(t)
	var mu sync.Mutex
	taken := map[string]bool{}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for range 8 {
				id, err := r.AddMachine(r.ctx, Machine{})
				mu.Lock()
				if err != nil || taken[id] {
					t.Errorf("machine %q was given twice, or error %v", id, err)
				}
				taken[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if !taken["0"] || !taken["47"] || len(taken) != 48 {
		t.Errorf("got machines %v, want 0 to 47", taken)
	}
}
