package main_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
)

// terminal is a terminal that a program runs on.
type terminal struct {
	screen  *os.File
	command *exec.Cmd
	copied  chan struct{}

	mu  sync.Mutex
	out bytes.Buffer
}

// onTerminal starts unit-agent on a terminal of the given width.
func onTerminal(t *testing.T, width uint16, env []string, args ...string) *terminal {
	t.Helper()
	o := &terminal{command: unitAgent(args...), copied: make(chan struct{})}
	o.command.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=")
	o.command.Env = append(o.command.Env, env...)
	var err error
	if o.screen, err = pty.StartWithSize(o.command, &pty.Winsize{Rows: 24, Cols: width}); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(o.copied)
		// The end of the program is an error of the terminal.
		io.Copy(o, o.screen)
	}()
	t.Cleanup(func() { o.command.Process.Kill() })
	return o
}

// Write takes what the program writes.
func (o *terminal) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.out.Write(p)
}

// String returns what the program has written so far.
func (o *terminal) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.out.String()
}

// press types a key.
func (o *terminal) press(t *testing.T, key byte) {
	t.Helper()
	if _, err := o.screen.Write([]byte{key}); err != nil {
		t.Fatal(err)
	}
}

// wait returns when the program has ended.
func (o *terminal) wait() error {
	err := o.command.Wait()
	<-o.copied
	o.screen.Close()
	return err
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

// widest returns the widest line as it is seen.
func widest(out string) (line string, width int) {
	for each := range strings.SplitSeq(escapes.ReplaceAllString(out, ""), "\r\n") {
		// What is written over has been seen before.
		each = each[strings.LastIndexByte(each, '\r')+1:]
		if n := utf8.RuneCountInString(each); n > width {
			line, width = each, n
		}
	}
	return line, width
}

// TestTerminal runs the demo bundle on a terminal: there, and only there, are
// colours, a line of progress, and tables that fit.
func TestTerminal(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	out := onTerminal(t, 80, nil, "up", "--data-dir", data, "--until-idle", filepath.Join(testdata(t), "bundles", "demo.yaml"))
	if err := out.wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for what, part := range map[string]string{
		"progress":                  "\r\x1b[Kwaiting: ",
		"progress that was removed": "\r\x1b[KModel ",
		"colour":                    "\x1b[32mactive\x1b[0m",
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("there is no %s in %q", what, out)
		}
	}
	if line, width := widest(out.String()); width > 80 {
		t.Errorf("%d columns: %q", width, line)
	}

	plain, err := unitAgent("status", "--data-dir", data).Output()
	if err != nil {
		t.Fatal(err)
	}
	if escapes.Match(plain) {
		t.Errorf("escape sequences where there is no terminal: %q", plain)
	}
	for _, test := range []struct {
		about    string
		width    uint16
		env      []string
		args     []string
		coloured bool
	}{
		{"status", 80, nil, []string{"status", "--relations"}, true},
		{"status on a narrow terminal", 60, nil, []string{"status"}, true},
		{"status without colours", 80, []string{"NO_COLOR=1"}, []string{"status"}, false},
		{"status on a dumb terminal", 80, []string{"TERM=dumb"}, []string{"status"}, false},
		{"JSON", 10000, nil, []string{"status", "--format", "json"}, false},
		{"hooks", 80, nil, []string{"hooks"}, false},
		{"hooks of a unit", 80, nil, []string{"hooks", "mysql/0"}, false},
	} {
		t.Run(test.about, func(t *testing.T) {
			out := onTerminal(t, test.width, test.env, append(test.args, "--data-dir", data)...)
			if err := out.wait(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if !strings.Contains(out.String(), "mysql") {
				t.Errorf("it shows nothing: %q", out)
			}
			if coloured := escapes.MatchString(out.String()); coloured != test.coloured {
				t.Errorf("coloured is %v, want %v: %q", coloured, test.coloured, out)
			}
			if line, width := widest(out.String()); width > int(test.width) {
				t.Errorf("%d columns: %q", width, line)
			}
		})
	}
}

// TestWatchOnATerminal shows that a watched status is drawn in place, and that
// ctrl-C on the terminal ends it well.
func TestWatchOnATerminal(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	out := onTerminal(t, 80, nil, "status", "--watch", "--data-dir", data)
	await := func(what, part string) {
		t.Helper()
		for deadline := time.Now().Add(watchdog); !strings.Contains(out.String(), part); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("there is never %s in %q", what, out)
			}
		}
	}
	await("a first picture", "\x1b[H\x1b[2JModel ")
	if message, err := unitAgent("deploy", filepath.Join(testdata(t), "charms", "noop"), "--data-dir", data).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, message)
	}
	await("a second picture", "\r\n\x1b[H\x1b[2JModel ")
	await("what changed", "noop/0")
	const ctrlC = 3
	out.press(t, ctrlC)
	if err := out.wait(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
