package linefile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/unit-agent/unit-agent/internal/linefile"
)

func read(t *testing.T, path string) []string {
	t.Helper()
	var lines []string
	if err := linefile.Read(path, func(line []byte) { lines = append(lines, string(line)) }); err != nil {
		t.Fatal(err)
	}
	return lines
}

func write(t *testing.T, w *linefile.Writer, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLinesAreReadBackInOrderAcrossReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if got := read(t, path); got != nil {
		t.Fatalf("a file that is not there has lines %q", got)
	}
	for _, line := range []string{"one", "two", "three"} {
		w := linefile.NewWriter(path, 1000)
		write(t, w, line)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := read(t, path), []string{"one", "two", "three"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestATornLineDoesNotSpoilTheNext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("whole\nto"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := linefile.NewWriter(path, 1000)
	defer w.Close()
	write(t, w, "next")
	if got, want := read(t, path), []string{"whole", "to", "next"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAFullFileIsMovedAsideOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	w := linefile.NewWriter(path, 10)
	defer w.Close()
	for i := range 9 {
		write(t, w, fmt.Sprintf("line %d", i))
	}
	// Two lines of seven bytes fill a file, so the files held 0 1, 2 3, 4 5, 6 7
	// and 8, of which the last two are kept.
	if got, want := read(t, path), []string{"line 6", "line 7", "line 8"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 2 {
		t.Errorf("files %v, error %v; want two files", entries, err)
	}
}

func TestLongLinesAreWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	w := linefile.NewWriter(path, 1<<30)
	defer w.Close()
	long := strings.Repeat("x", 100_000)
	write(t, w, "short", long, "short again")
	if got, want := read(t, path), []string{"short", long, "short again"}; !reflect.DeepEqual(got, want) {
		t.Error("the lines differ")
	}
}

func TestConcurrentWritersDoNotMixLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	w := linefile.NewWriter(path, 1<<30)
	defer w.Close()
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for range 100 {
				fmt.Fprintln(w, strings.Repeat(string(rune('a'+i)), 200))
			}
		})
	}
	writers.Wait()
	counts := map[string]int{}
	for _, line := range read(t, path) {
		counts[line]++
	}
	if len(counts) != 8 {
		t.Fatalf("%d kinds of lines, want 8", len(counts))
	}
	for line, n := range counts {
		if n != 100 {
			t.Errorf("%d times %q, want 100", n, line[:1])
		}
	}
}

func TestAFileThatCannotBeWrittenIsAnError(t *testing.T) {
	w := linefile.NewWriter(filepath.Join(t.TempDir(), "none", "log"), 10)
	if _, err := w.Write([]byte("line\n")); err == nil {
		t.Error("no error")
	}
}
