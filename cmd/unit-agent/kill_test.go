package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// kills is how often the agents' process is killed; a soak does it ten times as
// often.
const kills = 100

// TestKillAgents kills the process that runs the agents and the store with
// SIGKILL, again and again, while units come and go and settings and
// configuration change. Then every unit's list of hooks must keep every order
// guarantee, and the last that it saw of each other unit must be the last that
// there was.
func TestKillAgents(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute or two")
	}
	rounds := kills
	if os.Getenv("UNIT_AGENT_SOAK") != "" {
		rounds *= 10
	}
	c := newChurn(t)
	c.must("deploy", c.charm, "alpha", "-n", "2")
	c.must("deploy", c.charm, "beta", "-n", "2")
	c.must("integrate", "alpha:source", "beta:sink")
	for range rounds {
		c.round()
	}
	c.settle()
	c.check()
}

// churn is a model in which much happens.
type churn struct {
	t      *testing.T
	random *rand.Rand
	data   string
	charm  string
	logs   string
	value  int
}

func newChurn(t *testing.T) *churn {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := &churn{
		t:      t,
		random: rand.New(rand.NewPCG(seed, 0)),
		data:   filepath.Join(t.TempDir(), "data"),
		charm:  filepath.Join(t.TempDir(), "churn"),
		logs:   t.TempDir(),
	}
	if err := os.CopyFS(c.charm, os.DirFS(filepath.Join(testdata(t), "charms", "churn"))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.charm, "log-dir"), []byte(c.logs), 0o644); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *churn) command(args ...string) *exec.Cmd {
	return unitAgent(append(args, "--data-dir", c.data)...)
}

// must runs a command that has to succeed.
func (c *churn) must(args ...string) []byte {
	c.t.Helper()
	cmd := c.command(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("%v: %v\n%s", args, err, &stderr)
	}
	return out
}

// round runs the agents, changes the model while they work, and kills them at a
// moment that nobody chose.
func (c *churn) round() {
	c.t.Helper()
	agents := c.command("up")
	if err := agents.Start(); err != nil {
		c.t.Fatal(err)
	}
	life := time.Duration(50+c.random.IntN(450)) * time.Millisecond
	killed := make(chan struct{})
	time.AfterFunc(life, func() {
		agents.Process.Kill()
		agents.Wait()
		close(killed)
	})
	for {
		select {
		case <-killed:
			return
		default:
		}
		// A command whose store is killed under it may fail: whether it did
		// what it was told is then unknown, and does not matter here.
		c.command(c.change()...).Run()
	}
}

// change returns a command that changes something.
func (c *churn) change() []string {
	app := []string{"alpha", "beta"}[c.random.IntN(2)]
	switch c.random.IntN(6) {
	case 0:
		if len(c.units(app)) < 4 {
			return []string{"add-unit", app}
		}
	case 1:
		if units := c.units(app); len(units) > 1 {
			return []string{"remove-unit", units[c.random.IntN(len(units))]}
		}
	}
	c.value++
	return []string{"config", app, fmt.Sprintf("value=%d", c.value)}
}

// units returns the units of an application that are there, or nothing if it
// cannot be told now.
func (c *churn) units(app string) []string {
	out, err := c.command("status", "--format", "json").Output()
	if err != nil {
		return nil
	}
	var status shownStatus
	if err := json.Unmarshal(out, &status); err != nil {
		c.t.Fatalf("status: %v\n%s", err, out)
	}
	var units []string
	for unit, shown := range status.Applications[app].Units {
		if shown.JujuStatus.Life == "" {
			units = append(units, unit)
		}
	}
	slices.Sort(units)
	return units
}

type shownStatus struct {
	Applications map[string]struct {
		Units map[string]struct {
			JujuStatus struct{ Life string } `json:"juju-status"`
		}
	}
}

// settle has everything that is due done.
func (c *churn) settle() {
	c.t.Helper()
	for _, app := range []string{"alpha", "beta"} {
		c.value++
		c.must("config", app, fmt.Sprintf("value=%d", c.value))
	}
	c.must("up", "--until-idle", "--timeout", "3m")
}

// check holds every unit's list of hooks against the guarantees, and what it saw
// last against what there is.
func (c *churn) check() {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(c.logs, "*.hooks"))
	if err != nil || len(files) < 4 {
		c.t.Fatalf("%d lists of hooks, error %v", len(files), err)
	}
	present := map[string]string{}
	for _, app := range []string{"alpha", "beta"} {
		value := strings.TrimSpace(string(c.must("config", app, "value")))
		for _, unit := range c.units(app) {
			present[unit] = value
		}
	}
	ran, interrupted := 0, 0
	for _, file := range files {
		cut := strings.LastIndexByte(filepath.Base(file), '-')
		name := strings.TrimSuffix(filepath.Base(file), ".hooks")
		unit := name[:cut] + "/" + name[cut+1:]
		data, err := os.ReadFile(file)
		if err != nil {
			c.t.Fatal(err)
		}
		list := newHookList(unit)
		for line := range strings.Lines(string(data)) {
			list.add(strings.Fields(line))
		}
		list.finish(present)
		for _, fault := range list.faults {
			c.t.Errorf("%s: %s", unit, fault)
		}
		ran += list.ran
		interrupted += list.interrupted
	}
	c.t.Logf("%d units, %d hooks, %d of them cut short", len(files), ran, interrupted)
	if ran < 200 || interrupted == 0 {
		c.t.Errorf("too little happened to mean anything: %d hooks, %d cut short", ran, interrupted)
	}
}
