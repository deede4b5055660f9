package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// database is what inspectDatabase finds out.
type database struct {
	applied uint64 // index of the last log entry that is in it
}

// errInUse says that another program has the database open.
var errInUse = errors.New("the database is in use")

// inspectDatabase reads the whole of etcd's database file. Bolt, whose format it is, ends the process
// with a panic where a page is not what it should be, and so cannot be asked.
func inspectDatabase(path string) (database, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return database{}, nil
	}
	if err != nil {
		return database{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return database{}, err
	case !info.Mode().IsRegular():
		return database{}, &damageError{databaseFile, errors.New("it is not a file")}
	case info.Size() == 0:
		return database{}, nil // made, and not yet written to
	}
	// Bolt takes this lock, and waits for it for ever. The closing of f lets go of it.
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return database{}, errInUse
	}

	found, err := readDatabase(f, info.Size())
	if fault := (*pageError)(nil); errors.As(err, &fault) {
		return database{}, &damageError{databaseFile, err}
	}
	return found, err
}

func readDatabase(f *os.File, size int64) (database, error) {
	pages, err := openPages(f, size)
	if err != nil {
		return database{}, err
	}
	var found database
	err = pages.walk(func(bucket, key, value []byte) {
		if string(bucket) == "meta" && string(key) == "consistent_index" && len(value) == 8 {
			found.applied = binary.BigEndian.Uint64(value)
		}
	})
	if err == nil {
		err = pages.checkFree()
	}
	return found, err
}

// pageError says what is wrong with a page. Errors in reading the file are none of these.
type pageError struct {
	page    uint64
	problem string
}

func (e *pageError) Error() string { return fmt.Sprintf("page %d: %s", e.page, e.problem) }
