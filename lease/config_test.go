package lease_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/juju/clock"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/memstore"
)

// Promise: Store and Clock are required, MaxSleep is 0 or positive.
func TestManagerConfigValidate(t *testing.T) {
	valid := lease.ManagerConfig{Store: memstore.New(clock.WallClock), Clock: clock.WallClock}
	for _, test := range []struct {
		name  string
		tweak func(*lease.ManagerConfig)
		want  string
	}{
		{"nothing but what is required", func(*lease.ManagerConfig) {}, ""},
		{"MaxSleep positive", func(c *lease.ManagerConfig) { c.MaxSleep = 1 }, ""},
		{"no Store", func(c *lease.ManagerConfig) { c.Store = nil }, "Store is nil"},
		{"no Clock", func(c *lease.ManagerConfig) { c.Clock = nil }, "Clock is nil"},
		{"MaxSleep negative", func(c *lease.ManagerConfig) { c.MaxSleep = -time.Second }, "MaxSleep -1s is negative"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := valid
			test.tweak(&config)
			err := config.Validate()
			manager, newErr := lease.NewManager(config)
			if manager != nil {
				manager.Kill()
				if err := manager.Wait(); err != nil {
					t.Errorf("Wait: %v", err)
				}
			}
			for _, err := range []error{err, newErr} {
				if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("got error %v, want %q", err, test.want)
				}
			}
		})
	}
}

// Promise: a MaxSleep of 0 means one minute.
func TestMaxSleepOfZeroMeansAMinute(t *testing.T) {
	r := newRig(t, nil, func(config *lease.ManagerConfig) { config.MaxSleep = 0 })
	sweep := r.clock.Now().Add(time.Minute)
	r.eventually("alarm set", func() bool { return r.clock.armed(sweep) })
	r.equal(r.wait(func() error { return r.claimer.WaitUntilExpired("mysql", nil) }), nil)
	if !r.clock.armed(sweep) {
		t.Error("alarm set anew, with nothing to do")
	}
}

// Promise: a nil Secretary means DefaultSecretary.
func TestNilSecretaryMeansDefault(t *testing.T) {
	r := newRig(t, nil)
	if _, err := r.manager.Claimer("no-such-namespace", model); err == nil {
		t.Error("Claimer of an unknown namespace: got no error")
	}
	for name, claim := range map[string]func() error{
		"lease":    func() error { return r.claimer.Claim("no application", "mysql/0", term) },
		"holder":   func() error { return r.claimer.Claim("mysql", "mysql", term) },
		"duration": func() error { return r.claimer.Claim("mysql", "mysql/0", time.Second) },
	} {
		if err := claim(); err == nil || !strings.Contains(err.Error(), "cannot claim lease") {
			t.Errorf("invalid %s: got error %v", name, err)
		}
	}
	r.claim("mysql", "mysql/0")
}

// lenient is a Secretary that allows everything.
type lenient struct{}

func (lenient) CheckLease(lease.Key) error        { return nil }
func (lenient) CheckHolder(string) error          { return nil }
func (lenient) CheckDuration(time.Duration) error { return nil }

func anySecretary(string) (lease.Secretary, error) { return lenient{}, nil }

// Promise: what the store must refuse never reaches it, whatever the Secretary
// allows; it would stop the manager.
func TestInvalidNamesDoNotReachTheStore(t *testing.T) {
	r, spy := newSpyRig(t, func(config *lease.ManagerConfig) { config.Secretary = anySecretary })
	for name, f := range map[string]func() error{
		"claim of a lease":     func() error { return r.claimer.Claim("a b", "mysql/0", term) },
		"claim by a holder":    func() error { return r.claimer.Claim("mysql", "", term) },
		"claim for a duration": func() error { return r.claimer.Claim("mysql", "mysql/0", 0) },
		"wait":                 func() error { return r.claimer.WaitUntilExpired("", nil) },
		"check of a lease":     func() error { return r.checker.Token("a.b", "mysql/0").Check(0, nil) },
		"check of a holder":    func() error { return r.checker.Token("mysql", "#").Check(0, nil) },
		"revoke of a lease":    func() error { return r.revoker.Revoke("$", "mysql/0") },
		"revoke by a holder":   func() error { return r.revoker.Revoke("mysql", " ") },
		"pin of a lease":       func() error { return r.pinner.Pin("", "e") },
		"pin by an entity":     func() error { return r.pinner.Pin("mysql", "") },
		"unpin of a lease":     func() error { return r.pinner.Unpin("a\tb", "e") },
		"unpin by an entity":   func() error { return r.pinner.Unpin("mysql", "a b") },
	} {
		if err := r.wait(f); err == nil || !strings.Contains(err.Error(), "cannot ") {
			t.Errorf("%s: got error %v", name, err)
		}
	}
	if _, err := r.manager.Claimer(namespace, "no model"); err == nil {
		t.Error("invalid model: got no error")
	}
	if _, err := r.manager.Claimer("no namespace", model); err == nil {
		t.Error("invalid namespace: got no error")
	}
	if calls := spy.made(); len(calls) != 0 {
		t.Errorf("calls of the store: %v", calls)
	}
	r.claim("mysql", "mysql/0")
}

// Promise: the Secretary of the config rules, and an error from it reaches the
// caller of each method of Manager.
func TestSecretaryOfTheConfigRules(t *testing.T) {
	errUnwanted := errors.New("unwanted")
	r := newRig(t, nil, func(config *lease.ManagerConfig) {
		config.Secretary = func(namespace string) (lease.Secretary, error) {
			if namespace == "bad" {
				return nil, errUnwanted
			}
			return lenient{}, nil
		}
	})
	r.claim("Not An Application"[:3], "anybody")
	var errs []error
	_, err := r.manager.Checker("bad", model)
	errs = append(errs, err)
	_, err = r.manager.Claimer("bad", model)
	errs = append(errs, err)
	_, err = r.manager.Pinner("bad", model)
	errs = append(errs, err)
	_, err = r.manager.Reader("bad", model)
	errs = append(errs, err)
	_, err = r.manager.Revoker("bad", model)
	errs = append(errs, err)
	for i, err := range errs {
		if !errors.Is(err, errUnwanted) {
			t.Errorf("method %d: got error %v", i, err)
		}
	}
}

// Promise: what has no caller to be told to is logged, with the entity.
func TestLogNamesTheEntity(t *testing.T) {
	var log bytes.Buffer
	r, spy := newSpyRig(t, func(config *lease.ManagerConfig) {
		config.Logger = slog.New(slog.NewTextHandler(&log, nil))
		config.EntityUUID = controller
	})
	spy.setBefore(always("ExpireLease", lease.ErrTimeout))
	r.claim("mysql", "mysql/0")
	r.clock.Advance(term)
	r.eventually("expiry tried", func() bool { return r.metric("retries_total") == 1 })
	r.manager.Kill()
	r.equal(r.wait(r.manager.Wait), nil)
	for _, want := range []string{"level=WARN", "entity=" + controller, "lease=mysql", "holder=mysql/0"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, log.String())
		}
	}
}
