package hooktool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/juju/clock"
	"github.com/juju/names/v4"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter/hook"
)

// View is one consistent look at the model, as *model.View gives it.
type View interface {
	UnitSettings(ctx context.Context, relationId int, unit string) (map[string]string, error)
	ApplicationSettings(ctx context.Context, relationId int, application string) (map[string]string, error)
	RelationMembers(ctx context.Context, relationId int) ([]string, error)
	Unit(ctx context.Context, unit string) (model.Unit, error)
	ApplicationStatus(ctx context.Context, application string) (model.StatusInfo, map[string]model.StatusInfo, error)
	LeaderSettings(ctx context.Context, application string) (map[string]string, error)
	OpenPortsOnMachine(ctx context.Context, machine string) (map[string][]model.PortRange, error)
}

// Model is what the tools write at once, as *model.Model does it.
type Model interface {
	SetWorkloadStatus(ctx context.Context, unit string, status model.StatusInfo) error
	SetApplicationStatus(ctx context.Context, application string, status model.StatusInfo, fence ...clientv3.Cmp) error
	SetLeaderSettings(ctx context.Context, application string, changes map[string]string, fence ...clientv3.Cmp) error
	SetWorkloadVersion(ctx context.Context, unit, version string) error
}

var (
	_ View  = (*model.View)(nil)
	_ Model = (*model.Model)(nil)
)

// ContextConfig says whose and which hook a Context is for. The maps and slices in it are not
// to be changed while the Context is in use; the Context does not change them.
type ContextConfig struct {
	// Unit is the unit that runs the hook.
	Unit string
	// Hook is the hook that runs. Its kind is empty for a command that is run as no hook.
	Hook hook.Info
	// Endpoint is the unit's own endpoint of Hook's relation. It is needed only if that
	// relation is not in Relations.
	Endpoint string
	// Relations are the relations that the unit takes part in, by id.
	Relations map[int]model.UnitRelation
	// Members returns the units of a relation whose joined hook has run and whose departed hook
	// has not; the remote unit of Hook itself may be there or not. A relation that it does not know, and
	// any if it is nil, has the members that View says.
	Members func(relationId int) (units []string, known bool)
	// Endpoints are the names that the charm has for its endpoints and extra bindings. If
	// there are none, --endpoints takes any name.
	Endpoints []string
	// Config is the application's configuration without the options that have no value, each
	// value a string, an int, an int64, a float64 or a bool.
	Config map[string]any
	// ConfigAll is Config with nil for each option that has no value.
	ConfigAll map[string]any

	// View is where the hook's reads come from. It must not be nil.
	View View
	// Model takes what acts at once. It must not be nil.
	Model Model
	// IsLeader says whether the unit leads its application, for a guaranteed while. An error
	// means that this is not known. It must not be nil.
	IsLeader func() (bool, error)
	// LeaderFence returns comparisons that hold while the unit's present leadership lasts. It
	// must not be nil.
	LeaderFence func() ([]clientv3.Cmp, error)
	// Log takes what the charm logs, with the name of its logger. It must not be nil.
	Log func(level slog.Level, module, message string)
	// Clock is the wall clock if nil.
	Clock clock.Clock
}

// Validate returns an error if what must be there is not.
func (c ContextConfig) Validate() error {
	switch {
	case !names.IsValidUnit(c.Unit):
		return fmt.Errorf("unit %q is not a unit name", c.Unit)
	case c.View == nil:
		return errors.New("nil View")
	case c.Model == nil:
		return errors.New("nil Model")
	case c.IsLeader == nil:
		return errors.New("nil IsLeader")
	case c.LeaderFence == nil:
		return errors.New("nil LeaderFence")
	case c.Log == nil:
		return errors.New("nil Log")
	}
	return nil
}

// Context is one hook's view of the model and all that the hook changes. Calls of tools reach
// it through a Server, one at a time.
type Context struct {
	config      ContextConfig
	application string

	// What follows belongs to the call whose turn it is; once the hook is deactivated, to
	// the caller of Flush.

	unitChanges map[int]changes           // own settings, by relation id
	unitBase    map[int]map[string]string // the same as the model has them, where read
	appChanges  map[int]changes           // the application's settings, by relation id
	fence       []clientv3.Cmp            // of the leadership that appChanges were made under
	ports       *portBuffer               // nil until a tool needed it

	// What was written at once, as View may show what was before.
	workloadStatus    *model.StatusInfo
	applicationStatus *model.StatusInfo
	leaderChanges     changes
}

// NewContext returns a Context in which the hook has changed nothing yet. It panics if the
// config is not valid.
func NewContext(config ContextConfig) *Context {
	if err := config.Validate(); err != nil {
		panic("hooktool: invalid context config: " + err.Error())
	}
	if config.Clock == nil {
		config.Clock = clock.WallClock
	}
	application, _ := names.UnitApplication(config.Unit)
	return &Context{
		config:      config,
		application: application,
		unitChanges: make(map[int]changes),
		unitBase:    make(map[int]map[string]string),
		appChanges:  make(map[int]changes),
	}
}

// Flush returns what the hook has changed, and only that: changes to the unit's settings that
// are known to make no difference are left out. It has the leader's fence if something in it is for the
// leader only, not the fence of the unit's claim. It changes nothing, so it may be called again.
//
// It must not be called before the hook is deactivated.
func (c *Context) Flush() model.Flush {
	flush := model.Flush{Unit: c.config.Unit}
	for id, set := range c.unitChanges {
		if base, ok := c.unitBase[id]; ok {
			set = set.real(base)
		}
		if len(set) > 0 {
			addSettings(&flush.RelationUnit, id, set)
		}
	}
	// The application's settings may have been written by another leader since they were
	// read, so which changes make a difference is for the transaction to say.
	for id, set := range c.appChanges {
		addSettings(&flush.RelationApp, id, set)
		flush.Fence = slices.Clone(c.fence)
	}
	if c.ports != nil {
		flush.OpenPorts, flush.ClosePorts = c.ports.difference()
	}
	return flush
}

func addSettings(to *map[int]map[string]string, id int, set changes) {
	if *to == nil {
		*to = make(map[int]map[string]string)
	}
	(*to)[id] = set.clone()
}
