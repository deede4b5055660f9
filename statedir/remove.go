package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/unit-agent/unit-agent/internal/durable"
)

// Remove removes the directory if it exists and is empty: application versions and
// temporary files, of this package or of Juju's, do not count, and go with it. If
// there is anything else in it nothing is changed, and the error is one for which
// errors.Is(err, syscall.ENOTEMPTY) holds.
func (d *StateDir) Remove() error {
	if err := d.checkEmpty(); err != nil {
		return fmt.Errorf("cannot remove state directory: %w", err)
	}
	if err := durable.RemoveAll(d.path); err != nil {
		return err
	}
	// What a crash has left of another relation that was being removed.
	_ = durable.SweepTemp(d.parent)
	broken := d.state.broken
	*d = *newStateDir(d.parent, d.state.RelationId)
	d.state.broken = broken
	return nil
}

func (d *StateDir) checkEmpty() error {
	entries, err := os.ReadDir(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !isDisposable(entry.Name()) {
			return &fs.PathError{Op: "remove", Path: filepath.Join(d.path, entry.Name()), Err: syscall.ENOTEMPTY}
		}
	}
	return nil
}

// jujuTemp is how Juju agents named the files that they were writing.
var jujuTemp = regexp.MustCompile(`^juju[0-9]+$`)

// isDisposable reports whether a file is of no use once the relation is broken: an
// application's version, or the leftover of an atomic write. Hidden files, which
// durable's are, are those of other programs that write likewise.
func isDisposable(name string) bool {
	if _, ok := applicationOfFile(name); ok {
		return true
	}
	return name[0] == '.' || strings.HasSuffix(name, ".tmp") ||
		strings.HasSuffix(name, ".preparing") || jujuTemp.MatchString(name)
}
