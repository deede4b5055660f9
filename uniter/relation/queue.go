package relation

import "github.com/unit-agent/unit-agent/uniter/hook"

// HookQueue exists to keep the package interface stable.
type HookQueue interface {
	HookSender
}

// NewAliveHookQueue exists to keep the package interface stable; it wraps the
// result of NewLiveHookSource in a HookSender.
func NewAliveHookQueue(initial *State, out chan<- hook.Info, w RelationUnitsWatcher) HookQueue {
	return NewHookSender(out, NewLiveHookSource(initial, w))
}

// NewDyingHookQueue exists to keep the package interface stable; it wraps the
// result of NewDyingHookSource in a HookSender.
func NewDyingHookQueue(initial *State, out chan<- hook.Info) HookQueue {
	return NewHookSender(out, NewDyingHookSource(initial))
}
