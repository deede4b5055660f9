package leadership_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/juju/clock/testclock"
	"github.com/juju/names/v4"
	jujutesting "github.com/juju/testing"

	"github.com/unit-agent/unit-agent/uniter/leadership"
)

const (
	duration = 30 * time.Second
	leased   = 2 * duration // what each claim is for
	watchdog = time.Minute  // for what would otherwise hang
)

var unit = names.NewUnitTag("wordpress/3")

// call is a call of the claimer, held until the test answers it.
type call struct {
	name  string
	reply chan error
}

func (c *call) answer(err error) { c.reply <- err }

// heldClaimer is a Claimer whose every call is recorded and then held until the test answers it.
type heldClaimer struct {
	jujutesting.Stub
	calls  chan *call
	closed chan struct{}
}

func newHeldClaimer() *heldClaimer {
	return &heldClaimer{calls: make(chan *call), closed: make(chan struct{})}
}

func (c *heldClaimer) ClaimLeadership(application, unit string, duration time.Duration) error {
	c.MethodCall(c, "ClaimLeadership", application, unit, duration)
	return c.hold(context.Background(), "ClaimLeadership")
}

func (c *heldClaimer) BlockUntilLeadershipReleased(application string) error {
	c.MethodCall(c, "BlockUntilLeadershipReleased", application)
	return c.hold(context.Background(), "BlockUntilLeadershipReleased")
}

func (c *heldClaimer) hold(ctx context.Context, name string) error {
	held := &call{name: name, reply: make(chan error)}
	select {
	case c.calls <- held:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.closed:
		return context.Canceled
	}
	select {
	case err := <-held.reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-c.closed:
		return context.Canceled
	}
}

func (c *heldClaimer) names() []string {
	var names []string
	for _, call := range c.Calls() {
		names = append(names, call.FuncName)
	}
	return names
}

// heldContextClaimer is a heldClaimer whose wait can be cancelled.
type heldContextClaimer struct {
	*heldClaimer
}

func (c heldContextClaimer) WaitLeadershipReleased(ctx context.Context, application string) error {
	c.MethodCall(c, "WaitLeadershipReleased", application)
	return c.hold(ctx, "WaitLeadershipReleased")
}

// fixture is a tracker over a heldClaimer, on a fake clock.
type fixture struct {
	t       *testing.T
	clock   *testclock.Clock
	claimer *heldClaimer
	tracker *leadership.TrackerWorker
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, clock: testclock.NewClock(time.Unix(1_700_000_000, 0)), claimer: newHeldClaimer()}
	f.use(leadership.NewTracker(unit, f.claimer, f.clock, duration))
	return f
}

// newLeader returns a fixture whose first claim was granted, at once.
func newLeader(t *testing.T) *fixture {
	f := newFixture(t)
	f.nextClaim().answer(nil)
	f.want(f.tracker.ClaimLeader(), true)
	return f
}

// newMinion returns a fixture whose first claim was denied, and its wait for release, which is held.
func newMinion(t *testing.T) (*fixture, *call) {
	f := newFixture(t)
	f.nextClaim().answer(leadership.ErrClaimDenied)
	return f, f.nextWait()
}

func (f *fixture) use(tracker *leadership.TrackerWorker) {
	f.tracker = tracker
	f.t.Cleanup(func() {
		close(f.claimer.closed)
		tracker.Kill()
		_ = tracker.Wait()
	})
}

func (f *fixture) next(names ...string) *call {
	f.t.Helper()
	select {
	case c := <-f.claimer.calls:
		if !slices.Contains(names, c.name) {
			f.t.Fatalf("got a call of %s, want one of %q", c.name, names)
		}
		return c
	case <-time.After(watchdog):
		f.t.Fatalf("no call of any of %q", names)
		return nil
	}
}

func (f *fixture) nextClaim() *call {
	f.t.Helper()
	return f.next("ClaimLeadership")
}

func (f *fixture) nextWait() *call {
	f.t.Helper()
	return f.next("BlockUntilLeadershipReleased", "WaitLeadershipReleased")
}

// advance moves the clock as soon as the tracker sleeps by it.
func (f *fixture) advance(d time.Duration) {
	f.t.Helper()
	if err := f.clock.WaitAdvance(d, watchdog, 1); err != nil {
		f.t.Fatal(err)
	}
}

// nextAfter advances the clock to a nanosecond before d, makes sure that nothing was called by then, and returns the
// call that comes at d.
func (f *fixture) nextAfter(d time.Duration, name string) *call {
	f.t.Helper()
	f.advance(0) // the tracker has come to rest
	before := len(f.claimer.Calls())
	f.advance(d - 1)
	f.advance(0)
	if calls := f.claimer.names(); len(calls) != before {
		f.t.Fatalf("called %q before %s passed", calls[before:], d)
	}
	f.advance(1)
	return f.next(name)
}

// want waits for the ticket's answer.
func (f *fixture) want(ticket leadership.Ticket, want bool) {
	f.t.Helper()
	select {
	case <-ticket.Ready():
	case <-time.After(watchdog):
		f.t.Fatal("ticket not answered")
	}
	if got := ticket.Wait(); got != want {
		f.t.Fatalf("ticket says %v, want %v", got, want)
	}
}

func (f *fixture) wantOpen(ticket leadership.Ticket) {
	f.t.Helper()
	select {
	case <-ticket.Ready():
		f.t.Fatalf("ticket says %v, want it open", ticket.Wait())
	default:
	}
}

// wantStopped returns the error that the tracker stopped with.
func (f *fixture) wantStopped() error {
	f.t.Helper()
	done := make(chan error, 1)
	go func() { done <- f.tracker.Wait() }()
	select {
	case err := <-done:
		return err
	case <-time.After(watchdog):
		f.t.Fatal("tracker does not stop")
		return nil
	}
}
