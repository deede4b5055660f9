package model

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// The words that this program and juju have for statuses.
const (
	StatusError       = "error"
	StatusBlocked     = "blocked"
	StatusWaiting     = "waiting"
	StatusMaintenance = "maintenance"
	StatusActive      = "active"
	StatusTerminated  = "terminated"
	StatusUnknown     = "unknown"

	StatusAllocating = "allocating"
	StatusExecuting  = "executing"
	StatusIdle       = "idle"
	StatusLost       = "lost"
)

// StatusInfo is one status with the moment since when it holds.
type StatusInfo struct {
	Status  string         `json:"current"`
	Message string         `json:"message,omitempty"`
	Data    map[string]any `json:"data,omitempty"`
	// Since is the present moment if it is zero where a status is set.
	Since time.Time `json:"since"`
}

// at returns the status with its moment filled in.
func (s StatusInfo) at(now time.Time) StatusInfo {
	if s.Since.IsZero() {
		s.Since = now
	}
	return s
}

// SetWorkloadStatus sets what a unit's charm says of its workload. The error of a unit that is not there satisfies
// IsNotFound.
func (m *Model) SetWorkloadStatus(ctx context.Context, unit string, status StatusInfo) error {
	return writeUnit(ctx, m, unit, workloadSuffix, status.at(m.now()))
}

// SetAgentStatus sets what a unit's agent does. The error of a unit that is not there satisfies IsNotFound.
func (m *Model) SetAgentStatus(ctx context.Context, unit string, status StatusInfo) error {
	return writeUnit(ctx, m, unit, agentSuffix, status.at(m.now()))
}

// SetWorkloadVersion sets the version of the workload that a unit's charm reports. The error of a unit that is not
// there satisfies IsNotFound.
func (m *Model) SetWorkloadVersion(ctx context.Context, unit, version string) error {
	return writeUnit(ctx, m, unit, versionSuffix, versionRecord{Version: version, Since: m.now()})
}

// SetUnitAddresses sets the addresses of a unit. The error of a unit that is not there satisfies IsNotFound.
func (m *Model) SetUnitAddresses(ctx context.Context, unit, public, private string) error {
	return writeUnit(ctx, m, unit, addressesSuffix, addressesRecord{Public: public, Private: private})
}

// writeUnit writes one record of a unit that is there.
func writeUnit[T any](ctx context.Context, m *Model, unit, suffix string, record T) error {
	if _, err := applicationOf(unit); err != nil {
		return err
	}
	key := m.keys.unitPart(unit, suffix)
	_, err := m.transact(ctx, nil, func(d *draft) error {
		if err := d.load(key, m.keys.unitMeta(unit)); err != nil {
			return err
		}
		if d.seen[m.keys.unitMeta(unit)] == nil {
			return &NotFoundError{Noun: unitNoun(unit)}
		}
		d.guardExists(m.keys.unitMeta(unit))
		return write(d, key, record)
	})
	return err
}

// SetApplicationStatus sets what an application's leader says of the application. It fails with ErrFenced if the
// fence, the leadership's comparisons, does not hold. The error of an application that is not there satisfies
// IsNotFound.
func (m *Model) SetApplicationStatus(ctx context.Context, application string, status StatusInfo, fence ...clientv3.Cmp) error {
	status = status.at(m.now())
	_, err := m.transact(ctx, fence, func(d *draft) error {
		if err := d.load(m.keys.applicationMeta(application), m.keys.status(application)); err != nil {
			return err
		}
		if _, err := m.wantApplication(d, application); err != nil {
			return err
		}
		return write(d, m.keys.status(application), status)
	})
	if err != nil {
		return fmt.Errorf("cannot set the status of application %q: %w", application, err)
	}
	return nil
}

// severity orders statuses: an application is as bad as the worst of its units.
var severity = map[string]int{
	StatusError: 7, StatusBlocked: 6, StatusWaiting: 5, StatusMaintenance: 4, StatusActive: 3, StatusTerminated: 2, StatusUnknown: 1,
}

// WorstStatus returns the worst of some statuses, the oldest one of several that are equally bad, and unknown if
// there is none.
func WorstStatus(statuses []StatusInfo) StatusInfo {
	worst := StatusInfo{Status: StatusUnknown}
	for i, status := range statuses {
		worse := severity[status.Status] - severity[worst.Status]
		if i == 0 || worse > 0 || worse == 0 && status.Since.Before(worst.Since) {
			worst = status
		}
	}
	return worst
}
