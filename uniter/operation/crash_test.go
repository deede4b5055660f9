package operation_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/internal/durable/durabletest"
	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/operation"
)

// unit has the callbacks of a unit whose hooks take no time. The relation's state
// is in memory, and survives.
type unit struct {
	ran      int
	outcome  error
	recorded map[hook.Info]bool
}

func newUnit(outcome error) *unit { return &unit{outcome: outcome, recorded: map[hook.Info]bool{}} }

func (u *unit) Check(info hook.Info) error {
	if u.recorded[info] {
		return fmt.Errorf("%s out of order", info.Kind)
	}
	return nil
}

func (u *unit) Execute(context.Context, operation.Pending) error {
	u.ran++
	return u.outcome
}

func (u *unit) Commit(info hook.Info) error {
	if info.Kind.IsRelation() {
		u.recorded[info] = true
	}
	return nil
}

func (u *unit) Reflected(info hook.Info) (bool, error) { return u.recorded[info], nil }

// writes has each kind of write: the state before, what is done, the states that
// the record may be in meanwhile, and the one in the end.
var writes = []struct {
	name    string
	before  operation.State
	outcome error
	do      func(*operation.Executor) error
	between []operation.State
	after   operation.State
}{
	{
		name:  "update",
		do:    func(e *operation.Executor) error { return e.Update(func(s *operation.State) { s.CharmDigest = "d" }) },
		after: operation.State{CharmDigest: "d"},
	},
	{
		name:    "run",
		do:      run(install),
		between: []operation.State{{Pending: pending(install)}},
		after:   operation.State{Installed: true},
	},
	{
		name:    "run of a relation",
		before:  operation.State{Installed: true},
		do:      run(joined),
		between: []operation.State{{Installed: true, Pending: pending(joined)}},
		after:   operation.State{Installed: true},
	},
	{
		name:    "run that fails",
		outcome: &operation.FailedError{Reason: "exit status 1"},
		do: func(e *operation.Executor) error {
			if p := e.State().Pending; p != nil && p.Failed {
				return nil
			}
			var failure *operation.FailedError
			if err := run(joined)(e); !errors.As(err, &failure) {
				return err
			}
			return nil
		},
		between: []operation.State{{Pending: pending(joined)}},
		after:   operation.State{Pending: pending(joined, failed(1))},
	},
	{
		name:    "run that is interrupted",
		outcome: operation.ErrInterrupted,
		do: func(e *operation.Executor) error {
			if err := run(joined)(e); !errors.Is(err, operation.ErrInterrupted) {
				return err
			}
			return nil
		},
		between: []operation.State{{Pending: pending(joined)}},
		after:   operation.State{Pending: pending(joined, interrupted)},
	},
	{
		name:    "retry",
		before:  operation.State{Pending: pending(joined, failed(2))},
		do:      run(joined),
		between: []operation.State{{Pending: pending(joined, func(p *operation.Pending) { p.Failures = 2 })}},
	},
	{
		name:   "skip",
		before: operation.State{Pending: pending(joined, failed(2))},
		do: func(e *operation.Executor) error {
			if e.State().Pending == nil {
				return nil
			}
			return e.Commit()
		},
	},
	{
		name:   "drop",
		before: operation.State{Pending: pending(joined, failed(2))},
		do:     (*operation.Executor).Drop,
	},
}

func run(info hook.Info) func(*operation.Executor) error {
	return func(e *operation.Executor) error { return e.Run(context.Background(), *pending(info)) }
}

// atEachStep does each write with arm making one of its steps go wrong, then
// calls then, and goes on as the next start of an agent does.
func atEachStep(t *testing.T, arm func(*durabletest.Disk, int), then func(*durabletest.Disk)) {
	for _, w := range writes {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			for n := 0; ; n++ {
				dir := t.TempDir()
				path := filepath.Join(dir, operation.FileName)
				u := newUnit(w.outcome)
				executor := newExecutor(t, path, u)
				if err := executor.Update(func(s *operation.State) { *s = w.before }); err != nil {
					t.Fatal(err)
				}
				disk := durabletest.NewDisk(t, dir)
				arm(disk, n)
				err := w.do(executor)
				if !disk.Tripped() {
					if err != nil || n < 6 {
						t.Errorf("%d steps, error %v", n, err)
					}
					return
				}
				step := fmt.Sprintf("step %d, %s", n, disk.Labels()[n])
				then(disk)

				if err := durable.MkdirAll(filepath.Join(dir, "relations"), 0o755); err != nil {
					t.Fatal(err)
				}
				executor = newExecutor(t, path, u)
				states := append([]operation.State{w.before, w.after}, w.between...)
				if !slices.ContainsFunc(states, func(s operation.State) bool { return equal(s, executor.State()) }) {
					t.Errorf("%s: left %+v", step, executor.State())
				}
				committed, err := executor.Recover()
				if err != nil {
					t.Fatalf("%s: recover: %v", step, err)
				}
				if !committed && !equal(executor.State(), w.after) {
					if err := w.do(executor); err != nil {
						t.Errorf("%s: go on: %v", step, err)
					}
				}
				disk.PowerCycle()
				if got := newExecutor(t, path, u).State(); !equal(got, w.after) {
					t.Errorf("%s: ended with %+v, want %+v", step, got, w.after)
				}
				if u.ran > 2 {
					t.Errorf("%s: the hook ran %d times", step, u.ran)
				}
			}
		})
	}
}

func TestPowerCutAtEachStep(t *testing.T) {
	atEachStep(t, (*durabletest.Disk).OffAt, (*durabletest.Disk).PowerCycle)
}

func TestPowerCutWithLuckAtEachStep(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			atEachStep(t, (*durabletest.Disk).OffAt, func(disk *durabletest.Disk) {
				disk.PowerCycleLucky(rand.New(rand.NewPCG(seed, 0)))
			})
		})
	}
}

func TestKillAtEachStep(t *testing.T) {
	atEachStep(t, (*durabletest.Disk).OffAt, (*durabletest.Disk).Restart)
}

func TestFaultAtEachStep(t *testing.T) {
	for _, fault := range []error{syscall.EIO, syscall.ENOSPC} {
		t.Run(fault.Error(), func(t *testing.T) {
			atEachStep(t, func(disk *durabletest.Disk, n int) { disk.FailAt(n, fault) }, (*durabletest.Disk).Restart)
		})
	}
}

// TestFailedSyncIsFinal shows that the process does not try again where a second
// fsync could succeed without what the first one lost.
func TestFailedSyncIsFinal(t *testing.T) {
	for _, label := range []string{"write/fsync", "write/fsync-dir"} {
		dir := t.TempDir()
		executor := newExecutor(t, filepath.Join(dir, operation.FileName), newUnit(nil))
		disk := durabletest.NewDisk(t, dir)
		disk.FailOn(label, syscall.EIO)
		for range 2 {
			if err := run(install)(executor); !errors.Is(err, durable.ErrSync) {
				t.Errorf("%s: got %v", label, err)
			}
		}
		disk.Restart()
		executor = newExecutor(t, filepath.Join(dir, operation.FileName), newUnit(nil))
		if err := run(install)(executor); err != nil || !executor.State().Installed {
			t.Errorf("%s: the next process: %v", label, err)
		}
	}
}
