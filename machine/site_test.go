package machine_test

import (
	"context"
	"fmt"
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
)

// site is a machine of a model, with a data directory, and charms whose hooks
// write down what they are.
type site struct {
	*model.Model
	t      *testing.T
	ctx    context.Context
	server *etcdtest.Server
	// data is the data directory, charms and scripts are elsewhere.
	data, dir string
	config    machine.Config
	// waiting is told when some unit has done all that it can, news of each thing
	// that is logged.
	waiting chan struct{}
	news    chan slog.Record
}

func newSite(t *testing.T) *site {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	t.Cleanup(cancel)
	s := &site{
		t: t, ctx: ctx, server: etcdtest.NewServer(t), data: t.TempDir(), dir: t.TempDir(),
		waiting: make(chan struct{}, 1), news: make(chan slog.Record, 10_000),
	}
	var err error
	s.Model, err = model.Open(ctx, model.Config{Client: s.server.Client(), Logger: quiet})
	s.check(err)
	_, err = s.AddMachine(ctx, model.Machine{Hostname: "here"})
	s.check(err)
	leases, err := machine.NewLeases(s.Model, clock.WallClock, quiet)
	s.check(err)
	t.Cleanup(func() { worker.Stop(leases) })
	s.config = machine.Config{
		DataDir: s.data, Machine: "0", Model: s.Model, Clock: clock.WallClock, Logger: slog.New(newsHandler{s.news}),
		HookTool: hookTool, LeaderLease: 30 * time.Second, StopTimeout: patience,
		Waiting: func() {
			select {
			case s.waiting <- struct{}{}:
			default:
			}
		},
	}
	s.check(leases.Lead(&s.config))
	return s
}

// newsHandler passes warnings and errors on.
type newsHandler struct{ news chan<- slog.Record }

func (h newsHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}
func (h newsHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h newsHandler) WithGroup(string) slog.Handler      { return h }
func (h newsHandler) Handle(_ context.Context, r slog.Record) error {
	select {
	case h.news <- r:
	default:
	}
	return nil
}

// awaitNews waits until something is logged with the message, and returns its
// attributes as a text.
func (s *site) awaitNews(message string) string {
	s.t.Helper()
	for timeout := time.After(patience); ; {
		select {
		case record := <-s.news:
			if record.Message != message {
				continue
			}
			var text []string
			record.Attrs(func(a slog.Attr) bool {
				text = append(text, a.String())
				return true
			})
			return strings.Join(text, " ")
		case <-timeout:
			s.t.Fatalf("never logged: %s", message)
		}
	}
}

func (s *site) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// deploy deploys a charm of that name with n units on the machine. Its hooks do
// what is in the scripts of their names.
func (s *site) deploy(name, metadata string, n int) {
	s.t.Helper()
	dir := filepath.Join(s.dir, "charms", name)
	for file, content := range map[string]string{
		"metadata.yaml": "name: " + name + "\nsummary: s\ndescription: d\n" + metadata,
		"config.yaml":   "options:\n  value: {type: string, default: first, description: d}\n",
		"dispatch": fmt.Sprintf(`#!/bin/sh
echo "$JUJU_UNIT_NAME $JUJU_HOOK_NAME" >>'%[1]s/hooks'
[ ! -f '%[1]s/'$JUJU_HOOK_NAME ] || . '%[1]s/'$JUJU_HOOK_NAME
`, s.dir),
	} {
		s.check(os.MkdirAll(dir, 0o755))
		s.check(os.WriteFile(filepath.Join(dir, file), []byte(content), 0o755))
	}
	read, err := charm.Read(dir)
	s.check(err)
	_, err = s.Deploy(s.ctx, model.DeployArgs{
		Application: name, NumUnits: n, Machine: "0",
		Charm: model.Charm{Name: name, Path: dir, Documents: read.Documents},
	})
	s.check(err)
}

// script has the hooks of that name do something.
func (s *site) script(hook, content string) {
	s.t.Helper()
	s.check(os.WriteFile(filepath.Join(s.dir, hook), []byte(content+"\n"), 0o644))
}

// hooks returns the hooks that a unit ran.
func (s *site) hooks(unit string) []string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "hooks"))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	var hooks []string
	for line := range strings.Lines(string(text)) {
		if hook, ok := strings.CutPrefix(strings.TrimSpace(line), unit+" "); ok {
			hooks = append(hooks, hook)
		}
	}
	return hooks
}

// count returns how often a unit ran a hook.
func (s *site) count(unit, hook string) int {
	s.t.Helper()
	return len(slices.DeleteFunc(s.hooks(unit), func(h string) bool { return h != hook }))
}

func (s *site) home(unit string) uniter.Home { return uniter.HomeOf(s.data, unit) }

// start runs the machine until the test ends, which must be without an error.
func (s *site) start() *machine.Machine {
	s.t.Helper()
	m, err := machine.New(s.config)
	s.check(err)
	s.t.Cleanup(func() {
		if err := worker.Stop(m); err != nil {
			s.t.Errorf("the machine ended with %v", err)
		}
	})
	return m
}

// await waits until cond holds, which is asked again whenever a unit has done all
// that it can or the model has changed.
func (s *site) await(what string, cond func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	changes := s.WatchAll(ctx)
	for !cond() {
		select {
		case <-s.waiting:
		case <-changes:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			s.t.Fatalf("waiting for %s in vain", what)
		}
	}
}

// look looks at the machine, which must be possible.
func (s *site) look() machine.Progress {
	s.t.Helper()
	progress, err := machine.Look(s.ctx, s.data, "0", s.Model)
	s.check(err)
	return progress
}

func (s *site) awaitIdle() {
	s.t.Helper()
	s.await("an idle machine", func() bool { return s.look().Idle() })
}
