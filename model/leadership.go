package model

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/uniter/leadership"
)

// leadershipTimeout bounds one exchange with the store about leadership.
const leadershipTimeout = 10 * time.Second

// Leadership gives the leadership of applications to units: one key for each application that is led, bound to a lease of the store that
// ends with the leader's last claim. It is safe for concurrent use.
type Leadership struct{ m *Model }

var (
	_ leadership.ContextClaimer = Leadership{}
	_ leadership.Checker        = Leadership{}
)

// Leadership returns the leadership of the model's applications.
func (m *Model) Leadership() Leadership { return Leadership{m} }

// leaderRecord is the value of a leader's key.
type leaderRecord struct {
	Holder string    `json:"holder"`
	Since  time.Time `json:"since"`
}

// ClaimLeadership is part of leadership.Claimer. The store counts the duration, rounded up to whole seconds, from when it
// gets the claim, which is after the call began; so the guarantee is kept as long as a second is the same here and there.
func (l Leadership) ClaimLeadership(application, unit string, duration time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), leadershipTimeout)
	defer cancel()
	seconds := int64((duration + time.Second - 1) / time.Second)
	grant, err := l.m.client.Grant(ctx, max(seconds, 1))
	if err != nil {
		return fmt.Errorf("cannot claim leadership of %s for %s: %w", application, unit, err)
	}
	var before clientv3.LeaseID
	_, err = l.m.transact(ctx, nil, func(d *draft) error {
		key := l.m.keys.leader(application)
		held, ok, err := read[leaderRecord](d, key)
		if err != nil {
			return err
		}
		if !ok {
			held = leaderRecord{Holder: unit, Since: l.m.now()}
		} else if held.Holder != unit {
			return leadership.ErrClaimDenied
		} else {
			before = clientv3.LeaseID(d.seen[key].Lease)
		}
		return bind(d, key, held, grant.ID)
	})
	if err != nil {
		if errors.Is(err, leadership.ErrClaimDenied) {
			l.m.revoke(grant.ID)
		}
		return fmt.Errorf("cannot claim leadership of %s for %s: %w", application, unit, err)
	}
	if before != 0 {
		// The key has moved to the new lease, so nothing ends with the old one.
		l.m.revoke(before)
	}
	return nil
}

// BlockUntilLeadershipReleased is part of leadership.Claimer.
func (l Leadership) BlockUntilLeadershipReleased(application string) error {
	return l.WaitLeadershipReleased(context.Background(), application)
}

// WaitLeadershipReleased is part of leadership.ContextClaimer.
func (l Leadership) WaitLeadershipReleased(ctx context.Context, application string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	key := l.m.keys.leader(application)
	found, err := l.m.client.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("cannot tell who leads %s: %w", application, err)
	}
	if len(found.Kvs) == 0 {
		return nil
	}
	for response := range l.m.client.Watch(ctx, key, clientv3.WithRev(found.Header.Revision+1), clientv3.WithFilterPut()) {
		if err := response.Err(); err != nil {
			return fmt.Errorf("cannot watch who leads %s: %w", application, err)
		}
		if len(response.Events) > 0 {
			return nil
		}
	}
	return fmt.Errorf("cannot watch who leads %s: %w", application, context.Cause(ctx))
}

// Release ends the leadership of a unit at once. It is no error if the unit does not lead.
func (l Leadership) Release(application, unit string) error {
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	key := l.m.keys.leader(application)
	var lease clientv3.LeaseID
	_, err := l.m.transact(ctx, nil, func(d *draft) error {
		lease = 0
		held, ok, err := read[leaderRecord](d, key)
		if err != nil || !ok || held.Holder != unit {
			return err
		}
		lease = clientv3.LeaseID(d.seen[key].Lease)
		d.remove(key)
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot release the leadership of %s: %w", application, err)
	}
	if lease != 0 {
		l.m.revoke(lease)
	}
	return nil
}

// LeadershipCheck is part of leadership.Checker. The token's Check takes a *[]clientv3.Cmp, whose content it replaces by what holds as long as this
// term of leadership lasts, or an *int64, into which it puts the number of the term, which grows from one to the next.
func (l Leadership) LeadershipCheck(application, unit string) leadership.Token {
	return leadershipToken{l.m, application, unit}
}

type leadershipToken struct {
	m                 *Model
	application, unit string
}

// Check is part of leadership.Token.
func (t leadershipToken) Check(out any) error {
	ctx, cancel := context.WithTimeout(context.Background(), leadershipTimeout)
	defer cancel()
	key := t.m.keys.leader(t.application)
	found, err := t.m.client.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("cannot tell who leads %s: %w", t.application, err)
	}
	if len(found.Kvs) == 0 || leaderHolder(found.Kvs[0].Value) != t.unit {
		return fmt.Errorf("%s does not lead %s", t.unit, t.application)
	}
	term := found.Kvs[0].CreateRevision
	switch out := out.(type) {
	case nil:
	case *[]clientv3.Cmp:
		*out = []clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(key), "=", term)}
	case *int64:
		*out = term
	default:
		return fmt.Errorf("cannot copy a leadership check into a %T: it takes a *[]clientv3.Cmp or an *int64", out)
	}
	return nil
}
