package machine_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/juju/clock"
	"github.com/juju/worker/v3"

	"github.com/unit-agent/unit-agent/charm"
	"github.com/unit-agent/unit-agent/machine"
	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/store/etcdtest"
	"github.com/unit-agent/unit-agent/uniter"
	"github.com/unit-agent/unit-agent/uniter/journal"
)

// patience is how long a test waits for what must come, on a machine however slow.
const patience = time.Minute

// team is an application whose units each have an agent and leases of their own,
// as if each ran in a process of its own.
type team struct {
	t     *testing.T
	ctx   context.Context
	model *model.Model
	dir   string
	log   string
	// lease is what is-leader guarantees.
	lease time.Duration
}

// leaderScript writes down each hook with what is-leader says, and does what the
// file "do" in the log's directory says.
const leaderScript = `#!/bin/sh
set -eu
echo "$JUJU_UNIT_NAME $JUJU_HOOK_NAME leader=$(is-leader) token=${UNIT_AGENT_LEADER_TOKEN:-} shared=$(leader-get word)" >>LOG/hooks
if [ -f LOG/do-$JUJU_HOOK_NAME ]; then . LOG/do-$JUJU_HOOK_NAME; fi
`

func newTeam(t *testing.T, units int) *team {
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	t.Cleanup(cancel)
	m, err := model.Open(ctx, model.Config{Client: etcdtest.Start(t)})
	if err != nil {
		t.Fatal(err)
	}
	team := &team{t: t, ctx: ctx, model: m, dir: t.TempDir(), log: t.TempDir(), lease: 30 * time.Second}
	if _, err := m.AddMachine(ctx, model.Machine{Hostname: "here"}); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(team.dir, "charms", "team")
	for name, content := range map[string]string{
		"metadata.yaml":        "name: team\nsummary: s\ndescription: d\npeers:\n  ring: {interface: ring}\n",
		"config.yaml":          "options:\n  n: {type: int, default: 0}\n",
		"dispatch":             strings.ReplaceAll(leaderScript, "LOG", team.log),
		"hooks/leader-deposed": "#!/bin/sh\nexit 0\n",
	} {
		path := filepath.Join(source, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	read, err := charm.Read(source)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Deploy(ctx, model.DeployArgs{
		Application: "team", NumUnits: units, Machine: "0",
		Charm: model.Charm{Name: "team", Path: source, Documents: read.Documents},
	}); err != nil {
		t.Fatal(err)
	}
	return team
}

func (team *team) leases() *machine.Leases {
	team.t.Helper()
	leases, err := machine.NewLeases(team.model, clock.WallClock, quiet)
	if err != nil {
		team.t.Fatal(err)
	}
	team.t.Cleanup(func() { worker.Stop(leases) })
	return leases
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// start starts a unit's agent, which the test's end stops.
func (team *team) start(unit string) *machine.UnitAgent {
	team.t.Helper()
	config := machine.Config{
		DataDir: team.dir, Machine: "0", Model: team.model, Clock: clock.WallClock, Logger: quiet,
		HookTool: hookTool, LeaderLease: team.lease, StopTimeout: patience,
	}
	if err := team.leases().Lead(&config); err != nil {
		team.t.Fatal(err)
	}
	agent, err := machine.NewUnitAgent(team.ctx, machine.UnitConfig{Config: config, Unit: unit})
	if err != nil {
		team.t.Fatal(err)
	}
	team.t.Cleanup(func() { worker.Stop(agent) })
	return agent
}

// await waits until the hooks that were written down are as they should be.
func (team *team) await(what string, ok func(lines []string) bool) []string {
	team.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		data, err := os.ReadFile(filepath.Join(team.log, "hooks"))
		if err != nil && !os.IsNotExist(err) {
			team.t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(data)), "\n")
		if ok(lines) {
			return lines
		}
		if time.Now().After(deadline) {
			team.t.Fatalf("%s never came; hooks:\n%s", what, data)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func contains(prefix string) func([]string) bool {
	return func(lines []string) bool {
		return slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, prefix) })
	}
}

// do has each hook of a name run some shell as well.
func (team *team) do(hook, shell string) {
	team.t.Helper()
	shell = strings.ReplaceAll(shell, "LOG", team.log)
	if err := os.WriteFile(filepath.Join(team.log, "do-"+hook), []byte(shell), 0o644); err != nil {
		team.t.Fatal(err)
	}
}

func (team *team) setConfig(n int) {
	team.t.Helper()
	if err := team.model.SetConfig(team.ctx, "team", map[string]string{"n": fmt.Sprint(n)}, nil); err != nil {
		team.t.Fatal(err)
	}
}

// TestAStoppedLeaderIsFollowedWithoutWaitingForItsLease has a lease of a minute,
// which is as long as the test's patience: leadership is given up, not waited out.
func TestAStoppedLeaderIsFollowedWithoutWaitingForItsLease(t *testing.T) {
	team := newTeam(t, 2)
	first := team.start("team/0")
	team.await("leadership", contains("team/0 leader-elected leader=True"))
	team.start("team/1")
	team.await("a minion", contains("team/1 start leader=False"))
	begin := time.Now()
	if err := worker.Stop(first); err != nil {
		t.Fatal(err)
	}
	lines := team.await("the successor", contains("team/1 leader-elected leader=True"))
	if took := time.Since(begin); took > patience/2 {
		t.Errorf("it took %v: the lease was waited for", took)
	}
	if term(t, lines, "team/1 leader-elected") <= term(t, lines, "team/0 leader-elected") {
		t.Errorf("the fencing number did not grow:\n%s", strings.Join(lines, "\n"))
	}
}

// term returns the fencing number in the hook's line.
func term(t *testing.T, lines []string, prefix string) (number int64) {
	t.Helper()
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(line, prefix+" leader=True token="); ok {
			if _, err := fmt.Sscanf(rest, "%d", &number); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			return number
		}
	}
	t.Fatalf("no fencing number behind %q in\n%s", prefix, strings.Join(lines, "\n"))
	return 0
}

// TestTheLeaderTellsTheOthers: leader-set acts at once, and the others hear of it
// in leader-settings-changed; the leader itself does not.
func TestTheLeaderTellsTheOthers(t *testing.T) {
	team := newTeam(t, 2)
	team.start("team/0")
	team.await("leadership", contains("team/0 start leader=True"))
	team.start("team/1")
	lines := team.await("a minion", contains("team/1 start"))
	if !contains("team/1 leader-settings-changed")(lines) {
		t.Errorf("a minion starts without leader-settings-changed:\n%s", strings.Join(lines, "\n"))
	}
	team.do("config-changed", `if [ "$(is-leader)" = True ]; then leader-set word=hello; fi`)
	team.setConfig(1)
	lines = team.await("news of the settings", contains("team/1 leader-settings-changed leader=False token= shared=hello"))
	if contains("team/0 leader-settings-changed")(lines) {
		t.Errorf("the leader was told of its own settings:\n%s", strings.Join(lines, "\n"))
	}
}

// TestALeaderThatLostItsTermWritesNothing takes leadership away from a unit while
// its hook runs: what the hook has changed does not land, and the hook runs again
// as a minion's.
func TestALeaderThatLostItsTermWritesNothing(t *testing.T) {
	team := newTeam(t, 2)
	team.do("config-changed", `
if [ "$(config-get n)" = 1 ] && [ "$(is-leader)" = True ]; then
	relation-set -r "$(relation-ids ring)" --app word=stale
	relation-set -r "$(relation-ids ring)" word=stale
	touch LOG/waiting
	while [ "$(is-leader)" = True ]; do sleep 0.02; done
fi`)
	team.lease = machine.MinLeaderLease
	agent := team.start("team/0")
	team.await("leadership", contains("team/0 start leader=True"))
	team.setConfig(1)
	deadline := time.Now().Add(patience)
	for {
		if _, err := os.Stat(filepath.Join(team.log, "waiting")); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the hook never ran")
		}
		time.Sleep(10 * time.Millisecond)
	}

	// Another process ends the term as if the lease were over, and leads.
	other := machine.Config{}
	if err := team.leases().Lead(&other); err != nil {
		t.Fatal(err)
	}
	if err := other.Release("team", "team/0"); err != nil {
		t.Fatal(err)
	}
	if err := other.Claimer.ClaimLeadership("team", "team/1", time.Minute); err != nil {
		t.Fatal(err)
	}
	home := uniter.HomeOf(team.dir, "team/0")
	var runs []journal.Entry
	for {
		entries, err := journal.Read(home.JournalFile())
		if err != nil {
			t.Fatal(err)
		}
		runs = slices.DeleteFunc(entries, func(e journal.Entry) bool { return e.Hook != "config-changed" })
		if len(runs) > 0 && runs[len(runs)-1].Outcome == journal.Done && len(runs) >= 3 {
			break
		}
		if time.Now().After(deadline.Add(patience)) {
			t.Fatalf("the hook did not run again: %+v", runs)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if len(runs) != 3 || runs[1].Outcome == journal.Done {
		t.Errorf("got %+v, want the run that lost its term to be followed by one more", runs)
	}
	if err := worker.Stop(agent); err != nil {
		t.Fatal(err)
	}
	view := team.model.View("team/0")
	for what, read := range map[string]func() (map[string]string, error){
		"application": func() (map[string]string, error) { return view.ApplicationSettings(team.ctx, 0, "team") },
		"unit":        func() (map[string]string, error) { return view.UnitSettings(team.ctx, 0, "team/0") },
	} {
		settings, err := read()
		if err != nil {
			t.Fatal(err)
		}
		if settings["word"] == "stale" {
			t.Errorf("the %s's settings were written by a unit that led no longer", what)
		}
	}
}
