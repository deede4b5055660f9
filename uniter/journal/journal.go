// Package journal keeps a unit's record of the hooks that ran: one line of JSON
// a hook, in the order in which they ended.
//
// The journal is for people. Nothing that the agent decides depends on it, so it
// is not synced to disk: a crash of the machine may lose its last lines. It keeps
// the last 8 to 16 MiB.
package journal

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/unit-agent/unit-agent/internal/linefile"
	"github.com/unit-agent/unit-agent/uniter/hook"
)

// Outcome says how a hook ended.
type Outcome string

const (
	// Done: it ran, or did not exist, and is committed.
	Done Outcome = "done"
	// Failed: it ended with an error, or what it buffered could not be written.
	Failed Outcome = "failed"
	// Interrupted: its agent died, or was stopped, while it ran.
	Interrupted Outcome = "interrupted"
	// Skipped: it had failed, and an operator had it skipped.
	Skipped Outcome = "skipped"
)

// Entry is one hook that ran.
type Entry struct {
	// Start is when it was started, Duration how long it ran, in seconds.
	Start    time.Time `json:"start"`
	Duration float64   `json:"duration"`

	// Unit is the unit whose hook it was, Hook the hook's full name, such as
	// "db-relation-joined", and Script what ran of the charm, empty if the
	// charm has no such hook.
	Unit   string `json:"unit"`
	Hook   string `json:"hook"`
	Script string `json:"script,omitempty"`

	// Relation is "endpoint:id" for relation hooks.
	Relation          string `json:"relation,omitempty"`
	RemoteUnit        string `json:"remote-unit,omitempty"`
	RemoteApplication string `json:"remote-application,omitempty"`
	Version           int64  `json:"version,omitempty"`

	Outcome Outcome `json:"outcome"`

	// ExitCode is nil where there was none: interrupted, killed, skipped.
	ExitCode *int   `json:"exit-code,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// Describe fills the fields of an entry that come from the hook itself.
func Describe(unit, name, endpoint string, info hook.Info) Entry {
	entry := Entry{
		Unit:              unit,
		Hook:              name,
		RemoteUnit:        info.RemoteUnit,
		RemoteApplication: info.RemoteApplication,
		Version:           info.ChangeVersion,
	}
	if endpoint != "" {
		entry.Relation = fmt.Sprintf("%s:%d", endpoint, info.RelationId)
	}
	return entry
}

// limit is the size in bytes past which a journal is moved aside.
const limit = 8 << 20

// Journal appends entries to a file.
type Journal struct{ lines *linefile.Writer }

// Open opens the journal at path, which is created with the first entry.
func Open(path string) *Journal { return &Journal{lines: linefile.NewWriter(path, limit)} }

// Append writes one entry.
func (j *Journal) Append(entry Entry) error {
	line, err := json.Marshal(entry)
	if err != nil {
		return fmt.Errorf("cannot encode journal entry: %w", err)
	}
	if _, err := j.lines.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("cannot write journal: %w", err)
	}
	return nil
}

// Close closes the file. Append opens it again.
func (j *Journal) Close() error { return j.lines.Close() }

// Read returns the entries of the journal at path, the oldest first, with those
// of the one that was moved aside. No journal is no entries; lines that do not
// parse are skipped.
func Read(path string) ([]Entry, error) {
	var entries []Entry
	err := linefile.Read(path, func(line []byte) {
		var entry Entry
		if json.Unmarshal(line, &entry) == nil && entry.Hook != "" {
			entries = append(entries, entry)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read journal: %w", err)
	}
	return entries, nil
}
