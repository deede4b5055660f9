package model

import (
	"encoding/json"

	"github.com/juju/names/v4"
)

// LeasePrefix returns what the keys of all leadership leases begin with: the lease of an application is
// LeaderKey(application).
func (m *Model) LeasePrefix() string { return m.keys.applications() }

// LeaderKey returns the key of the lease that an application's leader holds.
func (m *Model) LeaderKey(application string) string { return m.keys.leader(application) }

// leaderHolder returns the unit that a lease's value names as its holder, or nothing. The form of the value is the
// lease store's matter: all that is asked of it is a member "holder", or to be the holder's name.
func leaderHolder(value []byte) string {
	var record struct {
		Holder string `json:"holder"`
	}
	if err := json.Unmarshal(value, &record); err != nil {
		record.Holder = string(value)
	}
	if !names.IsValidUnit(record.Holder) {
		return ""
	}
	return record.Holder
}
