package machine_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/juju/clock"
	"github.com/juju/worker/v3"

	"github.com/unit-agent/unit-agent/machine"
	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/store"
	"github.com/unit-agent/unit-agent/uniter/hooktool"
)

// agentVariable makes this test's program the agent of a unit: of the store and
// the data directory that it names.
const agentVariable = "MACHINE_TEST_AGENT"

func beAgent() {
	words := strings.Split(os.Getenv(agentVariable), "|")
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{Dir: words[0], NoServe: true, Logger: quiet})
	if err != nil {
		panic(err)
	}
	m, err := model.Open(ctx, model.Config{Client: s.Client(), Logger: quiet})
	if err != nil {
		panic(err)
	}
	leases, err := machine.NewLeases(m, clock.WallClock, quiet)
	if err != nil {
		panic(err)
	}
	config := machine.Config{
		DataDir: words[1], Machine: "0", Model: m, Clock: clock.WallClock, Logger: quiet,
		HookTool: "/bin/false", LeaderLease: 30 * time.Second,
	}
	if err := leases.Lead(&config); err != nil {
		panic(err)
	}
	agent, err := machine.NewUnitAgent(ctx, machine.UnitConfig{Config: config, Unit: words[2]})
	if err != nil {
		panic(err)
	}
	panic(agent.Wait())
}

func (s *site) agent(unit string) (*machine.UnitAgent, error) {
	return machine.NewUnitAgent(s.ctx, machine.UnitConfig{Config: s.config, Unit: unit})
}

// TestSecondAgent has a unit that another process of this machine runs. It may be
// taken over once that process is dead, however it died.
func TestSecondAgent(t *testing.T) {
	s := newSite(t)
	s.deploy("loner", "", 1)
	first := exec.Command(os.Args[0])
	first.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%s", agentVariable, s.server.Dir(), s.data, "loner/0"))
	s.check(first.Start())
	t.Cleanup(func() { first.Process.Kill(); first.Wait() })
	s.await("the first agent", func() bool { return s.lived("loner/0") == start })

	for range 2 {
		_, err := s.agent("loner/0")
		want := fmt.Sprintf("unit loner/0 is already run by another process on this machine (process %d): stop that one first", first.Process.Pid)
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if got := s.lived("loner/0"); got != start {
		t.Errorf("it ran %s", got)
	}
	s.check(first.Process.Kill())
	first.Wait()
	agent, err := s.agent("loner/0")
	s.check(err)
	s.check(s.SetConfig(s.ctx, "loner", map[string]string{"value": "second"}, nil))
	s.await("the second agent", func() bool { return s.lived("loner/0") == start+" config-changed" })
	s.check(worker.Stop(agent))
	agent, err = s.agent("loner/0")
	s.check(err)
	s.check(worker.Stop(agent))
}

// TestAgentThatCannotStart leaves nothing locked and nothing claimed.
func TestAgentThatCannotStart(t *testing.T) {
	s := newSite(t)
	s.deploy("loner", "", 1)
	if _, err := s.agent("loner"); err == nil || err.Error() != `"loner" is not a unit name: it should look like mysql/0` {
		t.Errorf("a bad name: %v", err)
	}
	if _, err := s.agent("loner/7"); !model.IsNotFound(err) {
		t.Errorf("an unknown unit: %v", err)
	}
	if _, err := os.Stat(s.home("loner/7").Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its home: %v", err)
	}
	claim, err := s.ClaimUnit(s.ctx, "loner/0", "7")
	s.check(err)
	var claimed *model.ClaimedError
	if _, err := s.agent("loner/0"); !errors.As(err, &claimed) || !strings.Contains(err.Error(), "unit loner/0 is already run by an agent on machine 7") {
		t.Errorf("claimed elsewhere: %v", err)
	}
	s.check(worker.Stop(claim))
	s.check(os.MkdirAll(filepath.Join(s.home("loner/0").Socket(), "in the way"), 0o755))
	if _, err := s.agent("loner/0"); err == nil || !strings.Contains(err.Error(), "cannot run loner/0: ") {
		t.Errorf("no socket: %v", err)
	}
	if found, err := s.Unit(s.ctx, "loner/0"); err != nil || found.AgentAlive {
		t.Errorf("still claimed: %+v, %v", found, err)
	}
	s.check(os.RemoveAll(s.home("loner/0").Socket()))
	agent, err := s.agent("loner/0")
	s.check(err)
	s.awaitIdle()
	s.check(worker.Stop(agent))
}

// TestTools has a link for each hook tool, also where another program, or something
// else, was in its place.
func TestTools(t *testing.T) {
	s := newSite(t)
	s.deploy("loner", "", 1)
	tools := s.home("loner/0").ToolsDir()
	s.check(os.MkdirAll(tools, 0o755))
	s.check(os.Symlink("/bin/false", filepath.Join(tools, "is-leader")))
	s.check(os.WriteFile(filepath.Join(tools, "relation-get"), nil, 0o644))
	s.script("start", `(command -v is-leader; command -v relation-get; is-leader) >"$0.out"`)
	agent, err := s.agent("loner/0")
	s.check(err)
	s.awaitIdle()
	if len(hooktool.Names()) < 14 {
		t.Errorf("only %d tools", len(hooktool.Names()))
	}
	for _, name := range hooktool.Names() {
		if target, err := os.Readlink(filepath.Join(tools, name)); err != nil || target != hookTool {
			t.Errorf("%s leads to %s, %v", name, target, err)
		}
	}
	out, err := os.ReadFile(filepath.Join(s.home("loner/0").CharmDir(), "dispatch.out"))
	if want := fmt.Sprintf("%s/is-leader\n%s/relation-get\nTrue\n", tools, tools); err != nil || string(out) != want {
		t.Errorf("a hook finds %s, %v, want %s", out, err, want)
	}
	s.check(worker.Stop(agent))
}

// TestHookToolBinary is the client beside the program, if that can be run.
func TestHookToolBinary(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(filepath.Dir(self), "hook-tool")
	wants := func(want string) {
		t.Helper()
		if got, err := machine.HookToolBinary(); err != nil || got != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	wants(self)
	if err := os.WriteFile(beside, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(beside) })
	wants(self)
	if err := os.Chmod(beside, 0o755); err != nil {
		t.Fatal(err)
	}
	wants(beside)
}
