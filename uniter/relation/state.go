package relation

import "github.com/unit-agent/unit-agent/statedir"

// State describes the state of a relation. It is statedir.State, under the
// name by which users of this package know it.
type State = statedir.State

// StateDir is a filesystem-backed representation of the state of a relation.
// It is statedir.StateDir.
type StateDir = statedir.StateDir

// ReadStateDir loads a StateDir from the subdirectory of dirPath named for the
// supplied relation id. A directory that does not exist is no error: it is the
// state of a relation with no members.
func ReadStateDir(dirPath string, relationId int) (*StateDir, error) {
	return statedir.ReadStateDir(dirPath, relationId)
}

// ReadAllStateDirs loads and returns every StateDir persisted directly inside
// dirPath. A dirPath that does not exist is no error. With an error that
// concerns some of the relations, the others are returned beside it.
func ReadAllStateDirs(dirPath string) (map[int]*StateDir, error) {
	return statedir.ReadAllStateDirs(dirPath)
}
