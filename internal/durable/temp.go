package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
)

// A temporary name is ".<name>.<16 hex digits>.tmp".
const (
	tempFormat = ".%s.%016x.tmp"
	// maxTempBase keeps a temporary name below the 255 bytes of a file name.
	maxTempBase = 200
)

var tempPattern = regexp.MustCompile(`^\..*\.[0-9a-f]{16}\.tmp$`)

// IsTemp reports whether name, without a directory, is that of a temporary file
// or directory of this package.
func IsTemp(name string) bool {
	// Nearly every name is turned away by its first byte.
	return len(name) > 0 && name[0] == '.' && tempPattern.MatchString(name)
}

// tempPath returns a new temporary name beside path.
func tempPath(path string) string {
	dir, base := filepath.Split(path)
	if len(base) > maxTempBase {
		base = base[:maxTempBase]
	}
	return dir + fmt.Sprintf(tempFormat, base, rand.Uint64())
}

// createTemp creates a new temporary file beside path.
func createTemp(path string, perm fs.FileMode) (f *os.File, name string, err error) {
	for range 100 {
		name = tempPath(path)
		err = step(Op{Label: "write/create", Path: name}, func() error {
			f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
			return err
		})
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil && f != nil {
		// A seam said no after all.
		f.Close()
		_ = os.Remove(name)
		return nil, "", err
	}
	return f, name, err
}

// SweepTemp removes the temporary files and directories directly in dir that a
// killed process has left. Nobody may be writing in dir meanwhile. It is nil if dir
// is not there, and it does not sync: a leftover that comes back is swept again.
func SweepTemp(dir string) error {
	if err := sweepTemp(dir); err != nil {
		return fmt.Errorf("cannot remove temporary files in %q: %w", dir, err)
	}
	return nil
}

func sweepTemp(dir string) error {
	names, err := readNames(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if !IsTemp(name) {
			continue
		}
		path := filepath.Join(dir, name)
		err := step(Op{Label: "sweep/remove", Path: path}, func() error {
			return os.RemoveAll(path)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readNames lists a directory.
func readNames(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}
