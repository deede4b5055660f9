package runner_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/unit-agent/unit-agent/uniter/runner"
)

func TestWhatIsRun(t *testing.T) {
	const name = `echo "$0"`
	tests := []struct {
		about   string
		scripts map[string]string
		action  string
		script  string // "" is missing
	}{
		{about: "a hook's own script", scripts: map[string]string{"hooks/install": name, "hooks/start": "exit 9"}, script: "hooks/install"},
		{about: "dispatch before all", scripts: map[string]string{"dispatch": name, "hooks/install": "exit 9"}, script: "dispatch"},
		{about: "neither", scripts: map[string]string{"hooks/start": "exit 9"}},
		{about: "no hooks directory at all"},
		{about: "an action's own script", scripts: map[string]string{"actions/backup": name, "hooks/backup": "exit 9"}, action: "backup", script: "actions/backup"},
		{about: "dispatch for an action", scripts: map[string]string{"dispatch": name, "actions/backup": "exit 9"}, action: "backup", script: "dispatch"},
		{about: "an action without a script", scripts: map[string]string{"hooks/install": "exit 9"}, action: "backup"},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			inv := invocation(newCharm(t, test.scripts))
			inv.ActionName = test.action
			result, stdout := run(t, inv)
			if result.Script != test.script || result.Missing != (test.script == "") {
				t.Fatalf("ran %q, missing %v; want %q", result.Script, result.Missing, test.script)
			}
			if result.Missing {
				return
			}
			// Also argv[0] is what the reference says it is: absolute.
			if want := filepath.Join(inv.CharmDir, test.script); !slices.Equal(stdout, []string{want}) {
				t.Errorf("it was called %q, want %q", stdout, want)
			}
			if result.ExitCode != 0 || result.Signal != 0 || result.Interrupted {
				t.Errorf("bad result for success: %+v", result)
			}
			if result.Start.IsZero() || result.Duration <= 0 {
				t.Errorf("no times: %+v", result)
			}
		})
	}
}

func TestWhatCannotBeRun(t *testing.T) {
	tests := []struct {
		about   string
		prepare func(t *testing.T, dir string)
		is      error
		want    string
	}{{
		about:   "no charm",
		prepare: func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "metadata.yaml")) },
		is:      runner.ErrCharmMissing,
		want:    `cannot run hook "install": charm missing from disk: DIR has no metadata.yaml`,
	}, {
		about:   "no charm directory",
		prepare: func(t *testing.T, dir string) { os.RemoveAll(dir) },
		is:      runner.ErrCharmMissing,
		want:    `cannot run hook "install": charm missing from disk: DIR has no metadata.yaml`,
	}, {
		about:   "a hook that is not executable",
		prepare: func(t *testing.T, dir string) { write(t, dir+"/hooks/install", "#!/bin/sh\n", 0o644) },
		is:      fs.ErrPermission,
		want:    `cannot run hook "install": hooks/install is not executable: permission denied: run chmod +x on it in the charm`,
	}, {
		about: "a dispatch that is not executable does not give way to hooks",
		prepare: func(t *testing.T, dir string) {
			write(t, dir+"/dispatch", "#!/bin/sh\n", 0o644)
			write(t, dir+"/hooks/install", "#!/bin/sh\n", 0o755)
		},
		is:   fs.ErrPermission,
		want: `cannot run hook "install": dispatch is not executable: permission denied: run chmod +x on it in the charm`,
	}, {
		about:   "a directory",
		prepare: func(t *testing.T, dir string) { os.MkdirAll(dir+"/hooks/install", 0o755) },
		want:    `cannot run hook "install": hooks/install is a directory: it must be an executable file`,
	}, {
		about:   "no interpreter line",
		prepare: func(t *testing.T, dir string) { write(t, dir+"/hooks/install", "echo hello\n", 0o755) },
		is:      syscall.ENOEXEC,
		want:    `cannot run hook "install": hooks/install: exec format error: begin it with a line such as #!/bin/sh`,
	}, {
		about:   "an interpreter that is not there",
		prepare: func(t *testing.T, dir string) { write(t, dir+"/hooks/install", "#!/no/such/sh\n", 0o755) },
		want:    `cannot run hook "install": hooks/install: the interpreter that its first line names is not there`,
	}}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			dir := newCharm(t, nil)
			test.prepare(t, dir)
			inv := invocation(dir)
			inv.OnStart = func(runner.Process) { t.Error("something was started") }
			result, err := runner.Run(t.Context(), inv)
			if err == nil {
				t.Fatalf("no error, result %+v", result)
			}
			if got := strings.ReplaceAll(err.Error(), dir, "DIR"); got != test.want {
				t.Errorf("got error %q, want %q", got, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("the error is not %v", test.is)
			}
			if result != (runner.Result{}) {
				t.Errorf("a result beside the error: %+v", result)
			}
		})
	}
}

func TestWorkingDirectoryThatIsNotThere(t *testing.T) {
	inv := invocation(newCharm(t, map[string]string{"dispatch": "exit 0"}))
	inv.Dir = filepath.Join(t.TempDir(), "gone")
	_, err := runner.Run(t.Context(), inv)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), inv.Dir) {
		t.Errorf("got error %v, want one that names %s", err, inv.Dir)
	}
}

// A charm is copied by the same process that runs hooks: a script may still be
// open for writing in a process that is just being forked.
func TestScriptThatIsBeingWritten(t *testing.T) {
	dir := newCharm(t, map[string]string{"dispatch": "exit 0"})
	writer, err := os.OpenFile(filepath.Join(dir, "dispatch"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	_, err = runner.Run(t.Context(), invocation(dir))
	if !errors.Is(err, syscall.ETXTBSY) {
		t.Fatalf("got error %v for a script that stays open, want %v", err, syscall.ETXTBSY)
	}
	time.AfterFunc(5*time.Millisecond, func() { writer.Close() })
	if result, err := runner.Run(t.Context(), invocation(dir)); err != nil || result.ExitCode != 0 {
		t.Errorf("got %+v, %v once it was closed", result, err)
	}
}

func TestExit(t *testing.T) {
	for _, test := range []struct {
		script string
		code   int
		signal syscall.Signal
	}{
		{"exit 0", 0, 0},
		{"exit 1", 1, 0},
		{"exit 255", 255, 0},
		{"kill -KILL $$", -1, syscall.SIGKILL},
		{"kill -TERM $$", -1, syscall.SIGTERM},
	} {
		result, _ := run(t, invocation(newCharm(t, map[string]string{"hooks/install": test.script})))
		if result.ExitCode != test.code || result.Signal != test.signal || result.Interrupted {
			t.Errorf("%s: got %+v, want code %d, signal %d", test.script, result, test.code, test.signal)
		}
	}
}

func TestSurroundings(t *testing.T) {
	// What the test itself was started with is not what the runner gives on.
	if err := unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		t.Skipf("cannot keep foreign descriptors from the hook: %v", err)
	}
	t.Setenv("LEAKED", "from the agent")
	inv := invocation(newCharm(t, map[string]string{"dispatch": `
		pwd -P
		echo "args $#"
		env | grep -v -e ^PWD= -e ^SHLVL= -e ^_= -e ^OLDPWD= | sort
		if read line; then echo "read $line"; else echo "nothing to read"; fi
		ls /proc/self/fd
		cut -d' ' -f5 /proc/$$/stat | sed "s/^$$\$/own group/"
	`}))
	inv.Env = append(inv.Env, "EMPTY=", "JUJU_UNIT_NAME=a/0")
	_, stdout := run(t, inv)
	dir, err := filepath.EvalSymlinks(inv.CharmDir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		dir, "args 0", "EMPTY=", "JUJU_UNIT_NAME=a/0", "PATH=/usr/bin:/bin", "nothing to read",
		"0", "1", "2", "3", // the last is how ls reads the directory
		"own group",
	}
	if !slices.Equal(stdout, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(stdout, "\n"), strings.Join(want, "\n"))
	}
}

func TestOtherWorkingDirectory(t *testing.T) {
	inv := invocation(newCharm(t, map[string]string{"dispatch": "pwd -P"}))
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	inv.Dir = dir
	if _, stdout := run(t, inv); !slices.Equal(stdout, []string{dir}) {
		t.Errorf("ran in %q, want %q", stdout, dir)
	}
}

func TestRelativeCharmDir(t *testing.T) {
	dir := newCharm(t, map[string]string{"hooks/install": "pwd -P"})
	t.Chdir(filepath.Dir(dir))
	if _, stdout := run(t, invocation(filepath.Base(dir))); len(stdout) != 1 || filepath.Base(stdout[0]) != filepath.Base(dir) {
		t.Errorf("ran in %q, want %q", stdout, dir)
	}
}

func TestDoneBeforeItBegan(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	inv := invocation(newCharm(t, map[string]string{"dispatch": "exit 0"}))
	inv.OnStart = func(runner.Process) { t.Error("something was started") }
	if _, err := runner.Run(ctx, inv); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
}

func TestNegativeStopTimeout(t *testing.T) {
	inv := invocation(newCharm(t, map[string]string{"dispatch": "exit 0"}))
	inv.StopTimeout = -time.Second
	if _, err := runner.Run(t.Context(), inv); err == nil || !strings.Contains(err.Error(), "negative stop timeout -1s") {
		t.Errorf("got error %v", err)
	}
}
