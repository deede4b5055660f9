package machine_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/juju/clock"
	"github.com/juju/worker/v3"

	"github.com/unit-agent/unit-agent/charm"
	"github.com/unit-agent/unit-agent/machine"
	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/store"
	"github.com/unit-agent/unit-agent/uniter"
	"github.com/unit-agent/unit-agent/uniter/journal"
)

const benchScript = "#!/bin/sh\nexit 0\n"

// BenchmarkHooks runs no-op shell hooks: by the agent, with all that it records,
// and by bare fork and exec, which is the floor.
func BenchmarkHooks(b *testing.B) {
	b.Run("fork-exec", func(b *testing.B) {
		script := filepath.Join(b.TempDir(), "dispatch")
		if err := os.WriteFile(script, []byte(benchScript), 0o755); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := exec.Command(script).Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("agent", benchmarkAgentHooks)
}

// benchmarkAgentHooks has one unit meet as many others as make b.N hooks, all of
// which have joined before it starts: joined and changed for each.
func benchmarkAgentHooks(b *testing.B) {
	ctx := context.Background()
	config, waiting := benchConfig(b)
	dir, m := config.DataDir, config.Model
	others := max(1, b.N/2)
	id := deployPair(b, config, others)
	for i := range others {
		if err := m.EnterScope(ctx, id, fmt.Sprintf("other/%d", i), nil); err != nil {
			b.Fatal(err)
		}
	}
	agent, err := machine.NewUnitAgent(ctx, machine.UnitConfig{Config: config, Unit: "noop/0"})
	if err != nil {
		b.Fatal(err)
	}
	for {
		<-waiting
		record, err := uniter.ReadRecord(uniter.HomeOf(dir, "noop/0"))
		if err != nil {
			b.Fatal(err)
		}
		if r := record.Relations[id]; r != nil && len(r.State().Members) == others && r.State().ChangedPending == "" {
			break
		}
	}
	agent.Kill()
	if err := agent.Wait(); err != nil {
		b.Fatal(err)
	}
	reportHooks(b, dir)
}

// reportHooks reports the time from the first relation hook to the last as that
// of one operation, since making the model is not what is measured.
func reportHooks(b *testing.B, dir string) {
	entries, err := journal.Read(uniter.HomeOf(dir, "noop/0").JournalFile())
	if err != nil {
		b.Fatal(err)
	}
	var first, last time.Time
	var run float64
	hooks := 0
	for _, entry := range entries {
		if entry.RemoteUnit == "" {
			continue
		}
		if hooks == 0 {
			first = entry.Start
		}
		last = entry.Start
		run += entry.Duration
		hooks++
	}
	if hooks < 2 {
		return
	}
	each := last.Sub(first).Seconds() / float64(hooks-1)
	b.ReportMetric(each*1e9, "ns/op")
	b.ReportMetric(1/each, "hooks/s")
	b.ReportMetric((each-run/float64(hooks))*1e3, "agent-ms/hook")
}

// benchConfig returns what agents need, on an embedded store of the benchmark's
// own, and a channel that says when a unit waits. All of it ends with the benchmark.
func benchConfig(b *testing.B) (machine.Config, <-chan struct{}) {
	b.Helper()
	ctx := context.Background()
	dir := b.TempDir()
	s, err := store.Open(ctx, store.Config{Dir: filepath.Join(dir, "etcd"), Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { worker.Stop(s) })
	limits := s.Limits()
	m, err := model.Open(ctx, model.Config{
		Client: s.Client(), Logger: quiet, MaxTxnOps: limits.MaxTxnOps, MaxRequestBytes: limits.MaxRequestBytes,
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := m.AddMachine(ctx, model.Machine{Hostname: "bench", Addresses: []string{"127.0.0.1"}}); err != nil {
		b.Fatal(err)
	}
	leases, err := machine.NewLeases(m, clock.WallClock, quiet)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { worker.Stop(leases) })
	waiting := make(chan struct{}, 1)
	config := machine.Config{
		DataDir: dir, Machine: "0", Model: m, Clock: clock.WallClock, Logger: quiet,
		HookTool: "/bin/false", LeaderLease: 30 * time.Second,
		Waiting: func() {
			select {
			case waiting <- struct{}{}:
			default:
			}
		},
	}
	if err := leases.Lead(&config); err != nil {
		b.Fatal(err)
	}
	return config, waiting
}

// benchDeploy deploys a charm that is made of the given files.
func benchDeploy(b *testing.B, config machine.Config, name string, units int, machineId string, files map[string]string) {
	b.Helper()
	source := filepath.Join(config.DataDir, "charms", name)
	if err := os.MkdirAll(source, 0o755); err != nil {
		b.Fatal(err)
	}
	for file, content := range files {
		if err := os.WriteFile(filepath.Join(source, file), []byte(content), 0o755); err != nil {
			b.Fatal(err)
		}
	}
	read, err := charm.Read(source)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := config.Model.Deploy(context.Background(), model.DeployArgs{
		Application: name, NumUnits: units, Machine: machineId,
		Charm: model.Charm{Name: name, Path: source, Documents: read.Documents},
	}); err != nil {
		b.Fatal(err)
	}
}

// deployPair adds the application whose unit runs, and the one whose units it
// meets, and relates them. It returns the relation's id.
func deployPair(b *testing.B, config machine.Config, others int) int {
	b.Helper()
	ctx, m := context.Background(), config.Model
	benchDeploy(b, config, "noop", 1, "0", map[string]string{
		"metadata.yaml": "name: noop\nsummary: s\ndescription: d\nrequires:\n  other: {interface: x}\n",
		"dispatch":      benchScript,
	})
	benchDeploy(b, config, "other", 0, "", map[string]string{
		"metadata.yaml": "name: other\nsummary: s\ndescription: d\nprovides:\n  noop: {interface: x}\n",
	})
	for left := others; left > 0; left -= 1000 {
		if _, err := m.AddUnits(ctx, "other", min(left, 1000), ""); err != nil {
			b.Fatal(err)
		}
	}
	relation, err := m.AddRelation(ctx, "noop", "other")
	if err != nil {
		b.Fatal(err)
	}
	return relation.Id
}
