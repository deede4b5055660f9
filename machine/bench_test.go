package machine_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/juju/clock"

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
	dir := b.TempDir()
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := store.Open(ctx, store.Config{Dir: filepath.Join(dir, "etcd"), Logger: logger})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Wait()
	defer s.Kill()
	limits := s.Limits()
	m, err := model.Open(ctx, model.Config{
		Client: s.Client(), Logger: logger, MaxTxnOps: limits.MaxTxnOps, MaxRequestBytes: limits.MaxRequestBytes,
	})
	if err != nil {
		b.Fatal(err)
	}
	others := max(1, b.N/2)
	id := deployPair(b, m, dir, others)
	for i := range others {
		if err := m.EnterScope(ctx, id, fmt.Sprintf("other/%d", i), nil); err != nil {
			b.Fatal(err)
		}
	}
	started := make(chan struct{}, 1)
	leases, err := machine.NewLeases(m, clock.WallClock, logger)
	if err != nil {
		b.Fatal(err)
	}
	defer leases.Wait()
	defer leases.Kill()
	config := machine.Config{
		DataDir: dir, Machine: "0", Model: m, Clock: clock.WallClock, Logger: logger,
		HookTool:    "/bin/false",
		LeaderLease: 30 * time.Second,
		Waiting: func() {
			select {
			case started <- struct{}{}:
			default:
			}
		},
	}
	if err := leases.Lead(&config); err != nil {
		b.Fatal(err)
	}
	agent, err := machine.NewUnitAgent(ctx, machine.UnitConfig{Config: config, Unit: "noop/0"})
	if err != nil {
		b.Fatal(err)
	}
	for {
		<-started
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

// deployPair adds the application whose unit runs, and the one whose units it
// meets, and relates them. It returns the relation's id.
func deployPair(b *testing.B, m *model.Model, dir string, others int) int {
	b.Helper()
	ctx := context.Background()
	if _, err := m.AddMachine(ctx, model.Machine{Hostname: "bench", Addresses: []string{"127.0.0.1"}}); err != nil {
		b.Fatal(err)
	}
	deploy := func(name, metadata string, units int, machine string) {
		source := filepath.Join(dir, "charms", name)
		if err := os.MkdirAll(source, 0o755); err != nil {
			b.Fatal(err)
		}
		for file, content := range map[string]string{"metadata.yaml": metadata, "dispatch": benchScript} {
			if err := os.WriteFile(filepath.Join(source, file), []byte(content), 0o755); err != nil {
				b.Fatal(err)
			}
		}
		read, err := charm.Read(source)
		if err != nil {
			b.Fatal(err)
		}
		_, err = m.Deploy(ctx, model.DeployArgs{
			Application: name, NumUnits: units, Machine: machine,
			Charm: model.Charm{Name: name, Path: source, Documents: read.Documents},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	deploy("noop", "name: noop\nsummary: s\ndescription: d\nrequires:\n  other: {interface: x}\n", 1, "0")
	deploy("other", "name: other\nsummary: s\ndescription: d\nprovides:\n  noop: {interface: x}\n", 0, "")
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
