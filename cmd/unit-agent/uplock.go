package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// lockUnits takes the lock that one process at a time has which runs all units
// of this data directory. It returns nil and who has it if another process does.
// The lock ends when the file is closed.
func (p *program) lockUnits() (lock *os.File, holder string, err error) {
	file, err := os.OpenFile(filepath.Join(p.dataDir, "up.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, "", fmt.Errorf("cannot lock the data directory: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		pid := make([]byte, 32)
		n, _ := file.ReadAt(pid, 0)
		file.Close()
		return nil, "process " + strings.TrimSpace(string(pid[:n])), nil
	}
	if err == nil {
		err = file.Truncate(0)
	}
	if err == nil {
		_, err = file.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	}
	if err != nil {
		file.Close()
		return nil, "", fmt.Errorf("cannot lock the data directory: %w", err)
	}
	return file, "", nil
}
