package durabletest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/unit-agent/unit-agent/internal/durable"
)

// image is what is on the disk: for each file and directory, what it held when it
// was last synced. What it holds now is in the real directory.
type image struct {
	root  *node
	nodes map[inode]*node
}

// inode identifies a file whatever its name is.
type inode struct{ dev, number uint64 }

// node is one file, directory or symbolic link.
type node struct {
	// pin keeps the file open, so that its inode number cannot be given to
	// another, and its content can be read after it has lost its name.
	pin  *os.File
	mode fs.FileMode

	// data is the content of a regular file when it was last synced, empty if it
	// never was. A symbolic link has its target here at once: it has no data
	// apart from its name.
	data []byte
	// entries are the names in a directory when it was last synced.
	entries map[string]*node
}

// takeImage reads the directory, and takes all of it to be synced.
func takeImage(dir string) (*image, error) {
	im := &image{nodes: make(map[inode]*node)}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return im.sync(path)
	})
	if err != nil {
		im.close()
		return nil, err
	}
	im.root, err = im.node(dir)
	return im, err
}

func (im *image) close() {
	for _, n := range im.nodes {
		n.pin.Close()
	}
	im.nodes = nil
}

// node returns the node of the file that has the path now.
func (im *image) node(path string) (*node, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	pin := os.NewFile(uintptr(fd), path)
	info, err := pin.Stat()
	if err != nil {
		pin.Close()
		return nil, err
	}
	stat := info.Sys().(*syscall.Stat_t)
	id := inode{uint64(stat.Dev), stat.Ino}
	if n, ok := im.nodes[id]; ok {
		pin.Close()
		return n, nil
	}
	n := &node{pin: pin, mode: info.Mode()}
	if n.mode&fs.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		if err != nil {
			pin.Close()
			return nil, err
		}
		n.data = []byte(target)
	}
	im.nodes[id] = n
	return n, nil
}

// sync takes what the file or directory at path holds now to be on the disk.
func (im *image) sync(path string) error {
	n, err := im.node(path)
	if err != nil {
		return err
	}
	switch {
	case n.mode.IsDir():
		n.entries, err = im.list(n)
	case n.mode.IsRegular():
		n.data, err = n.read()
	}
	return err
}

// list returns what the directory holds now.
func (im *image) list(n *node) (map[string]*node, error) {
	entries, err := os.ReadDir(n.path())
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // as a removed directory has it
		return nil, err
	}
	nodes := make(map[string]*node, len(entries))
	for _, entry := range entries {
		if nodes[entry.Name()], err = im.node(filepath.Join(n.path(), entry.Name())); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

// read returns what the file holds now.
func (n *node) read() ([]byte, error) { return os.ReadFile(n.path()) }

// path leads to the file also after it was moved or removed.
func (n *node) path() string { return fmt.Sprintf("/proc/self/fd/%d", n.pin.Fd()) }

// write makes dir hold what the disk holds, as luck has it with what was not synced.
func (im *image) write(dir string, luck luck) error {
	// All is chosen before anything is removed, since the real directory is where
	// the state of now is read from.
	tree, err := im.choose(im.root, luck)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return tree.writeEntries(dir)
}

// survivor is what of a node is there after the power cut.
type survivor struct {
	mode    fs.FileMode
	data    []byte
	entries map[string]*survivor
}

func (im *image) choose(n *node, luck luck) (*survivor, error) {
	s := &survivor{mode: n.mode, data: n.data}
	switch {
	case n.mode.IsRegular():
		now, err := n.read()
		if err != nil {
			return nil, err
		}
		s.data = luck.data(n.data, now)
	case n.mode.IsDir():
		now, err := im.list(n)
		if err != nil {
			return nil, err
		}
		s.entries = make(map[string]*survivor)
		for _, name := range sortedNames(n.entries, now) {
			child := luck.entry(n.entries[name], now[name])
			if child == nil {
				continue
			}
			if s.entries[name], err = im.choose(child, luck); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

func (s *survivor) writeEntries(dir string) error {
	for name, child := range s.entries {
		if err := child.writeAt(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func (s *survivor) writeAt(path string) error {
	switch {
	case s.mode&fs.ModeSymlink != 0:
		return os.Symlink(string(s.data), path)
	case s.mode.IsRegular():
		if err := os.WriteFile(path, s.data, 0o600); err != nil {
			return err
		}
	case s.mode.IsDir():
		if err := os.Mkdir(path, 0o700); err != nil {
			return err
		}
		if err := s.writeEntries(path); err != nil {
			return err
		}
	default:
		// A socket or a pipe is nothing without its process.
		return nil
	}
	return os.Chmod(path, s.mode.Perm())
}

// writeHalf leaves what a write leaves that ran out of space.
func writeHalf(op durable.Op) {
	f, err := os.OpenFile(op.Path, os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer f.Close()
	f.Write(op.Data[:len(op.Data)/2])
}
