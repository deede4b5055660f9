package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/juju/clock/testclock"
	"github.com/unit-agent/unit-agent/store"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// messages is a log that a test waits on.
type messages chan string

func (m messages) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (m messages) WithAttrs([]slog.Attr) slog.Handler           { return m }
func (m messages) WithGroup(string) slog.Handler                { return m }
func (m messages) Handle(_ context.Context, r slog.Record) error {
	m <- fmt.Sprintf("%v %s", r.Level, r.Message)
	return nil
}

// expect waits for a message that begins so.
func (m messages) expect(t *testing.T, want string) {
	t.Helper()
	var others []string
	for {
		select {
		case got := <-m:
			if strings.HasPrefix(got, want) {
				return
			}
			others = append(others, got)
		case <-time.After(watchdog):
			t.Fatalf("no message %q, but %q", want, others)
		}
	}
}

const (
	smallQuota = 4 << 20
	warning    = "WARN the store is more than 80% full"
	fullError  = "ERROR the store is full and refuses writes"
	hasRoom    = "INFO the store has room again"
)

// openSmall opens a store whose clock the test moves, after its first look at its size.
func openSmall(t *testing.T) (*store.Store, *testclock.Clock, messages) {
	t.Helper()
	log := make(messages, 1000)
	clk := testclock.NewClock(time.Now())
	s := openStore(t, store.Config{Dir: t.TempDir(), Quota: smallQuota, Clock: clk, Logger: slog.New(log)})
	nextLook(t, clk, 0)
	return s, clk, log
}

// nextLook moves the clock on and returns when the look that is due then has been taken.
func nextLook(t *testing.T, clk *testclock.Clock, d time.Duration) {
	t.Helper()
	if err := clk.WaitAdvance(d, watchdog, 1); err != nil {
		t.Fatal(err)
	}
	if err := clk.WaitAdvance(0, watchdog, 1); err != nil { // the timer runs again
		t.Fatal(err)
	}
}

// fill writes n keys of 64 KiB each, unless the store is full before. The server then knows its
// size, which is otherwise that of a second ago.
func fill(t *testing.T, s *store.Store, n int) {
	t.Helper()
	for i := range n {
		_, err := s.Client().Put(testContext(t), fmt.Sprintf("fill/%03d", i), strings.Repeat("v", 64<<10))
		if errors.Is(err, rpctypes.ErrNoSpace) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	settle(t, s)
}

func settle(t *testing.T, s *store.Store) {
	t.Helper()
	snapshot, err := s.Client().Snapshot(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, snapshot); err != nil {
		t.Fatal(err)
	}
	snapshot.Close()
}

// checkFull makes sure that writes are refused.
func checkFull(t *testing.T, s *store.Store) {
	t.Helper()
	if _, err := s.Client().Put(testContext(t), "more", "v"); !errors.Is(err, rpctypes.ErrNoSpace) {
		t.Fatalf("a write to a full store: %v", err)
	}
}

func TestHistoryMakesRoom(t *testing.T) {
	s, clk, log := openSmall(t)
	for range 56 {
		put(t, s, "one key", strings.Repeat("v", 64<<10))
	}
	nextLook(t, clk, time.Minute)
	if got := <-log; got != "INFO defragmenting the store" {
		t.Fatalf("first message is %q", got)
	}
	for range 40 { // more than there was room for
		put(t, s, "one key", strings.Repeat("v", 64<<10))
	}
	settle(t, s)
	put(t, s, "one key", "v")
}

func TestWarningBelowQuota(t *testing.T) {
	s, clk, log := openSmall(t)
	fill(t, s, 56)
	nextLook(t, clk, time.Minute)
	log.expect(t, warning)

	// Not every minute, but again after an hour.
	for range 59 {
		nextLook(t, clk, time.Minute)
	}
	for len(log) > 0 {
		if got := <-log; strings.HasPrefix(got, warning) {
			t.Fatal("warned twice within the hour")
		}
	}
	nextLook(t, clk, time.Minute)
	log.expect(t, warning)
}

func TestFullStoreRecovers(t *testing.T) {
	s, clk, log := openSmall(t)
	fill(t, s, 100)
	checkFull(t, s)
	log.expect(t, fullError) // at once: the clock has not moved

	if _, err := s.Client().Delete(testContext(t), "fill/", clientv3.WithPrefix()); err != nil {
		t.Fatalf("cannot delete from a full store: %v", err)
	}
	checkFull(t, s)
	nextLook(t, clk, time.Minute)
	log.expect(t, hasRoom)
	put(t, s, "k", "v")
}

func TestFullStoreIsServedAfterRestart(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, store.Config{Dir: dir, Quota: smallQuota})
	fill(t, s, 100)
	checkFull(t, s)
	closeStore(t, s)

	log := make(messages, 1000)
	s = openStore(t, store.Config{Dir: dir, Quota: smallQuota, Logger: slog.New(log)})
	log.expect(t, fullError)
	closeStore(t, s)

	// A greater quota is room, too.
	s = openStore(t, store.Config{Dir: dir, Quota: 4 * smallQuota, Logger: slog.New(log)})
	log.expect(t, hasRoom)
	put(t, s, "k", "v")
}
