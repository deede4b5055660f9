package operation_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/juju/charm/v12/hooks"
	jujutesting "github.com/juju/testing"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/operation"
)

// stub records the calls of its methods, with what the record said meanwhile.
type stub struct {
	jujutesting.Stub
	path      string
	reflected bool
}

func (s *stub) onDisk() operation.State {
	if s.path == "" {
		return operation.State{}
	}
	state, err := operation.ReadState(s.path)
	if err != nil {
		panic(err)
	}
	return state
}

func (s *stub) Check(info hook.Info) error {
	s.MethodCall(s, "Check", info, s.onDisk())
	return s.NextErr()
}

func (s *stub) Execute(_ context.Context, run operation.Pending) error {
	s.MethodCall(s, "Execute", run, s.onDisk())
	return s.NextErr()
}

func (s *stub) Commit(info hook.Info) error {
	s.MethodCall(s, "Commit", info, s.onDisk())
	return s.NextErr()
}

func (s *stub) Reflected(info hook.Info) (bool, error) {
	s.MethodCall(s, "Reflected", info, s.onDisk())
	return s.reflected, s.NextErr()
}

func (s *stub) check(t *testing.T, want ...jujutesting.StubCall) {
	t.Helper()
	if got := s.Calls(); len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("got calls\n%+v\nwant\n%+v", got, want)
	}
}

func call(name string, args ...any) jujutesting.StubCall {
	return jujutesting.StubCall{FuncName: name, Args: args}
}

func newExecutor(t testing.TB, path string, callbacks operation.Callbacks) *operation.Executor {
	t.Helper()
	executor, err := operation.NewExecutor(path, callbacks)
	if err != nil {
		t.Fatal(err)
	}
	return executor
}

// fixture is an executor whose record is state, and which no call was made of yet.
func fixture(t *testing.T, state operation.State) (*operation.Executor, *stub) {
	t.Helper()
	calls := &stub{path: filepath.Join(t.TempDir(), operation.FileName)}
	executor := newExecutor(t, calls.path, calls)
	if err := executor.Update(func(s *operation.State) { *s = state }); err != nil {
		t.Fatal(err)
	}
	return executor, calls
}

// holds checks that the executor and its record say the same.
func holds(t *testing.T, executor *operation.Executor, calls *stub, want operation.State) {
	t.Helper()
	if got := executor.State(); !reflect.DeepEqual(got, want) {
		t.Errorf("state: got %+v, want %+v", got, want)
	}
	if got := calls.onDisk(); !equal(got, want) {
		t.Errorf("on disk: got %+v, want %+v", got, want)
	}
}

// TestRunTakesTheStepsInOrder has what is on disk at each step: the process runs
// after the record says pending, and the relation's state is written before the
// record says done.
func TestRunTakesTheStepsInOrder(t *testing.T) {
	before := operation.State{CharmDigest: "d"}
	executor, calls := fixture(t, before)
	run := *pending(install)
	if err := executor.Run(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	during := before.Begin(run)
	calls.check(t, call("Check", install, before), call("Execute", run, during), call("Commit", install, during))
	holds(t, executor, calls, operation.State{CharmDigest: "d", Installed: true})
}

func TestRunAgainAfterFailure(t *testing.T) {
	before := operation.State{Pending: pending(joined, failed(3))}
	executor, calls := fixture(t, before)
	run := *pending(joined)
	if err := executor.Run(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	during := before.Begin(run)
	if during.Pending.Failures != 3 || during.Pending.Failed {
		t.Fatalf("begun again: %+v", during.Pending)
	}
	calls.check(t, call("Check", joined, before), call("Execute", run, during), call("Commit", joined, during))
	holds(t, executor, calls, operation.State{})
}

// TestOutcomes has for each outcome of each step what Run returns and what the
// record then says.
func TestOutcomes(t *testing.T) {
	broken := errors.New("broken")
	run := *pending(joined)
	begun := operation.State{}.Begin(run)
	for name, test := range map[string]struct {
		errs  []error // of Check, Execute, Commit
		calls int
		want  operation.State
	}{
		"not in order":      {[]error{broken}, 1, operation.State{}},
		"failed":            {[]error{nil, &operation.FailedError{Reason: "exit status 2"}}, 2, begun.Fail("exit status 2")},
		"failed, wrapped":   {[]error{nil, fmt.Errorf("hook: %w", &operation.FailedError{Reason: "no"})}, 2, begun.Fail("no")},
		"interrupted":       {[]error{nil, fmt.Errorf("hook: %w", operation.ErrInterrupted)}, 2, begun.Interrupt()},
		"unknown":           {[]error{nil, broken}, 2, begun},
		"commit went wrong": {[]error{nil, nil, broken}, 3, begun},
	} {
		t.Run(name, func(t *testing.T) {
			executor, calls := fixture(t, operation.State{})
			calls.SetErrors(test.errs...)
			err := executor.Run(t.Context(), run)
			last := test.errs[len(test.errs)-1]
			var failure, wanted *operation.FailedError
			if errors.As(last, &wanted) {
				if !errors.As(err, &failure) || failure.Reason != wanted.Reason {
					t.Errorf("got error %v, want %v", err, wanted)
				}
			} else if !errors.Is(err, last) {
				t.Errorf("got error %v, want %v", err, last)
			}
			if got := len(calls.Calls()); got != test.calls {
				t.Errorf("%d calls: %+v", got, calls.Calls())
			}
			holds(t, executor, calls, test.want)
			if again := newExecutor(t, calls.path, calls); !equal(again.State(), test.want) {
				t.Errorf("the next start finds %+v", again.State())
			}
		})
	}
}

func TestRunRefusesAnotherHook(t *testing.T) {
	state := operation.State{Pending: pending(joined)}
	executor, calls := fixture(t, state)
	other := joined
	other.ChangeVersion++
	for _, info := range []hook.Info{install, other} {
		err := executor.Run(t.Context(), operation.Pending{Hook: info})
		if want := fmt.Sprintf("cannot run %q: \"relation-joined\" is pending", info.Kind); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	calls.check(t)
	holds(t, executor, calls, state)
}

// TestCommit is what an operator's word does to a hook that failed.
func TestCommit(t *testing.T) {
	state := operation.State{Pending: pending(install, failed(2))}
	executor, calls := fixture(t, state)
	calls.SetErrors(errors.New("disk full"), nil)
	if err := executor.Commit(); err == nil || err.Error() != "disk full" {
		t.Errorf("got %v", err)
	}
	holds(t, executor, calls, state)
	if err := executor.Commit(); err != nil {
		t.Fatal(err)
	}
	calls.check(t, call("Commit", install, state), call("Commit", install, state))
	holds(t, executor, calls, operation.State{Installed: true})
}

func TestDrop(t *testing.T) {
	executor, calls := fixture(t, operation.State{Installed: true, Pending: pending(joined, failed(2))})
	if err := executor.Drop(); err != nil {
		t.Fatal(err)
	}
	calls.check(t)
	holds(t, executor, calls, operation.State{Installed: true})
}

func TestUpdateWritesOnlyWhatIsNew(t *testing.T) {
	executor, calls := fixture(t, operation.State{Installed: true, Leader: true})
	before, err := os.Stat(calls.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := executor.Update(func(s *operation.State) { s.Leader = true }); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(calls.path)
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the record was replaced by the same one, error %v", err)
	}
	if err := executor.Update(func(s *operation.State) { s.Leader = false }); err != nil {
		t.Fatal(err)
	}
	holds(t, executor, calls, operation.State{Installed: true})
}

func TestWriteError(t *testing.T) {
	calls := &stub{path: filepath.Join(t.TempDir(), "no-such-directory", operation.FileName)}
	executor := newExecutor(t, calls.path, calls)
	err := executor.Run(t.Context(), *pending(install))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	calls.check(t, call("Check", install, operation.State{}))
	holds(t, executor, calls, operation.State{})
}

// TestRecover has the one action for each kind of hook at each step.
func TestRecover(t *testing.T) {
	kinds := []hook.Info{install, joined, {Kind: hooks.Start}, {Kind: hooks.ConfigChanged}, {Kind: hooks.LeaderElected},
		{Kind: hooks.UpdateStatus}, {Kind: hooks.Stop}, {Kind: hooks.Remove},
		{Kind: hooks.RelationCreated, RelationId: 3}, {Kind: hooks.RelationBroken, RelationId: 3},
		{Kind: hooks.RelationChanged, RelationId: 3, RemoteApplication: "mysql", ChangeVersion: 9},
		{Kind: hooks.RelationDeparted, RelationId: 3, RemoteUnit: "mysql/0", DepartingUnit: "mysql/0"},
	}
	steps := map[string]func(*operation.Pending){
		"running": func(*operation.Pending) {}, "interrupted": interrupted, "failed": failed(4),
	}
	for _, info := range kinds {
		for step, change := range steps {
			for _, reflected := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s reflected=%v", info.Kind, step, reflected), func(t *testing.T) {
					before := operation.State{Installed: true, Stopped: true, Pending: pending(info, change)}
					executor, calls := fixture(t, before)
					calls.reflected = reflected
					committed, err := executor.Recover()
					if err != nil || committed != reflected {
						t.Errorf("got %v, %v", committed, err)
					}
					if reflected {
						calls.check(t, call("Reflected", info, before), call("Commit", info, before))
						holds(t, executor, calls, before.Commit())
					} else {
						calls.check(t, call("Reflected", info, before))
						holds(t, executor, calls, before)
					}
				})
			}
		}
	}
}

func TestRecoverNothing(t *testing.T) {
	executor, calls := fixture(t, operation.State{Installed: true})
	calls.reflected = true
	if committed, err := executor.Recover(); committed || err != nil {
		t.Errorf("got %v, %v", committed, err)
	}
	calls.check(t)
}

func TestRecoverErrors(t *testing.T) {
	before := operation.State{Pending: pending(joined)}
	for name, errs := range map[string][]error{
		"cannot tell":   {errors.New("broken")},
		"cannot commit": {nil, errors.New("broken")},
	} {
		executor, calls := fixture(t, before)
		calls.reflected = true
		calls.SetErrors(errs...)
		if _, err := executor.Recover(); err == nil || err.Error() != "broken" {
			t.Errorf("%s: got %v", name, err)
		}
		holds(t, executor, calls, before)
	}
}
