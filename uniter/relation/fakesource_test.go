package relation_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

// fakeSource is a HookSource that holds its owner to the contract: it is used by
// one goroutine at a time, no hook is asked of it when it has none, and it is
// stopped once, last. An update appends one hook for each changed unit.
type fakeSource struct {
	t       *testing.T
	changes chan relation.RelationUnitsChange

	// updateErr and stopErr are what Update and Stop return.
	updateErr, stopErr error

	// onPop is called by Pop, if it is not nil.
	onPop func()

	busy    atomic.Bool
	mu      sync.Mutex
	hooks   []hook.Info
	popped  []hook.Info
	stopped int
}

var _ relation.HookSource = (*fakeSource)(nil)

// newFakeSource returns a source that can be updated.
func newFakeSource(t *testing.T, hooks ...hook.Info) *fakeSource {
	return &fakeSource{t: t, hooks: hooks, changes: make(chan relation.RelationUnitsChange)}
}

// newStaticSource returns a source that cannot, and so can be exhausted.
func newStaticSource(t *testing.T, hooks ...hook.Info) *fakeSource {
	return &fakeSource{t: t, hooks: hooks}
}

// use brackets each use of the source by its owner.
func (s *fakeSource) use() (done func()) {
	if !s.busy.CompareAndSwap(false, true) {
		s.t.Error("the source is used by two goroutines at a time")
	}
	s.mu.Lock()
	if s.stopped > 0 {
		s.t.Error("the source is used after it was stopped")
	}
	return func() {
		s.mu.Unlock()
		s.busy.Store(false)
	}
}

func (s *fakeSource) Changes() <-chan relation.RelationUnitsChange {
	defer s.use()()
	return s.changes
}

func (s *fakeSource) Stop() error {
	defer s.use()()
	s.stopped++
	return s.stopErr
}

func (s *fakeSource) Update(change relation.RelationUnitsChange) error {
	defer s.use()()
	if s.updateErr != nil {
		return s.updateErr
	}
	for unit, settings := range change.Changed {
		s.hooks = append(s.hooks, changed(unit, settings.Version))
	}
	return nil
}

func (s *fakeSource) Empty() bool {
	defer s.use()()
	return len(s.hooks) == 0
}

func (s *fakeSource) Next() hook.Info {
	defer s.use()()
	return s.hooks[0]
}

func (s *fakeSource) Pop() {
	defer s.use()()
	s.popped = append(s.popped, s.hooks[0])
	s.hooks = s.hooks[1:]
	if s.onPop != nil {
		s.onPop()
	}
}

// send hands a change to the source's owner.
func (s *fakeSource) send(c relation.RelationUnitsChange) {
	s.t.Helper()
	select {
	case s.changes <- c:
	case <-time.After(tooLong):
		s.t.Fatalf("nobody took the change %v", c)
	}
}

// checkPopped compares the hooks that were popped so far.
func (s *fakeSource) checkPopped(want ...hook.Info) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.popped) != len(want) {
		s.t.Fatalf("popped were %v, want %v", s.popped, want)
	}
	for i := range want {
		if s.popped[i] != want[i] {
			s.t.Fatalf("popped were %v, want %v", s.popped, want)
		}
	}
}

// checkStopped tells whether the owner has stopped the source.
func (s *fakeSource) checkStopped() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped != 1 {
		s.t.Errorf("the source was stopped %d times", s.stopped)
	}
}

// checkEnds waits until a sender or peeker has ended by itself.
func checkEnds(t *testing.T, owner any) {
	t.Helper()
	select {
	case <-owner.(relation.Lifecycle).Done():
	case <-time.After(tooLong):
		t.Fatal("it does not end")
	}
}

// checkStop stops a sender or peeker, which must end with that error.
func checkStop(t *testing.T, owner interface{ Stop() error }, want error) {
	t.Helper()
	stopped := make(chan error, 1)
	go func() { stopped <- owner.Stop() }()
	select {
	case err := <-stopped:
		if err != want {
			t.Errorf("Stop returned %v, want %v", err, want)
		}
	case <-time.After(tooLong):
		t.Fatal("Stop does not return")
	}
	checkEnds(t, owner)
	if err := owner.(relation.Lifecycle).Wait(); err != want {
		t.Errorf("Wait returned %v, want %v", err, want)
	}
	if err := owner.Stop(); err != want {
		t.Errorf("a second Stop returned %v, want %v", err, want)
	}
}
