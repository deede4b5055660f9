package uniter

import (
	"path/filepath"
	"strings"

	"github.com/unit-agent/unit-agent/uniter/operation"
)

// Home is a unit's directory on its machine.
type Home struct{ Dir string }

// HomeOf returns the home of the named unit below a data directory.
func HomeOf(dataDir, unit string) Home {
	return Home{Dir: filepath.Join(dataDir, "units", strings.ReplaceAll(unit, "/", "-"))}
}

// CharmDir is the unit's own copy of its charm.
func (h Home) CharmDir() string { return filepath.Join(h.Dir, "charm") }

// StateDir holds the operation record and the relations' state.
func (h Home) StateDir() string { return filepath.Join(h.Dir, "state") }

// RelationsDir holds one directory for each relation whose created hook ran.
func (h Home) RelationsDir() string { return filepath.Join(h.StateDir(), "relations") }

// OperationFile is the operation record.
func (h Home) OperationFile() string { return filepath.Join(h.StateDir(), operation.FileName) }

// ProcessFile names the process of the hook that was started last.
func (h Home) ProcessFile() string { return filepath.Join(h.Dir, "process.json") }

// JournalFile lists the hooks that ran.
func (h Home) JournalFile() string { return filepath.Join(h.Dir, "hooks.jsonl") }

// LogFile is the unit's log.
func (h Home) LogFile() string { return filepath.Join(h.Dir, "log.jsonl") }

// ToolsDir holds a link for each hook tool.
func (h Home) ToolsDir() string { return filepath.Join(h.Dir, "tools") }

// Socket is where hook tools reach the agent.
func (h Home) Socket() string { return filepath.Join(h.Dir, "agent.sock") }

// LockFile is locked by the one agent process that runs the unit here.
func (h Home) LockFile() string { return filepath.Join(h.Dir, "lock") }
