package hooktool_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter/hooktool"
	"github.com/unit-agent/unit-agent/uniter/hooktool/client"
)

func TestNames(t *testing.T) {
	names := hooktool.Names()
	for _, name := range []string{
		"relation-get", "relation-set", "relation-ids", "relation-list", "config-get", "is-leader", "status-set", "status-get",
		"juju-log", "unit-get", "open-port", "close-port", "opened-ports", "application-version-set",
	} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not served", name)
		}
	}
	if !slices.Equal(sorted(names), sorted(client.Names())) {
		t.Errorf("served: %q\nthe client knows: %q", names, client.Names())
	}
}

func TestWrongContextId(t *testing.T) {
	run := begin(t, configChanged)
	cmd := run.command("is-leader")
	cmd.Env[0] = "JUJU_CONTEXT_ID=other"
	want := reply{"", "ERROR bad request: expected context id \"wordpress/0-test-1\", got \"other\"\n", 1}
	if got := finish(t, cmd); got != want {
		t.Errorf("got %+v", got)
	}
	run.end()
	want = reply{"", "ERROR bad request: no hook with context id \"wordpress/0-test-1\" is running\n", 1}
	if got := run.call("is-leader"); got != want {
		t.Errorf("after the hook: got %+v", got)
	}
	run.end() // again does nothing
}

// TestTwoHooks covers two contexts at a time, as a hook and an action beside it: each has its own buffer.
func TestTwoHooks(t *testing.T) {
	run := begin(t, changed)
	other := hooktool.NewContext(run.config)
	endOther := run.server.Activate("other", other)
	cmd := run.command("relation-set", "a=other")
	cmd.Env[0] = "JUJU_CONTEXT_ID=other"
	if got := finish(t, cmd); got != (reply{}) {
		t.Errorf("got %+v", got)
	}
	run.must("relation-set", "a=first")
	endOther()
	run.must("relation-set", "b=first")
	if flush := other.Flush(); flush.RelationUnit[1]["a"] != "other" || len(flush.RelationUnit[1]) != 1 {
		t.Errorf("the other's flush is %+v", flush)
	}
	if flush := run.flushed(); flush.RelationUnit[1]["a"] != "first" || len(flush.RelationUnit[1]) != 2 {
		t.Errorf("the flush is %+v", flush)
	}
}

func TestActivateTwice(t *testing.T) {
	run := begin(t, configChanged)
	defer func() {
		if cause := recover(); fmt.Sprint(cause) != `hooktool: context id "wordpress/0-test-1" activated twice` {
			t.Errorf("recovered %v", cause)
		}
	}()
	run.server.Activate("wordpress/0-test-1", run.context)
}

// TestEndCancels covers a call that is reading the model as its hook ends, and one that waits for its turn.
func TestEndCancels(t *testing.T) {
	run := begin(t, configChanged, func(run *hookRun) { run.view.block = make(chan struct{}) })
	replies := make(chan reply)
	go func() { replies <- run.call("unit-get", "private-address") }()
	<-run.view.block
	run.end()
	want := reply{"", "ERROR cannot read addresses of unit wordpress/0: context canceled\n", 1}
	if got := <-replies; got != want {
		t.Errorf("got %+v", got)
	}
}

// TestKillCancels covers a server that is killed under a call.
func TestKillCancels(t *testing.T) {
	run := begin(t, configChanged, func(run *hookRun) { run.view.block = make(chan struct{}) })
	replies := make(chan reply)
	go func() { replies <- run.call("unit-get", "private-address") }()
	<-run.view.block
	idle := dial(t, run.socket)
	defer idle.Close()
	run.server.Kill()
	if err := run.server.Wait(); err != nil {
		t.Errorf("server: %v", err)
	}
	if got := <-replies; got.code != 1 || !strings.HasPrefix(got.stderr, "ERROR ") || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("got %+v", got)
	}
	got := run.call("is-leader")
	if got.code != 1 || got.stderr != "ERROR cannot reach the unit's agent at "+run.socket+": no such file or directory\n" {
		t.Errorf("after it: %+v", got)
	}
	run.end() // must not hang
	newServer(t, run.socket)
	if got := run.call("is-leader"); got.code != 1 || !strings.Contains(got.stderr, "bad request: no hook") {
		t.Errorf("of the next server: %+v", got)
	}
}

// countingView fails the test if two calls read it at a time.
type countingView struct {
	*fakeView
	t    *testing.T
	busy sync.Mutex
}

func (v *countingView) UnitSettings(ctx context.Context, id int, unit string) (map[string]string, error) {
	if !v.busy.TryLock() {
		v.t.Error("two calls at a time")
		return nil, errBoom
	}
	defer v.busy.Unlock()
	return v.fakeView.UnitSettings(ctx, id, unit)
}

// TestOneAtATime has a hook call tools side by side, as a script with & does.
func TestOneAtATime(t *testing.T) {
	run := begin(t, changed, func(run *hookRun) { run.config.View = &countingView{fakeView: run.view, t: run.t.(*testing.T)} })
	var callers sync.WaitGroup
	for i := range 4 {
		callers.Go(func() {
			for j := range 10 {
				run.must("relation-set", fmt.Sprintf("key-%d-%d=x", i, j))
				run.must("relation-get", "-", "wordpress/0")
			}
		})
	}
	callers.Wait()
	if set := run.flushed().RelationUnit[1]; len(set) != 40 {
		t.Errorf("%d keys are flushed", len(set))
	}
}

// TestManyConnections opens more connections than are served at a time.
func TestManyConnections(t *testing.T) {
	run := begin(t, changed)
	var conns []*net.UnixConn
	for range 300 {
		conns = append(conns, dial(t, run.socket))
	}
	for _, conn := range conns {
		conn.Close()
	}
	if got := run.must("relation-get", "port"); got != "3306\n" {
		t.Errorf("got %q", got)
	}
}

type panickingView struct{ *fakeView }

func (panickingView) Unit(context.Context, string) (model.Unit, error) { panic("a bug") }

// TestPanic makes sure that a bug in one tool does not take the agent down.
func TestPanic(t *testing.T) {
	run := begin(t, configChanged, func(run *hookRun) { run.config.View = panickingView{run.view} })
	want := reply{"", "ERROR internal error in status-get: a bug\n", 1}
	for range 2 {
		if got := run.call("status-get"); got != want {
			t.Errorf("got %+v", got)
		}
	}
	run.must("is-leader")
}

func TestAnswerTooLong(t *testing.T) {
	run := begin(t, changed, func(run *hookRun) {
		run.view.units["1 mysql/0"]["long"] = strings.Repeat("x", client.MaxPayload)
	})
	want := reply{"", "ERROR the output is longer than 16777216 bytes\n", 1}
	if got := run.call("relation-get", "long"); got != want {
		t.Errorf("got %d bytes, %q, %d", len(got.stdout), got.stderr, got.code)
	}
	run.view.units["1 mysql/0"]["long"] = strings.Repeat("x", 4<<20)
	if got := run.call("relation-get", "long"); len(got.stdout) != 4<<20+1 || got.code != 0 {
		t.Errorf("got %d bytes, %q, %d", len(got.stdout), got.stderr, got.code)
	}
}
