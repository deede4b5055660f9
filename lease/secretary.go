package lease

import (
	"fmt"
	"time"

	"github.com/juju/names/v4"
	"github.com/juju/utils/v3"
)

// Secretary knows which leases, holders and durations make sense in one
// namespace. A manager asks it before it bothers the store. Its methods are
// called from several goroutines.
type Secretary interface {
	// CheckLease returns an error if there can be no such lease.
	CheckLease(key Key) error

	// CheckHolder returns an error if nobody of that name can hold a lease.
	CheckHolder(name string) error

	// CheckDuration returns an error if no lease may be claimed for so long,
	// or so short.
	CheckDuration(duration time.Duration) error
}

// The durations that DefaultSecretary allows for leadership. A shorter lease
// would be lost to every hiccup of the network, a longer one would leave an
// application without a leader for too long.
const (
	minLeadership = 5 * time.Second
	maxLeadership = 5 * time.Minute
)

// DefaultSecretary returns the Secretary of a namespace of this package:
//
//   - ApplicationLeadershipNamespace: leases are names of applications, holders
//     are names of units, durations go from 5 seconds to 5 minutes;
//   - SingularControllerNamespace: leases are UUIDs of controllers, holders are
//     any valid names, durations are positive.
//
// Any other namespace is an error.
func DefaultSecretary(namespace string) (Secretary, error) {
	switch namespace {
	case ApplicationLeadershipNamespace:
		return leadershipSecretary{}, nil
	case SingularControllerNamespace:
		return singularSecretary{}, nil
	}
	return nil, fmt.Errorf("lease namespace %q not known", namespace)
}

type leadershipSecretary struct{}

func (leadershipSecretary) CheckLease(key Key) error {
	if !names.IsValidApplication(key.Lease) {
		return fmt.Errorf("%q is not an application name", key.Lease)
	}
	return nil
}

func (leadershipSecretary) CheckHolder(name string) error {
	if !names.IsValidUnit(name) {
		return fmt.Errorf("%q is not a unit name", name)
	}
	return nil
}

func (leadershipSecretary) CheckDuration(duration time.Duration) error {
	if duration < minLeadership || duration > maxLeadership {
		return fmt.Errorf("duration %v is not between %v and %v", duration, minLeadership, maxLeadership)
	}
	return nil
}

type singularSecretary struct{}

func (singularSecretary) CheckLease(key Key) error {
	if !utils.IsValidUUIDString(key.Lease) {
		return fmt.Errorf("%q is not a controller UUID", key.Lease)
	}
	return nil
}

func (singularSecretary) CheckHolder(name string) error {
	return ValidateString(name)
}

func (singularSecretary) CheckDuration(duration time.Duration) error {
	if duration <= 0 {
		return fmt.Errorf("duration %v is not positive", duration)
	}
	return nil
}
