package hooktool_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/juju/charm/v12/hooks"
	"github.com/juju/clock/testclock"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/hooktool"
)

// Hooks that tools are called in.
var (
	configChanged = hook.Info{Kind: hooks.ConfigChanged}
	changed       = hook.Info{Kind: hooks.RelationChanged, RelationId: 1, RemoteUnit: "mysql/0", RemoteApplication: "mysql"}
	appChanged    = hook.Info{Kind: hooks.RelationChanged, RelationId: 1, RemoteApplication: "mysql"}
	created       = hook.Info{Kind: hooks.RelationCreated, RelationId: 1}
	departed      = hook.Info{Kind: hooks.RelationDeparted, RelationId: 1, RemoteUnit: "mysql/0", DepartingUnit: "mysql/0"}
	broken        = hook.Info{Kind: hooks.RelationBroken, RelationId: 1}
	peerChanged   = hook.Info{Kind: hooks.RelationChanged, RelationId: 2, RemoteUnit: "wordpress/1"}
)

var now = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

// hookRun is a hook that runs: tools called in it are the real programs, on a real socket.
type hookRun struct {
	*turns
	t          testing.TB
	dir        string // where tools are started
	socket     string
	context    *hooktool.Context
	view       *fakeView
	model      *fakeModel
	leadership *leadership
	log        *logBook
	config     hooktool.ContextConfig
	server     *hooktool.Server
	end        func()
}

// begin starts a hook. Each change is applied before it begins.
func begin(t testing.TB, info hook.Info, changes ...func(*hookRun)) *hookRun {
	t.Helper()
	turns := &turns{}
	run := &hookRun{
		turns: turns, t: t, dir: t.TempDir(), view: newView(turns), model: &fakeModel{turns: turns},
		leadership: &leadership{turns: turns, term: 7}, log: &logBook{turns: turns},
	}
	run.config = hooktool.ContextConfig{
		Unit: "wordpress/0", Hook: info, Endpoint: "db", Relations: newRelations(),
		Config:    map[string]any{"title": "My Blog", "port": int64(8080), "ratio": 0.5, "debug": true, "off": false, "empty": ""},
		ConfigAll: map[string]any{"title": "My Blog", "unset": nil},
		View:      run.view, Model: run.model, IsLeader: run.leadership.isLeader, LeaderFence: run.leadership.fence,
		Log: run.log.log, Clock: testclock.NewClock(now),
	}
	for _, change := range changes {
		change(run)
	}
	run.context = hooktool.NewContext(run.config)
	run.socket = filepath.Join(run.dir, "agent.sock")
	run.server = newServer(t, run.socket)
	run.end = run.server.Activate("wordpress/0-test-1", run.context)
	return run
}

func newServer(t testing.TB, path string) *hooktool.Server {
	t.Helper()
	server, err := hooktool.NewServer(path, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Kill()
		if err := server.Wait(); err != nil {
			t.Errorf("server: %v", err)
		}
	})
	return server
}

type reply struct {
	stdout, stderr string
	code           int
}

// command is a tool's program, ready to be started in the hook.
func (run *hookRun) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(toolsDir, args[0]), args[1:]...)
	cmd.Dir = run.dir
	cmd.Env = []string{
		"JUJU_CONTEXT_ID=wordpress/0-test-1",
		"JUJU_AGENT_SOCKET_NETWORK=unix",
		"JUJU_AGENT_SOCKET_ADDRESS=" + run.socket,
	}
	return cmd
}

// call runs a tool in the hook. The first argument is its name.
func (run *hookRun) call(args ...string) reply {
	run.t.Helper()
	return run.callWithInput("", args...)
}

func (run *hookRun) callWithInput(stdin string, args ...string) reply {
	run.t.Helper()
	cmd := run.command(args...)
	cmd.Stdin = strings.NewReader(stdin)
	run.take()()
	defer func() { run.take()() }()
	return finish(run.t, cmd)
}

func finish(t testing.TB, cmd *exec.Cmd) reply {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatalf("cannot run %q: %v", cmd.Args, err)
	}
	return reply{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// must runs a tool that has to succeed and returns what it prints.
func (run *hookRun) must(args ...string) string {
	run.t.Helper()
	got := run.call(args...)
	if got.code != 0 || got.stderr != "" {
		run.t.Errorf("%q: %+v", args, got)
	}
	return got.stdout
}

// row is one call: how a tool is called, in which hook, and what comes of it.
type row struct {
	args string // separated by spaces; a word in ' ' may have spaces in it
	in   hook.Info
	with []func(*hookRun)
	// stdin is the caller's standard input.
	stdin string

	stdout string
	// failed and usage are the error of a call that fails with exit code 1 and 2.
	failed, usage string
	// warning is what a call that works says on stderr.
	warning string
}

func (r row) want() reply {
	switch {
	case r.failed != "":
		return reply{"", r.warning + "ERROR " + r.failed + "\n", 1}
	case r.usage != "":
		return reply{"", "ERROR " + r.usage + "\n", 2}
	}
	return reply{r.stdout, r.warning, 0}
}

// runRows runs each row in a hook of its own, which is config-changed unless the row says
// which.
func runRows(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		if r.in.Kind == "" {
			r.in = configChanged
		}
		t.Run(r.args+" in "+string(r.in.Kind), func(t *testing.T) {
			run := begin(t, r.in, r.with...)
			if got := run.callWithInput(r.stdin, words(r.args)...); got != r.want() {
				t.Errorf("got  %+v\nwant %+v", got, r.want())
			}
		})
	}
}

// words splits a command line at spaces outside of single quotes.
func words(line string) []string {
	var list []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			list = append(list, part)
			continue
		}
		list = append(list, strings.Fields(part)...)
	}
	return list
}

// Changes to the hook that rows ask for.

func asLeader(run *hookRun)      { run.leadership.leader = true }
func leaderUnknown(run *hookRun) { run.leadership.err = errBoom }
func noFence(run *hookRun)       { run.leadership.fenceErr = errBoom }
func modelFails(run *hookRun)    { run.view.err = errBoom; run.model.err = errBoom }

func withFile(name, content string) func(*hookRun) {
	return func(run *hookRun) {
		if err := os.WriteFile(filepath.Join(run.dir, name), []byte(content), 0o600); err != nil {
			run.t.Fatal(err)
		}
	}
}

func with(changes ...func(*hookRun)) []func(*hookRun) { return changes }

// hookIn is a created hook of another relation than the usual one.
func hookIn(relation int) hook.Info {
	return hook.Info{Kind: hooks.RelationCreated, RelationId: relation}
}
