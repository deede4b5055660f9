package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/store"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sys/unix"
)

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	t.Cleanup(cancel)
	return ctx
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func openStore(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = quiet()
	}
	s, err := store.Open(testContext(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		s.Wait()
	})
	return s
}

func closeStore(t testing.TB, s *store.Store) {
	t.Helper()
	s.Kill()
	if err := s.Wait(); err != nil {
		t.Fatalf("store ended with %v", err)
	}
}

func put(t testing.TB, s *store.Store, key, value string) {
	t.Helper()
	if _, err := s.Client().Put(testContext(t), key, value); err != nil {
		t.Fatal(err)
	}
}

func checkValue(t testing.TB, s *store.Store, key, want string) {
	t.Helper()
	got, err := s.Client().Get(testContext(t), key)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Kvs) != 1 || string(got.Kvs[0].Value) != want {
		t.Fatalf("%s is %v, want %q", key, got.Kvs, want)
	}
}

func checkServing(t testing.TB, s *store.Store, want bool) {
	t.Helper()
	if got := s.Serving(); got != want {
		t.Fatalf("Serving is %v, want %v", got, want)
	}
}

func TestOpenAndReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "etcd")
	s := openStore(t, store.Config{Dir: dir})
	checkServing(t, s, true)
	put(t, s, "k", "v")
	closeStore(t, s)
	checkServing(t, s, false)

	s = openStore(t, store.Config{Dir: dir})
	checkValue(t, s, "k", "v")
}

func TestDirectoryIsPrivate(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, store.Config{Dir: dir})
	for path, want := range map[string]os.FileMode{
		dir:                                  os.ModeDir | 0o700,
		filepath.Join(dir, "client.sock"):    os.ModeSocket | 0o600,
		filepath.Join(dir, "serve.lock"):     0o600,
		filepath.Join(dir, "member"):         os.ModeDir | 0o700,
		filepath.Join(dir, "member/wal"):     os.ModeDir | 0o700,
		filepath.Join(dir, "member/snap"):    os.ModeDir | 0o700,
		filepath.Join(dir, "member/snap/db"): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
	}
	closeStore(t, s)
	if _, err := os.Lstat(filepath.Join(dir, "client.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket after the end: %v", err)
	}
}

func TestRelativeDirOutlivesChdir(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := openStore(t, store.Config{Dir: "etcd"})
	t.Chdir("/")
	second := openStore(t, store.Config{Dir: filepath.Join(dir, "etcd")})
	checkServing(t, second, false)
	put(t, s, "k", "v")
	checkValue(t, second, "k", "v")
}

func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30), strings.Repeat("l", 60))
	s := openStore(t, store.Config{Dir: dir})
	put(t, s, "k", "v")
	p := startProcess(t, dir)
	p.expect("using")
	p.ask("put k w", "ok")
	checkValue(t, s, "k", "w")
	p.stop()
	closeStore(t, s)
	if _, err := os.Lstat(filepath.Join(dir, "client.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket after the end: %v", err)
	}
}

func TestSecondStoreInOneProcess(t *testing.T) {
	dir := t.TempDir()
	first := openStore(t, store.Config{Dir: dir})
	second := openStore(t, store.Config{Dir: dir})
	checkServing(t, first, true)
	checkServing(t, second, false)
	put(t, first, "k", "v")
	checkValue(t, second, "k", "v")
	closeStore(t, second)
	checkValue(t, first, "k", "v")
}

func TestClientEndsWithStore(t *testing.T) {
	s := openStore(t, store.Config{Dir: t.TempDir()})
	closeStore(t, s)
	if _, err := s.Client().Get(testContext(t), "k"); err == nil {
		t.Fatal("the client of an ended store works")
	}
}

func TestLimits(t *testing.T) {
	s := openStore(t, store.Config{Dir: t.TempDir()})
	limits := s.Limits()
	ops := make([]clientv3.Op, limits.MaxTxnOps)
	for i := range ops {
		ops[i] = clientv3.OpPut(fmt.Sprint(i), "v")
	}
	if _, err := s.Client().Txn(testContext(t)).Then(ops...).Commit(); err != nil {
		t.Errorf("transaction at the limit: %v", err)
	}
	_, err := s.Client().Txn(testContext(t)).Then(append(ops, clientv3.OpPut("more", "v"))...).Commit()
	if !errors.Is(err, rpctypes.ErrTooManyOps) {
		t.Errorf("transaction above the limit: %v", err)
	}

	const envelope = 1024
	put(t, s, "big", strings.Repeat("v", limits.MaxRequestBytes-envelope))
	_, err = s.Client().Put(testContext(t), "big", strings.Repeat("v", limits.MaxRequestBytes+envelope))
	if !errors.Is(err, rpctypes.ErrRequestTooLarge) {
		t.Errorf("request above the limit: %v", err)
	}
}

func TestLeasesOfTwoSeconds(t *testing.T) {
	s := openStore(t, store.Config{Dir: t.TempDir()})
	ctx := testContext(t)
	for ttl, want := range map[int64]int64{1: 2, 2: 2, 3: 3} {
		lease, err := s.Client().Grant(ctx, ttl)
		if err != nil {
			t.Fatal(err)
		}
		if lease.TTL != want {
			t.Errorf("asked for a lease of %d s and got %d s, want %d s", ttl, lease.TTL, want)
		}
	}
	lease, err := s.Client().Grant(ctx, 2)
	if err != nil {
		t.Fatal(err)
	}
	gone := s.Client().Watch(ctx, "k", clientv3.WithFilterPut())
	if _, err := s.Client().Put(ctx, "k", "v", clientv3.WithLease(lease.ID)); err != nil {
		t.Fatal(err)
	}
	if resp := <-gone; len(resp.Events) != 1 || resp.Events[0].Type != clientv3.EventTypeDelete {
		t.Fatalf("the key of an expired lease: %+v", resp)
	}
}

// Somebody holds the lock but has no socket: it is starting, or stopping.
func TestOpenWaitsForTheHolder(t *testing.T) {
	dir := t.TempDir()
	lock, err := os.Create(filepath.Join(dir, "serve.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	lock.WriteString("12345\n")

	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = store.Open(ctx, store.Config{Dir: dir, Logger: quiet()})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("opened within a short time: %v", err)
	}
	if !strings.Contains(err.Error(), "process 12345 holds it") {
		t.Errorf("the error names nobody: %v", err)
	}

	opened := make(chan error, 1)
	go func() {
		s, err := store.Open(testContext(t), store.Config{Dir: dir, Logger: quiet()})
		if err == nil {
			s.Kill()
			err = s.Wait()
		}
		opened <- err
	}()
	lock.Close()
	if err := <-opened; err != nil {
		t.Fatalf("after the holder went: %v", err)
	}
}

func TestOpenWithEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	if _, err := store.Open(ctx, store.Config{Dir: dir, Logger: quiet()}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	// What was begun is undone, so that the directory is free.
	put(t, openStore(t, store.Config{Dir: dir}), "k", "v")
}

func TestContextOfOpenIsForOpeningOnly(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := store.Open(ctx, store.Config{Dir: t.TempDir(), Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	put(t, s, "k", "v")
	closeStore(t, s)
}

func TestNoServe(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "etcd")
	cfg := store.Config{Dir: dir, NoServe: true, Logger: quiet()}
	checkNotServed := func() {
		t.Helper()
		if _, err := store.Open(testContext(t), cfg); !errors.Is(err, store.ErrNotServed) {
			t.Fatalf("got %v", err)
		}
	}
	checkNotServed()
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 0 {
		t.Fatalf("something was made: %v, %v", entries, err)
	}
	s := openStore(t, store.Config{Dir: dir})
	put(t, s, "k", "v")
	visitor := openStore(t, cfg)
	checkValue(t, visitor, "k", "v")
	closeStore(t, visitor)
	closeStore(t, s)
	checkNotServed()
}
