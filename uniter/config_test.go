package uniter_test

import (
	"strings"
	"testing"
	"time"

	"github.com/juju/clock"

	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter"
	"github.com/unit-agent/unit-agent/uniter/hooktool"
	"github.com/unit-agent/unit-agent/uniter/journal"
)

// TestConfig takes each field that must be there away, or makes it wrong.
func TestConfig(t *testing.T) {
	lead := newTracker("mysql/0", true)
	good := uniter.Config{
		Unit: "mysql/0", Machine: "0", Home: uniter.Home{Dir: "/home"}, Model: new(model.Model), Claim: new(model.UnitClaim),
		Leadership: lead, LeadershipChecker: lead, Tools: new(hooktool.Server), Journal: journal.Open("/journal"),
		Logger: silent, Clock: clock.WallClock,
	}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for text, change := range map[string]func(*uniter.Config){
		`config: Unit "" is not a unit name`:           func(c *uniter.Config) { c.Unit = "" },
		`config: Unit "mysql" is not a unit name`:      func(c *uniter.Config) { c.Unit = "mysql" },
		"config: Home is empty":                        func(c *uniter.Config) { c.Home = uniter.Home{} },
		"config: Model is nil":                         func(c *uniter.Config) { c.Model = nil },
		"config: Claim is nil":                         func(c *uniter.Config) { c.Claim = nil },
		"config: Leadership is nil":                    func(c *uniter.Config) { c.Leadership = nil },
		"config: LeadershipChecker is nil":             func(c *uniter.Config) { c.LeadershipChecker = nil },
		"config: Tools is nil":                         func(c *uniter.Config) { c.Tools = nil },
		"config: Journal is nil":                       func(c *uniter.Config) { c.Journal = nil },
		"config: Logger is nil":                        func(c *uniter.Config) { c.Logger = nil },
		"config: Clock is nil":                         func(c *uniter.Config) { c.Clock = nil },
		"config: UpdateStatusInterval -1s is negative": func(c *uniter.Config) { c.UpdateStatusInterval = -time.Second },
		"config: StopTimeout -1s is negative":          func(c *uniter.Config) { c.StopTimeout = -time.Second },
	} {
		bad := good
		change(&bad)
		if err := bad.Validate(); err == nil || err.Error() != text {
			t.Errorf("got %v, want %s", err, text)
		}
		if _, err := uniter.New(bad); err == nil || !strings.HasPrefix(err.Error(), "cannot run a unit: "+text) {
			t.Errorf("New: got %v", err)
		}
	}
}
