package client

import (
	"strconv"
	"syscall"
)

// MaxSocketPath is the longest path that a unix socket address holds, in bytes.
// A socket with a longer one is reached through ShortSocketPath.
const MaxSocketPath = 107

// ShortSocketPath is another name for the entry base of the open directory dirfd, short
// enough for a socket address whatever the directory's own path. It holds while dirfd is open.
func ShortSocketPath(dirfd int, base string) string {
	return "/proc/self/fd/" + strconv.Itoa(dirfd) + "/" + base
}

// dial connects to the socket at the path, which may be longer than a socket address holds.
func dial(path string) (file, error) {
	name := path
	if len(path) > MaxSocketPath {
		socket := base(path)
		dir, err := open(path[:len(path)-len(socket)]+".", syscall.O_RDONLY|syscall.O_DIRECTORY)
		if err != nil {
			return -1, err
		}
		defer dir.close()
		name = ShortSocketPath(int(dir), socket)
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	for {
		err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: name})
		if err == nil {
			return file(fd), nil
		}
		if err != syscall.EINTR {
			syscall.Close(fd)
			return -1, err
		}
	}
}

// base is the last element of a path.
func base(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}
