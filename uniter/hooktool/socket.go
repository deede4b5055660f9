package hooktool

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/unit-agent/unit-agent/uniter/hooktool/client"
)

// socket is a unix socket that is bound to a path.
type socket struct {
	*net.UnixListener
	path string
	info fs.FileInfo // of the socket as it was bound
}

// listen binds a socket to the path, mode 0600, in place of one that an agent which died
// left there. Anything else at the path is an error. The path may be longer than a socket address
// holds; its last element may not.
//
// The socket is bound beside the path and then renamed to it, so whoever sees it at the path sees
// one that is served and closed to others.
func listen(path string) (*socket, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("cannot listen on %s: there is a file that is not a socket", path)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", path, err)
	}
	defer dir.Close()
	s, err := bind(dir, filepath.Base(path))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", path, err)
	}
	s.path = path
	return s, nil
}

func bind(dir *os.File, name string) (_ *socket, err error) {
	newPath := filepath.Join(dir.Name(), name+".new")
	if err := os.Remove(newPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	address := client.ShortSocketPath(int(dir.Fd()), filepath.Base(newPath))
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// The address names no file once dir is closed.
	listener.SetUnlinkOnClose(false)
	defer func() {
		if err != nil {
			listener.Close()
			os.Remove(newPath)
		}
	}()
	if err := os.Chmod(newPath, 0o600); err != nil {
		return nil, err
	}
	info, err := os.Lstat(newPath)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(newPath, filepath.Join(dir.Name(), name)); err != nil {
		return nil, err
	}
	return &socket{UnixListener: listener, info: info}, nil
}

// remove takes the socket's name away, unless another has taken its place.
func (s *socket) remove() {
	if info, err := os.Lstat(s.path); err == nil && os.SameFile(info, s.info) {
		os.Remove(s.path)
	}
}
