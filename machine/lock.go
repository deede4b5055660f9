package machine

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/unit-agent/unit-agent/uniter"
)

// lockHome takes the lock that one process on this machine can have of a unit.
// The lock ends when the file is closed or its process dies. The file itself
// stays; it holds the process's id for people to read.
func lockHome(home uniter.Home, unit string) (*os.File, error) {
	file, err := os.OpenFile(home.LockFile(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the home of %s: %w", unit, err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		holder := make([]byte, 32)
		n, _ := file.ReadAt(holder, 0)
		file.Close()
		return nil, fmt.Errorf("unit %s is already run by another process on this machine (process %s): stop that one first",
			unit, bytes.TrimSpace(holder[:n]))
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot lock the home of %s: %w", unit, err)
	}
	if err := errors.Join(file.Truncate(0), writePid(file)); err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot lock the home of %s: %w", unit, err)
	}
	return file, nil
}

func writePid(file *os.File) error {
	_, err := file.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return err
}
