package election

import "github.com/unit-agent/unit-agent/election/pb"

// Possible values for ElectionState.State.
const (
	// StateUnknown: nobody leads, as far as is known.
	StateUnknown = iota

	// StateFollower: somebody else leads.
	StateFollower

	// StateLeader: the candidate whose Election was asked leads.
	StateLeader
)

// ElectionState is who leads.
type ElectionState struct {
	State int

	// Leader is the leader's endpoint, nil if nobody leads. It is shared and must not be changed.
	Leader *pb.Endpoint
}

// String says it in words.
func (s ElectionState) String() string {
	switch s.State {
	case StateLeader:
		return "leader " + s.Leader.GetName()
	case StateFollower:
		return "follower of " + s.Leader.GetName()
	}
	return "unknown"
}
