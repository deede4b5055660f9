package relation

import (
	"maps"
	"slices"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/hook"
)

// NewDyingHookSource returns a new HookSource that generates all hooks
// necessary to clean up the supplied initial relation hook state, while
// preserving the guarantees Juju makes about hook execution order: the changed
// that a joined is still owed, a departed for each member in name order, and
// broken. The state is not kept, nor changed.
func NewDyingHookSource(initial *State) HookSource {
	pending := initial.ChangedPending
	members := slices.Collect(maps.Keys(initial.Members))
	if _, known := initial.Members[pending]; pending != "" && !known {
		// Its joined ran, so it must depart like the rest.
		members = append(members, pending)
	}
	slices.Sort(members)

	list := make([]hook.Info, 0, len(members)+2)
	if pending != "" {
		list = append(list, hook.Info{
			Kind:          hooks.RelationChanged,
			RelationId:    initial.RelationId,
			RemoteUnit:    pending,
			ChangeVersion: initial.Members[pending],
		})
	}
	for _, unit := range members {
		list = append(list, hook.Info{
			Kind:          hooks.RelationDeparted,
			RelationId:    initial.RelationId,
			RemoteUnit:    unit,
			ChangeVersion: initial.Members[unit],
		})
	}
	list = append(list, hook.Info{
		Kind:       hooks.RelationBroken,
		RelationId: initial.RelationId,
	})
	return &listSource{hooks: list}
}
