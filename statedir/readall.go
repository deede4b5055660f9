package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// ReadAllStateDirs loads the state of every relation that has a directory in
// dirPath. If that does not exist there are none, and there is no error. The
// relations that did load are returned beside the error, which is a *LoadError
// with one of Faults for each relation that did not.
func ReadAllStateDirs(dirPath string) (map[int]*StateDir, error) {
	dirs := make(map[int]*StateDir)
	ids, err := relationIds(dirPath)
	if errors.Is(err, fs.ErrNotExist) {
		return dirs, nil
	}
	if err != nil {
		return dirs, &LoadError{what: relationsState, Dir: dirPath, Faults: []error{err}}
	}
	var r reader
	var faults []error
	for _, id := range ids {
		d, err := r.read(dirPath, id)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		dirs[id] = d
	}
	if len(faults) > 0 {
		return dirs, &LoadError{what: relationsState, Dir: dirPath, Faults: faults}
	}
	return dirs, nil
}

// relationIds returns the relations that have a directory in dirPath, in order.
func relationIds(dirPath string) ([]int, error) {
	dir, err := openDir(dirPath)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var ids []int
	for _, name := range names {
		if id, ok := relationOfDir(name); ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// What a LoadError may be about.
const (
	relationState  = "relation state"
	relationsState = "relations state"
)

// LoadError says what is wrong with state on disk.
type LoadError struct {
	what string
	// Dir is the directory that was read.
	Dir string
	// Faults are all that was found, by file name or relation id; at least one.
	Faults []error
}

// maxFaultsInText keeps a message readable when a disk has gone bad.
const maxFaultsInText = 5

// Error tells the faults in one line, the first few if they are many.
func (e *LoadError) Error() string {
	var texts []string
	for i, fault := range e.Faults {
		if i == maxFaultsInText {
			texts = append(texts, fmt.Sprintf("and %d more", len(e.Faults)-i))
			break
		}
		texts = append(texts, fault.Error())
	}
	return fmt.Sprintf("cannot load %s from %q: %s", e.what, e.Dir, strings.Join(texts, "; "))
}

// Unwrap returns the faults.
func (e *LoadError) Unwrap() []error { return e.Faults }

// Faults returns one error for each damaged file that err, of ReadStateDir or
// ReadAllStateDirs, is about, each with its directory. Of any other error it returns
// the error itself, and nothing of nil.
func Faults(err error) []error {
	if err == nil {
		return nil
	}
	var load *LoadError
	if !errors.As(err, &load) {
		return []error{err}
	}
	var faults []error
	for _, fault := range load.Faults {
		if load.what == relationsState {
			faults = append(faults, Faults(fault)...)
			continue
		}
		faults = append(faults, &LoadError{what: load.what, Dir: load.Dir, Faults: []error{fault}})
	}
	return faults
}
