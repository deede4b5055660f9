package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/unit-agent/unit-agent/internal/durable"
	"golang.org/x/sys/unix"
)

const (
	socketName = "client.sock"
	lockName   = "serve.lock"

	// maxSocketPath is the longest path that fits a unix socket address.
	maxSocketPath = 107
)

// dataDir is an open data directory: where the lock, the socket and etcd's files stand.
type dataDir struct {
	path string
	// handle stays open for as long as the Store: long socket paths go through it.
	handle *os.File
}

// openDataDir opens the directory at path. With create, it is made if need be, and closed to other users.
func openDataDir(path string, create bool) (*dataDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if create {
		if err := durable.MkdirAll(path, 0o700); err != nil {
			return nil, err
		}
	}
	handle, err := os.OpenFile(path, unix.O_DIRECTORY|os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	d := &dataDir{path: path, handle: handle}
	if create {
		if err := d.tighten(); err != nil {
			handle.Close()
			return nil, err
		}
	}
	return d, nil
}

// tighten takes the directory away from other users: all of the model is in it.
func (d *dataDir) tighten() error {
	info, err := d.handle.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm() == 0o700 {
		return nil
	}
	return d.handle.Chmod(0o700)
}

func (d *dataDir) close() { d.handle.Close() }

// address is a path of the client socket that fits a socket address however long the directory's path is.
func (d *dataDir) address() string {
	p := filepath.Join(d.path, socketName)
	if len(p) > maxSocketPath {
		p = fmt.Sprintf("/proc/self/fd/%d/%s", d.handle.Fd(), socketName)
	}
	return p
}

// listen opens the client socket. Only the holder of the lock may call it:
// a socket that is there already is taken for a leftover and removed.
func (d *dataDir) listen() (net.Listener, error) {
	if err := d.removeSocket(); err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: d.address()})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // removeSocket does it, before the lock goes
	if err := os.Chmod(d.address(), 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (d *dataDir) removeSocket() error {
	if err := os.Remove(d.address()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (d *dataDir) dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", d.address())
}

// tryLock takes the right to serve the directory, or returns nil if another holds it.
// The right lasts until the file is closed or the process ends.
func (d *dataDir) tryLock() (*os.File, error) {
	// Never removed: a lock on a file that another process has unlinked excludes nobody.
	f, err := os.OpenFile(d.lockPath(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if ok, err := lock(f); !ok {
		f.Close()
		return nil, err
	}
	// For people and error messages only; nothing is decided by it.
	if err := f.Truncate(0); err == nil {
		fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return f, nil
}

// isFree reports whether nobody has the right to serve the directory.
func (d *dataDir) isFree() (bool, error) {
	f, err := os.Open(d.lockPath())
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	return lock(f)
}

func lock(f *os.File) (ok bool, err error) {
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cannot lock %s: %w", f.Name(), err)
	}
	return true, nil
}

func (d *dataDir) lockPath() string { return filepath.Join(d.path, lockName) }

// server names the process that serves the directory, for messages.
func (d *dataDir) server() string {
	f, err := os.Open(d.lockPath())
	if err != nil {
		return "another process"
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, 32))
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d", pid)
}
