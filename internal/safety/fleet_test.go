package safety

import (
	"fmt"
	"path/filepath"
	"sync"
)

// fleet is the agents, in processes of their own. Each is handled by one goroutine at a time.
type fleet struct {
	dir  string
	seed uint64

	agents []*agentProcess

	mu       sync.Mutex
	journals []string
}

// agentProcess is the agent of one unit, which may have many lives.
type agentProcess struct {
	fleet   *fleet
	config  agentConfig
	process *child // nil while it is not running
}

func startFleet(dir string, seed uint64, c *cluster) (*fleet, error) {
	f := &fleet{dir: dir, seed: seed}
	for i := range 5 {
		a := &agentProcess{fleet: f, config: agentConfig{Unit: fmt.Sprint(application, "/", i), Seed: seed + uint64(i)}}
		var err error
		if a.config.Endpoints, err = c.endpoints(a.config.Unit); err != nil {
			return f, err
		}
		f.agents = append(f.agents, a)
		if err := a.start(); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *fleet) agent(unit string) *agentProcess {
	for _, a := range f.agents {
		if a.config.Unit == unit {
			return a
		}
	}
	return nil
}

// entries returns what all agents wrote down up to now.
func (f *fleet) entries() ([]entry, error) {
	f.mu.Lock()
	journals := f.journals
	f.mu.Unlock()
	var all []entry
	for _, path := range journals {
		entries, err := readJournal(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, entries...)
	}
	return all, nil
}

// kill ends all agents, paused ones too.
func (f *fleet) kill() {
	for _, a := range f.agents {
		if a.process != nil {
			_ = a.process.kill()
		}
	}
}

func (a *agentProcess) start() error {
	a.config.Life++
	a.config.Journal = filepath.Join(a.fleet.dir, fmt.Sprintf("journal-%d-%d", a.config.Seed-a.fleet.seed, a.config.Life))
	a.fleet.mu.Lock()
	a.fleet.journals = append(a.fleet.journals, a.config.Journal)
	a.fleet.mu.Unlock()
	if j, err := openJournal(a.config.Journal); err != nil { // it is there, however short the life
		return err
	} else if err := j.file.Close(); err != nil {
		return err
	}
	var err error
	a.process, err = startChild("agent", a.config)
	return err
}

func (a *agentProcess) kill() error {
	defer func() { a.process = nil }()
	return a.process.kill()
}

// stop ends the agent cleanly. It returns an error if the agent has one, or has left something behind.
func (a *agentProcess) stop() error {
	defer func() { a.process = nil }()
	if err := a.process.stop(); err != nil {
		return fmt.Errorf("agent of %s: %w", a.config.Unit, err)
	}
	return nil
}
