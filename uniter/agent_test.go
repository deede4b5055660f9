package uniter_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/juju/clock"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter"
	"github.com/unit-agent/unit-agent/uniter/hooktool"
	"github.com/unit-agent/unit-agent/uniter/journal"
	"github.com/unit-agent/unit-agent/uniter/operation"
)

func mkfifo(path string) error { return syscall.Mkfifo(path, 0o600) }

// agent is a uniter with all that it needs, as a unit's agent has it.
type agent struct {
	*uniter.Uniter
	w       *world
	unit    string
	home    uniter.Home
	tracker *tracker
	claim   *model.UnitClaim
	server  *hooktool.Server
	journal *journal.Journal
	waiting chan struct{}
	ended   bool
}

// start starts the agent of a unit that leads, unless a change of the config says
// otherwise. It is stopped with the test.
func (w *world) start(unit string, changes ...func(*uniter.Config)) *agent {
	w.t.Helper()
	a, err := newAgent(w, unit, changes...)
	w.check(err)
	w.t.Cleanup(func() {
		if err := a.stop(); err != nil {
			w.t.Errorf("the agent of %s: %v", unit, err)
		}
	})
	return a
}

func newAgent(w *world, unit string, changes ...func(*uniter.Config)) (_ *agent, err error) {
	a := &agent{
		w: w, unit: unit, home: uniter.HomeOf(w.dir, unit), tracker: newTracker(unit, true),
		waiting: make(chan struct{}, 1),
	}
	if err := os.MkdirAll(a.home.Dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.Symlink(toolsDir, a.home.ToolsDir()); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if a.claim, err = w.ClaimUnit(w.ctx, unit, "0"); err != nil {
		return nil, err
	}
	if a.server, err = hooktool.NewServer(a.home.Socket(), silent); err != nil {
		return nil, err
	}
	a.journal = journal.Open(a.home.JournalFile())
	config := uniter.Config{
		Unit: unit, Machine: "0", Home: a.home, Model: w.Model, Claim: a.claim,
		Leadership: a.tracker, LeadershipChecker: a.tracker,
		Tools: a.server, Journal: a.journal, Logger: silent, Clock: clock.WallClock,
		Waiting: func() {
			select {
			case a.waiting <- struct{}{}:
			default:
			}
		},
	}
	if os.Getenv("UNITER_TEST_LOG") != "" {
		config.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	for _, change := range changes {
		change(&config)
	}
	if given, ok := config.Leadership.(*tracker); ok {
		a.tracker = given
	}
	a.Uniter, err = uniter.New(config)
	return a, err
}

// stop stops the agent and returns what the uniter ended with.
func (a *agent) stop() error {
	a.w.t.Helper()
	a.Kill()
	return a.wait()
}

// wait returns what the uniter ends with, and ends what it worked with.
func (a *agent) wait() error {
	a.w.t.Helper()
	select {
	case <-a.Dead():
	case <-time.After(watchdog):
		a.w.t.Fatalf("the agent of %s does not end", a.unit)
	}
	err := a.Wait()
	if !a.ended {
		a.ended = true
		a.server.Kill()
		a.server.Wait()
		a.claim.Kill()
		a.claim.Wait()
		a.journal.Close()
	} else if errors.Is(err, uniter.ErrFinished) {
		err = nil // Somebody has been told before.
	}
	return err
}

// await waits until cond holds, which is asked again whenever the unit has done
// all that it can.
func (a *agent) await(what string, cond func() bool) {
	a.w.t.Helper()
	for timeout := time.After(watchdog); !cond(); {
		select {
		case <-a.waiting:
		case <-a.Dead():
			a.w.t.Fatalf("waiting for %s: the agent of %s ended: %v", what, a.unit, a.Wait())
		case <-timeout:
			a.w.t.Fatalf("waiting for %s in vain: %s ran %q, its record is %+v", what, a.unit, a.w.hooks(a.unit), a.record())
		}
	}
}

// awaitIdle waits until the unit has done all that the model wants of it.
func (a *agent) awaitIdle() {
	a.w.t.Helper()
	a.await("an idle unit", a.idle)
}

// idle reports whether the record says that all is done that the model wants. The
// record is read before the model: so what ends in between is seen in neither.
func (a *agent) idle() bool {
	a.w.t.Helper()
	record, err := uniter.ReadRecord(a.home)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	a.w.check(err)
	state, err := a.w.UnitState(a.w.ctx, a.unit)
	if model.IsNotFound(err) {
		return false
	}
	a.w.check(err)
	seen := make(map[int]uniter.Seen)
	for id := range state.Relations {
		present, inScope, err := a.w.RelationUnits(a.w.ctx, id, a.unit)
		if model.IsNotFound(err) {
			continue
		}
		a.w.check(err)
		seen[id] = uniter.Seen{Present: present, InScope: inScope}
	}
	decision, _, err := uniter.Due(record, state, seen, a.tracker.leads())
	a.w.check(err)
	return decision.Step == uniter.Wait && record.Operation.Pending == nil
}

// record returns the unit's operation record.
func (a *agent) record() operation.State {
	a.w.t.Helper()
	state, err := operation.ReadState(a.home.OperationFile())
	a.w.check(err)
	return state
}

// awaitFailures waits until the pending hook has failed so many times.
func (a *agent) awaitFailures(n int) {
	a.w.t.Helper()
	a.await("a failed hook", func() bool {
		pending := a.record().Pending
		return pending != nil && pending.Failed && pending.Failures == n
	})
}

// outcomes returns what the journal says: "HOOK OUTCOME" for each entry.
func (a *agent) outcomes() []string {
	a.w.t.Helper()
	entries, err := journal.Read(a.home.JournalFile())
	a.w.check(err)
	var outcomes []string
	for _, entry := range entries {
		outcomes = append(outcomes, entry.Hook+" "+string(entry.Outcome))
	}
	return outcomes
}

func want(t testing.TB, about string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", about, got, want)
	}
}
