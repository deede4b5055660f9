package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

const firstLog = "0000000000000000-0000000000000000.wal"

// seedStore makes a small store and returns its log, without the zeros that follow, and its database.
func seedStore(t testing.TB) (log, db []byte) {
	t.Helper()
	ctx := context.Background()
	dir := t.TempDir()
	s, err := Open(ctx, Config{Dir: dir, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if _, err := s.Client().Put(ctx, fmt.Sprint("key", i), "value"); err != nil {
			t.Fatal(err)
		}
	}
	s.Kill()
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	log, err = os.ReadFile(filepath.Join(dir, logDir, firstLog))
	if err != nil {
		t.Fatal(err)
	}
	db, err = os.ReadFile(filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimRight(log, "\x00"), bytes.TrimRight(db, "\x00")
}

func inspectLogBytes(t testing.TB, b []byte) (logState, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, firstLog), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return inspectLog(dir)
}

func inspectDatabaseBytes(t testing.TB, b []byte) (database, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return inspectDatabase(path)
}

func TestInspectSound(t *testing.T) {
	logBytes, dbBytes := seedStore(t)
	log, err := inspectLogBytes(t, append(logBytes, make([]byte, 4096)...))
	if err != nil {
		t.Fatal(err)
	}
	if log.files != 1 || log.last < 20 || log.committed < 20 || log.committed > log.last || log.snapshot != 0 {
		t.Errorf("log is %+v", log)
	}
	db, err := inspectDatabaseBytes(t, append(dbBytes, make([]byte, 1<<20)...))
	if err != nil {
		t.Fatal(err)
	}
	if db.applied < 20 || db.applied > log.last {
		t.Errorf("database is %+v, log is %+v", db, log)
	}
}

func TestInspectNothing(t *testing.T) {
	begun, err := inspect(t.TempDir())
	if begun || err != nil {
		t.Errorf("empty directory: %v, %v", begun, err)
	}
}

// A log may end anywhere: a crash can cut its last record short, and only that one.
func TestInspectLogCutAnywhere(t *testing.T) {
	whole, _ := seedStore(t)
	var last uint64
	for n := len(whole) / 2; n <= len(whole); n++ {
		log, err := inspectLogBytes(t, whole[:n])
		if err != nil {
			t.Fatalf("cut at byte %d of %d: %v", n, len(whole), err)
		}
		if log.last < last {
			t.Fatalf("cut at byte %d of %d: last entry %d, and %d with less of the log", n, len(whole), log.last, last)
		}
		last = log.last
	}
	if last < 20 {
		t.Errorf("last entry of the whole log is %d", last)
	}
}

func TestInspectDatabaseHeldByAnother(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "member/snap"), 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(filepath.Join(dir, databaseFile), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = inspect(dir)
	if !errors.Is(err, errInUse) || adviceOn(err) != "end the program that has member/snap/db open" {
		t.Errorf("got %v, %q", err, adviceOn(err))
	}
}

func FuzzInspectLog(f *testing.F) {
	log, _ := seedStore(f)
	f.Add(log)
	f.Add(log[:len(log)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		found, err := inspectLogBytes(t, b)
		var damage *damageError
		if err != nil && !errors.As(err, &damage) {
			t.Errorf("error is not about damage: %v", err)
		}
		if err == nil && found.snapshot > found.last {
			t.Errorf("snapshot after the last entry: %+v", found)
		}
	})
}

func FuzzInspectDatabase(f *testing.F) {
	_, db := seedStore(f)
	f.Add(db)
	f.Add(db[:len(db)/2])
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var damage *damageError
		if _, err := inspectDatabaseBytes(t, b); err != nil && !errors.As(err, &damage) {
			t.Errorf("error is not about damage: %v", err)
		}
	})
}
