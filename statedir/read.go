package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/unit-agent/unit-agent/internal/durable"
)

// maxFileSize is far more than a file has that says a version and a word.
const maxFileSize = 4096

// reader reads directories. Its buffer is what makes it worth keeping for the next.
type reader struct {
	buffer [maxFileSize + 1]byte
}

// fault is what is wrong with one file.
type fault struct {
	file string
	err  error
}

// readDir reads the relation's directory into d, which is empty. A directory that
// is not there is an empty one. It reads on after a fault, so as to tell all.
func (r *reader) readDir(d *StateDir) []error {
	dir, err := openDir(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return []error{err}
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return []error{err}
	}
	d.state.Members = make(map[string]int64, len(names))
	var pending []string
	var faults []fault
	for _, name := range names {
		if unit, ok := unitOfFile(name); ok {
			record, err := r.readFile(dir, name)
			if err != nil {
				faults = append(faults, fault{name, fmt.Errorf("invalid unit file %q: %w", name, err)})
				continue
			}
			d.state.Members[unit] = record.version
			if record.pending {
				pending = append(pending, unit)
			}
		} else if application, ok := applicationOfFile(name); ok {
			record, err := r.readFile(dir, name)
			if err == nil && record.pending {
				err = fmt.Errorf("unknown field %q", pendingKey)
			}
			if err != nil {
				faults = append(faults, fault{name, fmt.Errorf("invalid application file %q: %w", name, err)})
				continue
			}
			d.state.ApplicationMembers[application] = record.version
		} else if durable.IsTemp(name) {
			d.leftovers = true
		}
	}
	switch len(pending) {
	case 0:
	case 1:
		d.state.ChangedPending = pending[0]
	default:
		slices.Sort(pending)
		faults = append(faults, fault{pending[0],
			fmt.Errorf("%q and %q both have pending changed hooks", pending[0], pending[1])})
	}
	return inOrder(faults)
}

// inOrder returns the errors by file, whatever order the directory lists them in.
func inOrder(faults []fault) []error {
	slices.SortFunc(faults, func(a, b fault) int { return strings.Compare(a.file, b.file) })
	var errs []error
	for _, f := range faults {
		errs = append(errs, f.err)
	}
	return errs
}

// openDir is os.Open for directories only, which cannot hang on a pipe.
func openDir(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY, 0)
}

// readFile reads one file in dir. It goes by system calls, since reading ten
// thousand small files is what an agent's start is made of, and an os.File for each
// would be half the work.
func (r *reader) readFile(dir *os.File, name string) (record, error) {
	// A pipe is opened without waiting for a writer, and is then empty.
	fd, err := again(func() (int, error) {
		return unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	})
	if err != nil {
		return record{}, err
	}
	defer unix.Close(fd)
	size := 0
	for size < len(r.buffer) {
		n, err := again(func() (int, error) { return unix.Read(fd, r.buffer[size:]) })
		if err != nil {
			return record{}, err
		}
		if n == 0 {
			return decode(r.buffer[:size])
		}
		size += n
	}
	return record{}, fmt.Errorf("larger than %d bytes", maxFileSize)
}

// again calls a system call until no signal interrupts it.
func again(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}
