// Package unitlog keeps the logs of units on disk, one file a unit, and reads
// them back as one stream.
//
// A log is for people: it is not synced to disk, and each file keeps its last 16
// to 32 MiB.
package unitlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/unit-agent/unit-agent/internal/linefile"
)

const limit = 16 << 20

// moduleKey is the attribute that names who logs.
const moduleKey = "module"

// Record is one line of a log.
type Record struct {
	Time  time.Time
	Level slog.Level
	// Unit is the unit whose log it is, Module who logs: "unit.mysql/0.install"
	// for a hook's output, "unit.mysql/0.juju-log" for what it logs itself.
	Unit    string
	Module  string
	Message string
	// Rest holds what else was logged, as "key=value" words in the order of keys.
	Rest string
}

// Writer writes the log of one unit.
type Writer struct{ lines *linefile.Writer }

// NewWriter returns a writer for the log at path.
func NewWriter(path string) *Writer {
	return &Writer{lines: linefile.NewWriter(path, limit)}
}

// Handler returns a handler that logs everything from level up to the file.
func (w *Writer) Handler(level slog.Leveler) slog.Handler {
	return slog.NewJSONHandler(w.lines, &slog.HandlerOptions{Level: level})
}

// Close closes the file.
func (w *Writer) Close() error { return w.lines.Close() }

// Read returns the records of the log at path, the oldest first. Lines that do
// not parse are skipped; a log that is not there is empty.
func Read(unit, path string) ([]Record, error) {
	var records []Record
	err := linefile.Read(path, func(line []byte) {
		if record, ok := parse(unit, line); ok {
			records = append(records, record)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the log of %s: %w", unit, err)
	}
	return records, nil
}

// Merge puts the records of several logs in the order of time.
func Merge(logs ...[]Record) []Record {
	merged := slices.Concat(logs...)
	slices.SortStableFunc(merged, func(a, b Record) int { return a.Time.Compare(b.Time) })
	return merged
}

// parse reads one line as slog's JSON handler writes it.
func parse(unit string, line []byte) (Record, bool) {
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	if decoder.Decode(&fields) != nil {
		return Record{}, false
	}
	record := Record{Unit: unit}
	at, _ := fields[slog.TimeKey].(string)
	level, _ := fields[slog.LevelKey].(string)
	record.Message, _ = fields[slog.MessageKey].(string)
	record.Module, _ = fields[moduleKey].(string)
	var err error
	if record.Time, err = time.Parse(time.RFC3339Nano, at); err != nil {
		return Record{}, false
	}
	if record.Level.UnmarshalText([]byte(level)) != nil {
		return Record{}, false
	}
	var rest []string
	for key, value := range fields {
		switch key {
		case slog.TimeKey, slog.LevelKey, slog.MessageKey, moduleKey:
		default:
			rest = append(rest, fmt.Sprintf("%s=%v", key, value))
		}
	}
	slices.Sort(rest)
	record.Rest = strings.Join(rest, " ")
	return record, true
}
