package charm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/unit-agent/unit-agent/internal/durable"
)

// Install makes dst a copy of the charm in the directory src, with its split
// files written out in the form of [Read]. It is for a unit's first deployment.
//
// When it returns nil the whole charm is on disk at dst. When it fails, or the
// process or the machine dies, dst is there whole or not at all; call it again,
// and it begins anew and removes what the attempt left. A dst that is there and
// holds a charm is left as it is, whatever charm that is: an Install that was
// cut off after its last step is finished by that.
//
// The copy has the files' permissions and the symlinks of the source. Sockets,
// pipes and devices, and symlinks that lead out of the charm, are errors; what
// .jujuignore names is left out. Only one Install to dst may run at a time. The
// source must not change meanwhile.
func Install(src, dst string) error {
	if err := install(src, filepath.Clean(dst)); err != nil {
		return fmt.Errorf("cannot install charm %q: %w", src, err)
	}
	return nil
}

func install(src, dst string) error {
	staging := stagingPath(dst)
	there, err := isInstalled(dst)
	if err != nil {
		return err
	}
	if there {
		if err := os.RemoveAll(staging); err != nil {
			return err
		}
		return durable.MkdirAll(dst, 0o755) // it is there, but its name may not be on disk yet
	}
	s, err := openSource(src)
	if err != nil {
		return err
	}
	defer s.close()
	if err := durable.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	if err := durable.RemoveDir(dst); err != nil {
		return err // it was empty when we looked
	}
	if err := s.stage(staging); err != nil {
		_ = os.RemoveAll(staging)
		return err
	}
	return durable.Rename(staging, dst)
}

// stagingPath is where the copy is made: beside dst, so that it can be renamed,
// and always the same, so that what a crash left is found.
func stagingPath(dst string) string {
	return filepath.Join(filepath.Dir(dst), "."+filepath.Base(dst)+".new")
}

// isInstalled reports whether dst holds a charm. A directory there is whole,
// since it came by rename. An empty one may be replaced; any other is not ours
// to touch.
func isInstalled(dst string) (bool, error) {
	entries, err := os.ReadDir(dst)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case len(entries) == 0:
		return false, nil
	}
	if _, err := os.Lstat(filepath.Join(dst, metadataFile)); errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("%s is not empty and has no %s: move it away and try again", dst, metadataFile)
	} else if err != nil {
		return false, err
	}
	return true, nil
}

// stage makes dir a copy of the charm, in place of whatever is there, and syncs
// all of it but dir's own name.
func (s *source) stage(dir string) error {
	entries, err := s.content()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := makeDir(dir, 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		if err := s.copyTo(filepath.Join(dir, filepath.FromSlash(e.path)), e); err != nil {
			return fmt.Errorf("cannot copy %s: %w", e.path, err)
		}
	}
	return durable.SyncTree(dir)
}

func (s *source) copyTo(path string, e entry) error {
	switch e.mode.Type() {
	case fs.ModeDir:
		return makeDir(path, e.mode.Perm())
	case fs.ModeSymlink:
		return os.Symlink(e.link, path)
	}
	from, err := s.open(e)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		return err
	}
	// What the umask took away when the file was made comes back here.
	if err := to.Chmod(e.mode.Perm()); err != nil {
		to.Close()
		return err
	}
	return to.Close()
}

func makeDir(path string, perm fs.FileMode) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return os.Chmod(path, perm)
}
