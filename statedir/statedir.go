package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/uniter/hook"
)

const (
	dirPerm  = 0o755
	filePerm = 0o644
)

// StateDir is the state of one relation, on disk and in memory. One goroutine at a
// time may use it. After an error of Ensure, Write or Remove it may not know what
// is on disk, and must be read again.
type StateDir struct {
	// path is the relation's own directory, in parent.
	path, parent string

	// state is what the directory holds.
	state State

	// ensured holds if the directory is there for good. One that was found is not
	// known to be: the process that made it may have been killed at once.
	ensured bool
	// leftovers holds if a crash has left temporary files in it.
	leftovers bool
}

func newStateDir(dirPath string, relationId int) *StateDir {
	return &StateDir{
		path:   filepath.Join(dirPath, strconv.Itoa(relationId)),
		parent: dirPath,
		state: State{
			RelationId:         relationId,
			Members:            make(map[string]int64),
			ApplicationMembers: make(map[string]int64),
		},
	}
}

// ReadStateDir loads the state of a relation from its directory in dirPath. If that
// does not exist the state is that of a relation without members, and there is
// no error; nothing is created. An error is a *LoadError, which holds all that is
// wrong with the directory.
func ReadStateDir(dirPath string, relationId int) (*StateDir, error) {
	return new(reader).read(dirPath, relationId)
}

func (r *reader) read(dirPath string, relationId int) (*StateDir, error) {
	d := newStateDir(dirPath, relationId)
	if relationId < 0 {
		return nil, &LoadError{what: relationState, Dir: d.path,
			Faults: []error{fmt.Errorf("negative relation id %d", relationId)}}
	}
	if faults := r.readDir(d); len(faults) > 0 {
		return nil, &LoadError{what: relationState, Dir: d.path, Faults: faults}
	}
	return d, nil
}

// State returns the current state of the relation. It is a copy, to keep and to
// change; where only a question is asked of it, Validate and Reflects do without.
func (d *StateDir) State() *State {
	return d.state.clone()
}

// Validate is State().Validate, whose cost does not grow with the members.
func (d *StateDir) Validate(hi hook.Info) error {
	return d.state.Validate(hi)
}

// Reflects is State().Reflects, and answers for relation-created and
// relation-broken too: they are reflected by the directory being there, and not.
func (d *StateDir) Reflects(hi hook.Info) (bool, error) {
	switch hi.Kind {
	case hooks.RelationCreated:
		return d.Exists()
	case hooks.RelationBroken:
		exists, err := d.Exists()
		return !exists && err == nil, err
	}
	return d.state.Reflects(hi), nil
}

// Exists reports whether the relation's directory is there: from relation-created
// to relation-broken.
func (d *StateDir) Exists() (bool, error) {
	_, err := os.Lstat(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Ensure creates the directory if it does not already exist, and those above it.
// It is an error once the relation is broken.
func (d *StateDir) Ensure() error {
	if d.state.broken {
		return fmt.Errorf("cannot make state directory of relation %d: %w", d.state.RelationId, errBroken)
	}
	if err := durable.MkdirAll(d.path, dirPerm); err != nil {
		return err
	}
	d.ensured = true
	return nil
}
