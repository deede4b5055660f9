package runner_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/uniter/runner"
)

// watchdog is how long a test waits for what must happen before it fails
// instead of hanging.
const watchdog = 60 * time.Second

// newCharm makes a charm directory with the given scripts, which are executable
// and run by sh.
func newCharm(t testing.TB, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "metadata.yaml"), "name: test\n", 0o644)
	for name, script := range scripts {
		write(t, filepath.Join(dir, name), "#!/bin/sh\n"+script, 0o755)
	}
	return dir
}

func write(t testing.TB, path, content string, perm os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), perm); err != nil {
		t.Fatal(err)
	}
}

// invocation runs the hook install with a plain environment.
func invocation(charmDir string) runner.Invocation {
	return runner.Invocation{
		CharmDir:    charmDir,
		Hook:        "install",
		Env:         []string{"PATH=/usr/bin:/bin"},
		StopTimeout: watchdog,
	}
}

// transcript collects a hook's output.
type transcript struct {
	mu    sync.Mutex
	lines []string
	over  bool
	late  []string
}

func (tr *transcript) output(stream runner.Stream, line []byte) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	text := stream.String() + ": " + string(line)
	if tr.over {
		tr.late = append(tr.late, text)
	}
	tr.lines = append(tr.lines, text)
}

// of returns the lines of one stream.
func (tr *transcript) of(stream runner.Stream) []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	var lines []string
	for _, line := range tr.lines {
		if rest, ok := strings.CutPrefix(line, stream.String()+": "); ok {
			lines = append(lines, rest)
		}
	}
	return lines
}

// run runs the invocation to its end and returns what came out on standard
// output.
func run(t *testing.T, inv runner.Invocation) (runner.Result, []string) {
	t.Helper()
	var tr transcript
	inv.Output = tr.output
	result, err := runner.Run(t.Context(), inv)
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
	if stderr := tr.of(runner.Stderr); len(stderr) > 0 {
		t.Errorf("unexpected output on stderr: %q", stderr)
	}
	return result, tr.of(runner.Stdout)
}

// fifo is a named pipe that processes hold open while they live, so that their
// end can be waited for.
type fifo struct {
	t    *testing.T
	path string
	end  *os.File
}

// newFIFO makes a named pipe below dir.
func newFIFO(t *testing.T, dir, name string) *fifo {
	t.Helper()
	f := &fifo{t: t, path: filepath.Join(dir, name)}
	if err := syscall.Mkfifo(f.path, 0o600); err != nil {
		t.Fatal(err)
	}
	// Opened for both, so that it does not wait for a writer.
	end, err := os.OpenFile(f.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.end = end
	t.Cleanup(func() { end.Close() })
	return f
}

// waitLine returns when a process has written a line.
func (f *fifo) waitLine() string {
	f.t.Helper()
	if err := f.end.SetReadDeadline(time.Now().Add(watchdog)); err != nil {
		f.t.Fatal(err)
	}
	var line []byte
	for one := make([]byte, 1); ; line = append(line, one[0]) {
		if _, err := f.end.Read(one); err != nil {
			f.t.Fatalf("waiting for a line on %s: %v", f.path, err)
		}
		if one[0] == '\n' {
			return string(line)
		}
	}
}

// waitClosed returns when no process has the pipe open for writing.
func (f *fifo) waitClosed() {
	f.t.Helper()
	// Opened for reading only, we see the end when the last writer goes.
	reader, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	defer reader.Close()
	f.end.Close()
	if err := reader.SetReadDeadline(time.Now().Add(watchdog)); err != nil {
		f.t.Fatal(err)
	}
	for buffer := make([]byte, 64); ; {
		n, err := reader.Read(buffer)
		if n == 0 && err != nil && !os.IsTimeout(err) {
			return
		}
		if err != nil {
			f.t.Fatalf("a process still holds %s: %v", f.path, err)
		}
	}
}

// inBackground runs the invocation; the channel gives its result.
func inBackground(ctx context.Context, t *testing.T, inv runner.Invocation) <-chan runner.Result {
	t.Helper()
	done := make(chan runner.Result, 1)
	go func() {
		defer close(done)
		result, err := runner.Run(ctx, inv)
		if err != nil {
			t.Errorf("unexpected error: %v", err)
		}
		done <- result
	}()
	return done
}

func await(t *testing.T, done <-chan runner.Result) runner.Result {
	t.Helper()
	select {
	case result := <-done:
		return result
	case <-time.After(watchdog):
		t.Fatal("the run does not end")
		panic("unreachable")
	}
}
