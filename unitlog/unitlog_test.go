package unitlog_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/internal/linefile"
	"github.com/unit-agent/unit-agent/unitlog"
)

func TestRecordsAreReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	w := unitlog.NewWriter(path)
	defer w.Close()
	logger := slog.New(w.Handler(slog.LevelDebug))
	before := time.Now()
	logger.Debug("a line", "module", "unit.mysql/0.install")
	logger.Error("it \"broke\"\nbadly", "module", "uniter", "failures", 12345678901234567, "reason", "exit status 1")
	records, err := unitlog.Read("mysql/0", path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		if records[i].Time.Before(before.Truncate(time.Millisecond)) {
			t.Errorf("record %d has time %v, before %v", i, records[i].Time, before)
		}
		records[i].Time = time.Time{}
	}
	want := []unitlog.Record{
		{Level: slog.LevelDebug, Unit: "mysql/0", Module: "unit.mysql/0.install", Message: "a line"},
		{Level: slog.LevelError, Unit: "mysql/0", Module: "uniter", Message: "it \"broke\"\nbadly",
			Rest: "failures=12345678901234567 reason=exit status 1"},
	}
	if !reflect.DeepEqual(records, want) {
		t.Errorf("got %+v, want %+v", records, want)
	}
}

func TestDamagedLinesAreSkipped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	damaged := "{\"time\":\"2026-01-02T03:04:05Z\",\"level\":\"INFO\",\"msg\":\"kept\"}\n" +
		"not json\n{}\n[1]\n{\"time\":\"yesterday\",\"level\":\"INFO\",\"msg\":\"x\"}\n" +
		"{\"time\":\"2026-01-02T03:04:05Z\",\"level\":\"LOUD\",\"msg\":\"x\"}\n{\"time\":\"2026-"
	if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
		t.Fatal(err)
	}
	records, err := unitlog.Read("mysql/0", path)
	if err != nil || len(records) != 1 || records[0].Message != "kept" {
		t.Errorf("got %+v, %v; want the one good record", records, err)
	}
}

func TestMergeIsByTimeAndKeepsEachLogsOrder(t *testing.T) {
	at := func(second int, message string) unitlog.Record {
		return unitlog.Record{Time: time.Unix(int64(second), 0), Message: message}
	}
	merged := unitlog.Merge(
		[]unitlog.Record{at(1, "a1"), at(2, "a2"), at(2, "a3")},
		[]unitlog.Record{at(0, "b1"), at(2, "b2")},
	)
	var got []string
	for _, record := range merged {
		got = append(got, record.Message)
	}
	if want := "b1 a1 a2 a3 b2"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestFollow writes a line each time it has seen the one before, across a log
// that is not there at first and one that is moved aside.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	old, late := filepath.Join(dir, "old"), filepath.Join(dir, "late")
	oldWriter, lateWriter := unitlog.NewWriter(old), unitlog.NewWriter(late)
	defer oldWriter.Close()
	defer lateWriter.Close()
	oldLog := slog.New(oldWriter.Handler(slog.LevelInfo))
	oldLog.Info("from before")

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	seen := make(chan unitlog.Record)
	done := make(chan error, 1)
	go func() {
		done <- unitlog.Follow(ctx, map[string]string{"old/0": old, "late/0": late}, func(r unitlog.Record) {
			select {
			case seen <- r:
			case <-ctx.Done():
			}
		})
	}()
	expect := func(log func(), message string) {
		t.Helper()
		for {
			// Until the follower has started, it may miss what is logged.
			log()
			select {
			case r := <-seen:
				if r.Message != message {
					continue
				}
				return
			case <-time.After(10 * time.Millisecond):
				if ctx.Err() != nil {
					t.Fatalf("never saw %q", message)
				}
			}
		}
	}
	expect(func() { oldLog.Info("first") }, "first")
	expect(func() { slog.New(lateWriter.Handler(slog.LevelInfo)).Info("late") }, "late")
	if err := os.Rename(old, linefile.Previous(old)); err != nil {
		t.Fatal(err)
	}
	oldWriter.Close()
	expect(func() { oldLog.Info("second") }, "second")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
