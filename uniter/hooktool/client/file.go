package client

import (
	"io"
	"syscall"
)

// file is an open file or a blocking socket. The os and net packages would give the same
// with pollers and name bookkeeping that a program of one call has no use for.
type file int

func open(path string, flags int) (file, error) {
	for {
		fd, err := syscall.Open(path, flags|syscall.O_CLOEXEC, 0o666)
		if err != syscall.EINTR {
			return file(fd), err
		}
	}
}

func (f file) close() error { return syscall.Close(int(f)) }

// Read implements io.Reader.
func (f file) Read(b []byte) (int, error) {
	for {
		n, err := syscall.Read(int(f), b)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && len(b) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write implements io.Writer.
func (f file) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n, err := syscall.Write(int(f), b[done:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}
