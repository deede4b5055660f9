package hooktool

import (
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// The text is what charms look for.
var errNotLeader = errors.New("this unit is not the leader")

// isLeader says whether the unit leads its application. Not to know is an error, and no "no".
func (c *Context) isLeader() (bool, error) {
	leader, err := c.config.IsLeader()
	if err != nil {
		return false, fmt.Errorf("leadership status unknown: %w", err)
	}
	return leader, nil
}

// leaderFence returns the comparisons that keep a write to the present leadership of the
// unit. The error is errNotLeader if there is none.
func (c *Context) leaderFence() ([]clientv3.Cmp, error) {
	leader, err := c.isLeader()
	if err != nil {
		return nil, err
	}
	if !leader {
		return nil, errNotLeader
	}
	fence, err := c.config.LeaderFence()
	if err != nil {
		return nil, fmt.Errorf("cannot tell the term of leadership: %w", err)
	}
	return fence, nil
}
