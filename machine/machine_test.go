package machine_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/juju/worker/v3"

	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/internal/durable/durabletest"
	"github.com/unit-agent/unit-agent/machine"
	"github.com/unit-agent/unit-agent/model"
)

const start = "install config-changed start"

// lived returns what a unit ran of the hooks that every unit runs.
func (s *site) lived(unit string) string {
	s.t.Helper()
	var hooks []string
	for _, hook := range s.hooks(unit) {
		if !strings.HasPrefix(hook, "leader-") {
			hooks = append(hooks, hook)
		}
	}
	return strings.Join(hooks, " ")
}

// TestOneAgentFails has one of two units have a damaged record. Its agent ends and
// is started again, in vain until the record is mended; the other one's goes on.
func TestOneAgentFails(t *testing.T) {
	s := newSite(t)
	s.deploy("loner", "", 2)
	record := s.home("loner/0").OperationFile()
	s.check(os.MkdirAll(s.home("loner/0").StateDir(), 0o755))
	s.check(os.WriteFile(record, []byte("installed: [\n"), 0o600))
	s.start()
	for range 2 {
		if text := s.awaitNews("a unit's agent ended; it is started again"); !strings.Contains(text, record) {
			t.Errorf("logged %s", text)
		}
	}
	s.await("the other unit", func() bool { return s.lived("loner/1") == start })
	if hooks := s.hooks("loner/0"); len(hooks) > 0 {
		t.Errorf("hooks %q", hooks)
	}
	if _, err := machine.Look(s.ctx, s.data, "0", s.Model); err == nil || !strings.Contains(err.Error(), record) {
		t.Errorf("look: %v", err)
	}
	s.check(os.Remove(record))
	s.awaitIdle()
	for _, unit := range []string{"loner/0", "loner/1"} {
		if got := s.lived(unit); got != start {
			t.Errorf("%s ran %s", unit, got)
		}
	}
}

// TestFailedSyncStopsAll has the disk not keep what one unit's agent wrote. The
// whole process must go, since a second attempt could seem to succeed.
func TestFailedSyncStopsAll(t *testing.T) {
	s := newSite(t)
	s.deploy("loner", "", 2)
	m, err := machine.New(s.config)
	s.check(err)
	s.awaitIdle()
	disk := durabletest.NewDisk(t, s.home("loner/0").Dir)
	disk.FailOn("write/fsync", syscall.EIO)
	s.check(s.SetConfig(s.ctx, "loner", map[string]string{"value": "second"}, nil))
	if err := ended(t, m); !errors.Is(err, durable.ErrSync) {
		t.Errorf("ended with %v", err)
	}
	s.awaitNews("a unit's agent ended, and with it all")
	for _, unit := range []string{"loner/0", "loner/1"} {
		if found, err := s.Unit(s.ctx, unit); err != nil || found.AgentAlive {
			t.Errorf("an agent of %s is still there, error %v", unit, err)
		}
	}
}

// ended returns what a worker ends with by itself.
func ended(t *testing.T, w worker.Worker) error {
	t.Helper()
	result := make(chan error, 1)
	go func() { result <- w.Wait() }()
	select {
	case err := <-result:
		return err
	case <-time.After(patience):
		t.Fatal("it does not end")
		return nil
	}
}

// TestUnitsComeAndGo has units added to a machine that runs, and removed.
func TestUnitsComeAndGo(t *testing.T) {
	s := newSite(t)
	s.start()
	s.awaitIdle()
	s.deploy("loner", "", 1)
	s.awaitIdle()
	_, err := s.AddUnits(s.ctx, "loner", 1, "0")
	s.check(err)
	s.awaitIdle()
	for _, unit := range []string{"loner/0", "loner/1"} {
		if got := s.lived(unit); got != start {
			t.Errorf("%s ran %s", unit, got)
		}
		if found, err := s.Unit(s.ctx, unit); err != nil || !found.AgentAlive {
			t.Errorf("%s: %+v, %v", unit, found, err)
		}
	}

	s.check(s.RemoveUnit(s.ctx, "loner/0"))
	s.awaitNews("the unit is gone")
	if _, err := os.Stat(s.home("loner/0").Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its home: %v", err)
	}
	if got := s.lived("loner/0"); got != start+" stop remove" {
		t.Errorf("it ran %s", got)
	}
	// The other one takes over what it led, and stays.
	s.awaitIdle()
	if status, err := s.Status(s.ctx); err != nil || status.Applications["loner"].Leader != "loner/1" || !status.Machines["0"].AgentAlive {
		t.Errorf("status %+v, %v", status, err)
	}
	s.check(s.RemoveApplication(s.ctx, "loner"))
	s.awaitNews("the unit is gone")
	s.await("an empty model", func() bool {
		status, err := s.Status(s.ctx)
		return err == nil && len(status.Applications) == 0
	})
}

// TestUnitGoneBeforeItsAgent has a unit vanish while its agent cannot start. It is
// not tried for ever.
func TestUnitGoneBeforeItsAgent(t *testing.T) {
	s := newSite(t)
	s.deploy("loner", "", 1)
	// Somebody else runs it.
	claim, err := s.ClaimUnit(s.ctx, "loner/0", "7")
	s.check(err)
	m := s.start()
	if text := s.awaitNews("cannot start a unit's agent"); !strings.Contains(text, "unit loner/0 is already run by an agent on machine 7") {
		t.Errorf("logged %s", text)
	}
	s.check(s.RemoveUnit(s.ctx, "loner/0"))
	s.check(s.RemoveDeadUnit(s.ctx, "loner/0"))
	s.check(worker.Stop(claim))
	s.deploy("other", "", 1)
	s.await("another unit", func() bool { return s.lived("other/0") == start })
	s.check(worker.Stop(m))
	for {
		select {
		case record := <-s.news:
			if record.Message == "a unit's agent ended; it is started again" {
				t.Errorf("logged %s", record.Message)
			}
			continue
		default:
		}
		break
	}
}

// TestStop stops a machine in whose unit a hook runs: the hook ends first, and no
// claim is left behind.
func TestStop(t *testing.T) {
	s := newSite(t)
	s.deploy("loner", "", 3)
	s.check(syscall.Mkfifo(s.dir+"/out", 0o600))
	out, err := os.OpenFile(s.dir+"/out", os.O_RDWR, 0)
	s.check(err)
	defer out.Close()
	s.script("start", "echo here >"+s.dir+"/out; read line <"+s.dir+"/in")
	s.check(syscall.Mkfifo(s.dir+"/in", 0o600))
	in, err := os.OpenFile(s.dir+"/in", os.O_RDWR, 0)
	s.check(err)
	defer in.Close()
	m, err := machine.New(s.config)
	s.check(err)
	s.check(out.SetReadDeadline(time.Now().Add(patience)))
	for range 3 {
		if _, err := out.Read(make([]byte, len("here\n"))); err != nil {
			t.Fatal(err)
		}
	}
	m.Kill()
	_, err = in.WriteString("go\ngo\ngo\n")
	s.check(err)
	if err := ended(t, m); err != nil {
		t.Errorf("ended with %v", err)
	}
	status, err := s.Status(s.ctx)
	s.check(err)
	if status.Machines["0"].AgentAlive || status.Applications["loner"].Leader != "" {
		t.Errorf("left behind: %+v", status)
	}
	for name, unit := range status.Units {
		if unit.AgentAlive || s.lived(name) != start {
			t.Errorf("%s ran %s, alive %v", name, s.lived(name), unit.AgentAlive)
		}
	}
}

// TestMachineThatIsNotThere is told so at once.
func TestMachineThatIsNotThere(t *testing.T) {
	s := newSite(t)
	s.config.Machine = "7"
	m, err := machine.New(s.config)
	s.check(err)
	if err := ended(t, m); !model.IsNotFound(err) {
		t.Errorf("ended with %v", err)
	}
}

func TestConfig(t *testing.T) {
	good := newSite(t).config
	s := good.Validate()
	if s != nil {
		t.Fatal(s)
	}
	for text, change := range map[string]func(*machine.Config){
		"config: DataDir is empty":                     func(c *machine.Config) { c.DataDir = "" },
		"config: Machine is empty":                     func(c *machine.Config) { c.Machine = "" },
		"config: Model is nil":                         func(c *machine.Config) { c.Model = nil },
		"config: Clock is nil":                         func(c *machine.Config) { c.Clock = nil },
		"config: Logger is nil":                        func(c *machine.Config) { c.Logger = nil },
		"config: HookTool is empty":                    func(c *machine.Config) { c.HookTool = "" },
		"config: Claimer is nil":                       func(c *machine.Config) { c.Claimer = nil },
		"config: Checker is nil":                       func(c *machine.Config) { c.Checker = nil },
		"config: LeaderLease 0s is not positive":       func(c *machine.Config) { c.LeaderLease = 0 },
		"config: UpdateStatusInterval -1s is negative": func(c *machine.Config) { c.UpdateStatusInterval = -time.Second },
		"config: StopTimeout -1s is negative":          func(c *machine.Config) { c.StopTimeout = -time.Second },
	} {
		bad := good
		change(&bad)
		if err := bad.Validate(); err == nil || !strings.HasSuffix(err.Error(), text) {
			t.Errorf("got %v, want %s", err, text)
		}
		if _, err := machine.New(bad); err == nil || !strings.HasSuffix(err.Error(), text) {
			t.Errorf("New: %v", err)
		}
	}
}
