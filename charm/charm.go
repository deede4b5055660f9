package charm

import (
	"slices"

	jujucharm "github.com/juju/charm/v12"
)

// Charm is what a charm declares.
type Charm struct {
	Meta    *jujucharm.Meta
	Config  *jujucharm.Config  // never nil; without options if the charm has none
	Actions *jujucharm.Actions // never nil; without actions if the charm has none

	// Revision is the number in the charm's revision file, 0 if it has none.
	Revision int

	// Version is the first line of the charm's version file, "" if it has none.
	Version string

	// Documents are the texts that the rest was read from.
	Documents Documents
}

// Documents are a charm's YAML texts in split form. A text is empty if the
// charm has no such file.
type Documents struct {
	Metadata string `json:"metadata"`
	Config   string `json:"config,omitempty"`
	Actions  string `json:"actions,omitempty"`
}

// EndpointNames returns what the charm calls its endpoints and extra bindings, sorted.
func (c *Charm) EndpointNames() []string {
	var names []string
	for name := range c.Meta.CombinedRelations() {
		names = append(names, name)
	}
	for name := range c.Meta.ExtraBindings {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// JujuInfo is the endpoint that every charm provides without declaring it.
const JujuInfo = "juju-info"

// Endpoint returns the endpoint with the given name: one that the charm
// declares, or the implicit juju-info.
func (c *Charm) Endpoint(name string) (jujucharm.Relation, bool) {
	for _, endpoints := range []map[string]jujucharm.Relation{c.Meta.Provides, c.Meta.Requires, c.Meta.Peers} {
		if endpoint, ok := endpoints[name]; ok {
			return endpoint, true
		}
	}
	if name == JujuInfo {
		return jujucharm.Relation{
			Name:      JujuInfo,
			Role:      jujucharm.RoleProvider,
			Interface: JujuInfo,
			Scope:     jujucharm.ScopeGlobal,
		}, true
	}
	return jujucharm.Relation{}, false
}
