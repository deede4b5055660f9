package charm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// entry is one file, directory or symlink of a charm as it is deployed.
type entry struct {
	path string      // slash-separated, from the charm's root
	mode fs.FileMode // type and permissions
	link string      // where a symlink leads
	text *string     // the content of a file that the source has not, or not in this form; nil: copy the source's
}

// content returns everything that the charm consists of, sorted by path, so
// that a directory comes before what is in it. The split files are there even
// if the source has only a charmcraft.yaml.
func (s *source) content() ([]entry, error) {
	ignoreText, _, err := s.text(ignoreFile)
	if err != nil {
		return nil, err
	}
	rules, err := parseIgnore(ignoreText)
	if err != nil {
		return nil, err
	}
	var entries []entry
	err = fs.WalkDir(s.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == "." {
			return nil
		}
		if rules.ignores(name, d.IsDir()) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		e, err := s.entry(name, d)
		if err != nil {
			return err
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	entries = s.materialise(entries)
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.path, b.path) })
	return entries, nil
}

func (s *source) entry(name string, d fs.DirEntry) (entry, error) {
	info, err := d.Info()
	if err != nil {
		return entry{}, err
	}
	e := entry{path: name, mode: info.Mode().Type() | info.Mode().Perm()}
	switch e.mode.Type() {
	case 0:
	case fs.ModeDir:
		e.mode |= 0o700 // else we could not fill it
	case fs.ModeSymlink:
		e.mode = fs.ModeSymlink
		if e.link, err = s.root.Readlink(name); err != nil {
			return entry{}, err
		}
		if err := checkLink(name, e.link); err != nil {
			return entry{}, err
		}
	default:
		return entry{}, fmt.Errorf("%s is a %s: a charm holds files, directories and symlinks only; remove it, or name it in %s",
			name, kindOf(e.mode), ignoreFile)
	}
	return e, nil
}

// checkLink refuses a symlink that leads out of the charm. A link is judged
// from the directory that it stands in, by its steps up, which must come first:
// after a step down, a step up need not lead back to where it came from.
func checkLink(name, link string) error {
	outside := fmt.Errorf("symlink %s leads to %q: it must be relative and stay inside the charm", name, link)
	if link == "" || path.IsAbs(link) {
		return outside
	}
	depth := strings.Count(name, "/")
	down := false
	for _, step := range strings.Split(link, "/") {
		switch {
		case step == "" || step == ".":
		case step != "..":
			down = true
		case down || depth == 0:
			return outside
		default:
			depth--
		}
	}
	return nil
}

// materialise adds the split files that the source has not, and puts the normal
// form in place of those that it has in another.
func (s *source) materialise(entries []entry) []entry {
	for _, file := range []struct{ name, have, want string }{
		{metadataFile, s.files.Metadata, s.charm.Documents.Metadata},
		{configFile, s.files.Config, s.charm.Documents.Config},
		{actionsFile, s.files.Actions, s.charm.Documents.Actions},
	} {
		at := slices.IndexFunc(entries, func(e entry) bool { return e.path == file.name })
		if file.want == "" || at >= 0 && file.have == file.want {
			continue
		}
		made := entry{path: file.name, mode: 0o644, text: &file.want}
		if at < 0 {
			entries = append(entries, made)
			continue
		}
		if entries[at].mode.IsRegular() {
			made.mode = entries[at].mode
		}
		entries[at] = made
	}
	return entries
}

// open returns the content of a file of the charm.
func (s *source) open(e entry) (io.ReadCloser, error) {
	if e.text != nil {
		return io.NopCloser(strings.NewReader(*e.text)), nil
	}
	f, err := s.root.Open(e.path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: make it readable, or name it in %s", err, ignoreFile)
	}
	return f, err
}

func kindOf(mode fs.FileMode) string {
	switch mode.Type() {
	case fs.ModeSocket:
		return "socket"
	case fs.ModeNamedPipe:
		return "named pipe"
	}
	return "device"
}
