package unitlog_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
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

// following is a Follow that runs.
type following struct {
	t       *testing.T
	cancel  func()
	seen    chan unitlog.Record
	stopped chan error
}

// follow starts to follow and waits for what is past.
func follow(t *testing.T, logs unitlog.Logs) (past []unitlog.Record, f *following) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	f = &following{t: t, cancel: cancel, seen: make(chan unitlog.Record), stopped: make(chan error, 1)}
	begun := make(chan []unitlog.Record, 1)
	go func() {
		f.stopped <- unitlog.Follow(ctx, logs, func(records []unitlog.Record) { begun <- records }, func(r unitlog.Record) {
			select {
			case f.seen <- r:
			case <-ctx.Done():
			}
		})
	}()
	select {
	case past = <-begun:
	case err := <-f.stopped:
		t.Fatalf("it did not begin: %v", err)
	}
	return past, f
}

// expect waits for records, which are all that come.
func (f *following) expect(messages ...string) {
	f.t.Helper()
	for _, message := range messages {
		select {
		case r := <-f.seen:
			if r.Message != message {
				f.t.Fatalf("saw %q, want %q", r.Message, message)
			}
		case err := <-f.stopped:
			f.t.Fatalf("it ended before %q: %v", message, err)
		}
	}
}

func (f *following) stop() {
	f.t.Helper()
	f.cancel()
	if err := <-f.stopped; err != nil {
		f.t.Error(err)
	}
}

func messages(records []unitlog.Record) string {
	var words []string
	for _, record := range records {
		words = append(words, record.Message)
	}
	return strings.Join(words, " ")
}

// TestFollow follows a log that is there, one that is not there at first, and
// one that is moved aside.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	old, late := filepath.Join(dir, "old"), filepath.Join(dir, "late")
	oldWriter, lateWriter := unitlog.NewWriter(old), unitlog.NewWriter(late)
	defer oldWriter.Close()
	defer lateWriter.Close()
	oldLog := slog.New(oldWriter.Handler(slog.LevelInfo))
	oldLog.Info("one")
	if err := os.Rename(old, linefile.Previous(old)); err != nil {
		t.Fatal(err)
	}
	oldWriter.Close()
	oldLog.Info("two")

	past, f := follow(t, unitlog.Logs{Paths: map[string]string{"old/0": old, "late/0": late}})
	if got := messages(past); got != "one two" {
		t.Errorf("past is %q", got)
	}
	oldLog.Info("three")
	f.expect("three")
	slog.New(lateWriter.Handler(slog.LevelInfo)).Info("late")
	f.expect("late")
	oldLog.Info("four")
	if err := os.Rename(old, linefile.Previous(old)); err != nil {
		t.Fatal(err)
	}
	oldWriter.Close()
	oldLog.Info("five")
	f.expect("four", "five")
	f.stop()
}

// TestFollowMissesNothing has a log grow while the follower begins: what is past
// and what comes are the whole log.
func TestFollowMissesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	w := unitlog.NewWriter(path)
	defer w.Close()
	log := slog.New(w.Handler(slog.LevelInfo))
	const total = 2000
	begin, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := range total {
			if i == total/10 {
				close(begin)
			}
			log.Info(strconv.Itoa(i))
		}
	}()
	<-begin
	past, f := follow(t, unitlog.Logs{Paths: map[string]string{"mysql/0": path}})
	for i, record := range past {
		if record.Message != strconv.Itoa(i) {
			t.Fatalf("record %d of the past is %q", i, record.Message)
		}
	}
	for i := len(past); i < total; i++ {
		f.expect(strconv.Itoa(i))
	}
	<-done
	f.stop()
}

// TestFollowNewUnits follows the logs of units that come after the follower.
func TestFollowNewUnits(t *testing.T) {
	dir := t.TempDir()
	_, f := follow(t, unitlog.Logs{Dir: dir, Home: func(name string) (unit, path string, ok bool) {
		return name + "/0", filepath.Join(dir, name, "log"), name != "nobody"
	}})
	for _, name := range []string{"nobody", "mysql", "wordpress"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		w := unitlog.NewWriter(filepath.Join(dir, name, "log"))
		defer w.Close()
		slog.New(w.Handler(slog.LevelInfo)).Info(name)
	}
	f.expect("mysql", "wordpress")
	// A unit that goes and comes again.
	if err := os.RemoveAll(filepath.Join(dir, "mysql")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "mysql"), 0o755); err != nil {
		t.Fatal(err)
	}
	w := unitlog.NewWriter(filepath.Join(dir, "mysql", "log"))
	defer w.Close()
	slog.New(w.Handler(slog.LevelInfo)).Info("again")
	f.expect("again")
	f.stop()
}

func TestFollowWhatCannotBe(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for _, logs := range []unitlog.Logs{{Dir: missing}, {Paths: map[string]string{"mysql/0": filepath.Join(missing, "log")}}} {
		err := unitlog.Follow(context.Background(), logs, func([]unitlog.Record) {}, func(unitlog.Record) {})
		if err == nil || !strings.Contains(err.Error(), "cannot follow") {
			t.Errorf("got error %v", err)
		}
	}
}
