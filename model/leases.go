package model

import (
	"strings"

	"github.com/unit-agent/unit-agent/lease"
)

// LeaseLayout says where the leases of the model's applications stand below LeasePrefix: beside what else belongs to the
// application, so that what an agent may reach stays a handful of prefixes. It is a Layout of a lease store.
type LeaseLayout struct{ uuid string }

// LeaseLayout returns the layout of the model's leases.
func (m *Model) LeaseLayout() LeaseLayout { return LeaseLayout{m.uuid} }

// Path returns where an application's leadership lease stands, and nothing for any other lease.
func (l LeaseLayout) Path(key lease.Key) string {
	if key.Namespace != lease.ApplicationLeadershipNamespace || key.ModelUUID != l.uuid {
		return ""
	}
	return key.Lease + "/" + leaderSuffix
}

// Key returns the lease that stands at a path.
func (l LeaseLayout) Key(path string) (lease.Key, bool) {
	application, ok := strings.CutSuffix(path, "/"+leaderSuffix)
	if !ok || strings.Contains(application, "/") {
		return lease.Key{}, false
	}
	return lease.Key{Namespace: lease.ApplicationLeadershipNamespace, ModelUUID: l.uuid, Lease: application}, true
}
