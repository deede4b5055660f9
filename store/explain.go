package store

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// explain adds to an error what a person can do about it. The error stays within reach of
// errors.Is and errors.As.
func explain(err error) error {
	if advice := adviceOn(err); advice != "" {
		return fmt.Errorf("%w (%s)", err, advice)
	}
	return err
}

func adviceOn(err error) string {
	var damage *damageError
	switch {
	case errors.As(err, &damage):
		return "restore the directory from a backup, or move it away to begin with an empty model"
	case errors.Is(err, errInUse):
		return "end the program that has " + databaseFile + " open"
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return "free some space on its file system, at least 64 MiB"
	case errors.Is(err, unix.EROFS):
		return "its file system is read-only: make it writable or use another data directory"
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return "run as the user that owns it or use another data directory"
	case errors.Is(err, unix.ENOTDIR):
		return "move away the file that is in the way or use another data directory"
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return "raise the limit of open files"
	case errors.Is(err, unix.EIO):
		return "its disk reports errors: check the disk"
	case isFromTheFuture(err):
		return "it was written by a newer version: use that version"
	}
	return ""
}

// isFromTheFuture recognises etcd's refusals of data that a newer etcd wrote. It has no values for them.
func isFromTheFuture(err error) bool {
	s := err.Error()
	return strings.Contains(s, "server version is lower than determined cluster version") ||
		strings.Contains(s, "changing major storage version is not supported") ||
		strings.Contains(s, "version \"") && strings.Contains(s, "\" is not supported")
}
