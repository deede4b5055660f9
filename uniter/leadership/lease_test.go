package leadership_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	jujutesting "github.com/juju/testing"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/uniter/leadership"
)

// stubLeases is a lease.Claimer, a lease.Checker and a lease.Token that records calls and answers with the stub's
// errors.
type stubLeases struct {
	jujutesting.Stub
}

func (s *stubLeases) Claim(lease, holder string, duration time.Duration) error {
	s.AddCall("Claim", lease, holder, duration)
	return s.NextErr()
}

func (s *stubLeases) WaitUntilExpired(name string, cancel <-chan struct{}) error {
	s.AddCall("WaitUntilExpired", name)
	if err := s.NextErr(); err != nil || cancel == nil {
		return err
	}
	<-cancel
	return lease.ErrWaitCancelled
}

func (s *stubLeases) Token(lease, holder string) lease.Token {
	s.AddCall("Token", lease, holder)
	return s
}

func (s *stubLeases) Check(attempt int, key any) error {
	s.AddCall("Check", attempt, key)
	return s.NextErr()
}

func (s *stubLeases) want(t *testing.T, want ...jujutesting.StubCall) {
	t.Helper()
	if got := s.Calls(); !reflect.DeepEqual(got, want) {
		t.Errorf("got calls %v, want %v", got, want)
	}
}

func TestLeaseClaimerClaimsTheLeaseOfTheApplication(t *testing.T) {
	leases := &stubLeases{}
	if err := leadership.NewLeaseClaimer(leases).ClaimLeadership("mysql", "mysql/0", time.Minute); err != nil {
		t.Error(err)
	}
	leases.want(t, jujutesting.StubCall{FuncName: "Claim", Args: []any{"mysql", "mysql/0", time.Minute}})
}

func TestLeaseClaimerErrors(t *testing.T) {
	other := errors.New("no quorum")
	for _, test := range []struct {
		err, want error
	}{
		{lease.ErrClaimDenied, leadership.ErrClaimDenied},
		{fmt.Errorf("wrapped: %w", lease.ErrClaimDenied), leadership.ErrClaimDenied},
		{lease.ErrTimeout, lease.ErrTimeout},
		{other, other},
	} {
		leases := &stubLeases{}
		leases.SetErrors(test.err)
		err := leadership.NewLeaseClaimer(leases).ClaimLeadership("mysql", "mysql/0", time.Minute)
		if !errors.Is(err, test.want) {
			t.Errorf("claim answered with %v: got error %v, want %v", test.err, err, test.want)
		}
		// What is unknown must not look denied.
		if denied := errors.Is(err, leadership.ErrClaimDenied); denied != errors.Is(test.err, lease.ErrClaimDenied) {
			t.Errorf("claim answered with %v: denied is %v", test.err, denied)
		}
	}
}

func TestLeaseClaimerWaitsForExpiry(t *testing.T) {
	leases := &stubLeases{}
	claimer := leadership.NewLeaseClaimer(leases)
	if err := claimer.BlockUntilLeadershipReleased("mysql"); err != nil {
		t.Error(err)
	}
	cause := errors.New("manager stopped")
	leases.SetErrors(cause, cause)
	if err := claimer.BlockUntilLeadershipReleased("mysql"); !errors.Is(err, cause) {
		t.Errorf("got error %v, want %v", err, cause)
	}
	if err := claimer.WaitLeadershipReleased(context.Background(), "mysql"); !errors.Is(err, cause) {
		t.Errorf("got error %v, want %v", err, cause)
	}
	call := jujutesting.StubCall{FuncName: "WaitUntilExpired", Args: []any{"mysql"}}
	leases.want(t, call, call, call)
}

func TestLeaseClaimerWaitIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := leadership.NewLeaseClaimer(&stubLeases{}).WaitLeadershipReleased(ctx, "mysql")
	if !errors.Is(err, context.Canceled) || !errors.Is(err, lease.ErrWaitCancelled) {
		t.Errorf("got error %v, want one that wraps %v and %v", err, context.Canceled, lease.ErrWaitCancelled)
	}
}

// LeadershipCheck returns a token; its existence says nothing, its Check does.
func TestLeaseCheckerPassesTheConditionsOn(t *testing.T) {
	leases := &stubLeases{}
	token := leadership.NewLeaseChecker(leases).LeadershipCheck("mysql", "mysql/0")
	var conditions []string
	if err := token.Check(&conditions); err != nil {
		t.Error(err)
	}
	if err := token.Check(nil); err != nil {
		t.Error(err)
	}
	leases.want(t,
		jujutesting.StubCall{FuncName: "Token", Args: []any{"mysql", "mysql/0"}},
		jujutesting.StubCall{FuncName: "Check", Args: []any{0, &conditions}},
		jujutesting.StubCall{FuncName: "Check", Args: []any{0, nil}},
	)
}

func TestLeaseCheckerErrors(t *testing.T) {
	for cause, want := range map[error]string{
		lease.ErrNotHeld: `unit "mysql/0" does not lead "mysql": lease not held`,
		lease.ErrTimeout: `cannot check that unit "mysql/0" leads "mysql": lease operation timed out`,
	} {
		leases := &stubLeases{}
		leases.SetErrors(cause)
		err := leadership.NewLeaseChecker(leases).LeadershipCheck("mysql", "mysql/0").Check(nil)
		if !errors.Is(err, cause) || err.Error() != want {
			t.Errorf("got error %v, want %q that wraps its cause", err, want)
		}
	}
}
