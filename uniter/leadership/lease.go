package leadership

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/unit-agent/unit-agent/lease"
)

// NewLeaseClaimer returns a claimer whose leadership of an application is the lease of the application's name, held
// by the unit's name. The lease.Claimer is one for lease.ApplicationLeadershipNamespace.
func NewLeaseClaimer(claimer lease.Claimer) ContextClaimer {
	return leaseClaimer{claimer}
}

type leaseClaimer struct {
	claimer lease.Claimer
}

// ClaimLeadership is part of the Claimer interface.
func (c leaseClaimer) ClaimLeadership(applicationId, unitId string, duration time.Duration) error {
	err := c.claimer.Claim(applicationId, unitId, duration)
	if errors.Is(err, lease.ErrClaimDenied) {
		return ErrClaimDenied
	}
	if err != nil {
		return fmt.Errorf("cannot claim leadership of %q for unit %q: %w", applicationId, unitId, err)
	}
	return nil
}

// BlockUntilLeadershipReleased is part of the Claimer interface.
func (c leaseClaimer) BlockUntilLeadershipReleased(applicationId string) error {
	return c.waitReleased(applicationId, nil)
}

// WaitLeadershipReleased is part of the ContextClaimer interface.
func (c leaseClaimer) WaitLeadershipReleased(ctx context.Context, applicationId string) error {
	err := c.waitReleased(applicationId, ctx.Done())
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", err, ctx.Err())
	}
	return err
}

func (c leaseClaimer) waitReleased(applicationId string, cancel <-chan struct{}) error {
	if err := c.claimer.WaitUntilExpired(applicationId, cancel); err != nil {
		return fmt.Errorf("cannot wait for release of leadership of %q: %w", applicationId, err)
	}
	return nil
}

// NewLeaseChecker returns a checker over leases as NewLeaseClaimer makes them.
//
// The Check of its tokens passes its argument on to the lease's token, so what types it takes is up to the lease
// store: etcdstore fills a *[]clientv3.Cmp, which fences a transaction, and a *int64 with the fencing number. The
// error wraps lease.ErrNotHeld if the unit does not lead.
func NewLeaseChecker(checker lease.Checker) Checker {
	return leaseChecker{checker}
}

type leaseChecker struct {
	checker lease.Checker
}

// LeadershipCheck is part of the Checker interface.
func (c leaseChecker) LeadershipCheck(applicationName, unitName string) Token {
	return leaseToken{application: applicationName, unit: unitName, token: c.checker.Token(applicationName, unitName)}
}

type leaseToken struct {
	application, unit string
	token             lease.Token
}

// Check is part of the Token interface.
func (t leaseToken) Check(conditions any) error {
	err := t.token.Check(0, conditions)
	if errors.Is(err, lease.ErrNotHeld) {
		return fmt.Errorf("unit %q does not lead %q: %w", t.unit, t.application, err)
	}
	if err != nil {
		return fmt.Errorf("cannot check that unit %q leads %q: %w", t.unit, t.application, err)
	}
	return nil
}
