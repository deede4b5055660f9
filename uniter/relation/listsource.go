package relation

import (
	"slices"

	"github.com/unit-agent/unit-agent/uniter/hook"
)

// listSource delivers a fixed list of hooks.
type listSource struct {
	NoUpdates
	hooks []hook.Info
}

var _ HookSource = (*listSource)(nil)

// NewListSource returns a HookSource that generates only the supplied hooks, in
// order; and which cannot be updated. The list is copied.
func NewListSource(list []hook.Info) HookSource {
	return &listSource{hooks: slices.Clone(list)}
}

// Empty implements HookSource.
func (s *listSource) Empty() bool {
	return len(s.hooks) == 0
}

// Next implements HookSource.
func (s *listSource) Next() hook.Info {
	if s.Empty() {
		panic(noHooks)
	}
	return s.hooks[0]
}

// Pop implements HookSource.
func (s *listSource) Pop() {
	if s.Empty() {
		panic(noHooks)
	}
	s.hooks = s.hooks[1:]
}

// noHooks is what the sources panic with when their client asks an empty one
// for a hook.
const noHooks = "HookSource has no hooks scheduled"
