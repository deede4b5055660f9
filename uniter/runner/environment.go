package runner

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/hook"
)

// JujuVersion is the version that charms are told. They compare it with the
// version that brought a feature, and must find three plain numbers.
const JujuVersion = "3.6.14"

// defaultPath is the search path for an agent that has none itself.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// EnvConfig is what a hook's environment is made of. Fields that the hook's
// kind has no use for are ignored.
type EnvConfig struct {
	// ToolsDir holds the hook tools and comes first on PATH, followed by Path,
	// the agent's own.
	ToolsDir, Path string

	// CharmDir is the charm's directory, absolute.
	CharmDir string

	// ContextID identifies the hook's context to the agent; see NewContextID.
	// SocketPath is where hook tools find it.
	ContextID, SocketPath string

	Unit                 string
	Principal            string // of a subordinate
	ModelName, ModelUUID string
	Machine              string
	AvailabilityZone     string
	APIAddresses         []string
	CloudAPIVersion      string

	// CharmProxy is what charms may use if they choose; SystemProxy is put
	// where every program finds it.
	CharmProxy, SystemProxy Proxy

	// Hook is the hook to run.
	Hook hook.Info

	// Endpoint is the unit's own endpoint of a relation hook, and
	// RemoteApplication the application on the other side, or the unit's own
	// for a peer relation.
	Endpoint, RemoteApplication string

	// StorageKind and StorageLocation are those of a storage hook's storage:
	// "filesystem" or "block", and its path.
	StorageKind, StorageLocation string

	// ActionName is the name of the action to run, if the hook's kind is
	// action.
	ActionName string

	// LeaderToken is the fencing number of the unit's leadership, empty if it
	// is not the leader.
	LeaderToken string
}

// Proxy holds the proxies for each protocol, empty where there is none.
type Proxy struct{ HTTP, HTTPS, FTP, NoProxy string }

// HookName returns the name that the charm knows the hook by, empty for an
// action.
func (c EnvConfig) HookName() string {
	if c.Hook.Kind == hooks.Action {
		return ""
	}
	if c.Hook.Kind.IsStorage() {
		storage, _, _ := strings.Cut(c.Hook.StorageId, "/")
		return c.Hook.Name(storage)
	}
	return c.Hook.Name(c.Endpoint)
}

// NewContextID returns an id for the context of one run of a hook or action. No
// two are the same.
func NewContextID(unit, hookOrAction string) string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return unit + "-" + hookOrAction + "-" + hex.EncodeToString(random[:])
}

// Environment returns the whole environment of a hook or action, as
// "NAME=value". Nothing of the agent's own comes through but its PATH: a charm
// sees the same wherever and by whomever its agent was started. So HOME and
// USER are not there.
func Environment(c EnvConfig) []string {
	env := make(environment, 0, 48)
	env.addSystem(c)
	env.addUnit(c)
	env.addEvent(c)
	return env
}

type environment []string

func (e *environment) add(name, value string) { *e = append(*e, name+"="+value) }

// addSystem adds what programs in general look at.
func (e *environment) addSystem(c EnvConfig) {
	path := c.Path
	if path == "" {
		path = defaultPath
	}
	e.add("PATH", c.ToolsDir+":"+path)
	e.add("LANG", "C.UTF-8")
	e.add("TERM", "tmux-256color")
	e.add("DEBIAN_FRONTEND", "noninteractive")
	e.add("APT_LISTCHANGES_FRONTEND", "none")
	for _, proxy := range []struct{ name, value string }{
		{"http_proxy", c.SystemProxy.HTTP},
		{"https_proxy", c.SystemProxy.HTTPS},
		{"ftp_proxy", c.SystemProxy.FTP},
		{"no_proxy", c.SystemProxy.NoProxy},
	} {
		if proxy.value != "" {
			e.add(proxy.name, proxy.value)
			e.add(strings.ToUpper(proxy.name), proxy.value)
		}
	}
}

// addUnit adds what is so for every hook of the unit. What there is nothing to
// say about is there all the same, and empty.
func (e *environment) addUnit(c EnvConfig) {
	e.add("JUJU_VERSION", JujuVersion)
	e.add("JUJU_CHARM_DIR", c.CharmDir)
	e.add("CHARM_DIR", c.CharmDir)
	e.add("JUJU_AGENT_SOCKET_ADDRESS", c.SocketPath)
	e.add("JUJU_AGENT_SOCKET_NETWORK", "unix")
	e.add("JUJU_UNIT_NAME", c.Unit)
	e.add("JUJU_PRINCIPAL_UNIT", c.Principal)
	e.add("JUJU_MODEL_NAME", c.ModelName)
	e.add("JUJU_MODEL_UUID", c.ModelUUID)
	e.add("JUJU_MACHINE_ID", c.Machine)
	e.add("JUJU_AVAILABILITY_ZONE", c.AvailabilityZone)
	e.add("JUJU_API_ADDRESSES", strings.Join(c.APIAddresses, " "))
	e.add("CLOUD_API_VERSION", c.CloudAPIVersion)
	e.add("JUJU_CHARM_HTTP_PROXY", c.CharmProxy.HTTP)
	e.add("JUJU_CHARM_HTTPS_PROXY", c.CharmProxy.HTTPS)
	e.add("JUJU_CHARM_FTP_PROXY", c.CharmProxy.FTP)
	e.add("JUJU_CHARM_NO_PROXY", c.CharmProxy.NoProxy)
	// Metering and support levels are not for us to say; charms of the 3.x era
	// expect the words for that.
	e.add("JUJU_SLA", "unsupported")
	e.add("JUJU_METER_STATUS", "AMBER")
	e.add("JUJU_METER_INFO", "not set")
	if c.LeaderToken != "" {
		e.add("UNIT_AGENT_LEADER_TOKEN", c.LeaderToken)
	}
}

// addEvent adds what this hook is about.
func (e *environment) addEvent(c EnvConfig) {
	e.add("JUJU_CONTEXT_ID", c.ContextID)
	name := c.HookName()
	e.add("JUJU_HOOK_NAME", name)
	kind := c.Hook.Kind
	if kind == hooks.Action {
		e.add("JUJU_DISPATCH_PATH", "actions/"+c.ActionName)
		e.add("JUJU_ACTION_NAME", c.ActionName)
		e.add("JUJU_ACTION_UUID", c.Hook.ActionId)
		e.add("JUJU_ACTION_TAG", "action-"+c.Hook.ActionId)
		return
	}
	e.add("JUJU_DISPATCH_PATH", "hooks/"+name)
	switch {
	case kind.IsRelation():
		e.addRelation(c)
	case kind.IsStorage():
		e.add("JUJU_STORAGE_ID", c.Hook.StorageId)
		e.add("JUJU_STORAGE_KIND", c.StorageKind)
		e.add("JUJU_STORAGE_LOCATION", c.StorageLocation)
	case kind.IsSecret():
		e.add("JUJU_SECRET_ID", c.Hook.SecretURI)
		e.add("JUJU_SECRET_LABEL", c.Hook.SecretLabel)
		if kind == hooks.SecretExpired || kind == hooks.SecretRemove {
			e.add("JUJU_SECRET_REVISION", strconv.Itoa(c.Hook.SecretRevision))
		}
	}
}

func (e *environment) addRelation(c EnvConfig) {
	unit := c.Hook.RemoteUnit
	if c.Hook.Kind == hooks.RelationCreated || c.Hook.Kind == hooks.RelationBroken {
		unit = ""
	}
	application := c.Hook.RemoteApplication
	if application == "" {
		application, _, _ = strings.Cut(unit, "/")
	}
	if application == "" {
		application = c.RemoteApplication
	}
	e.add("JUJU_RELATION", c.Endpoint)
	e.add("JUJU_RELATION_ID", c.Endpoint+":"+strconv.Itoa(c.Hook.RelationId))
	e.add("JUJU_REMOTE_UNIT", unit)
	e.add("JUJU_REMOTE_APP", application)
	if c.Hook.Kind == hooks.RelationDeparted {
		departing := c.Hook.DepartingUnit
		if departing == "" {
			departing = unit
		}
		e.add("JUJU_DEPARTING_UNIT", departing)
	}
}
