package charm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// maxFile is the size up to which a file that describes a charm is read. What
// it says must also fit into one request to the store.
const maxFile = 1 << 20

// maxVersion is how much of a version is shown, in characters.
const maxVersion = 100

// Read returns the charm in a directory: one with metadata.yaml, or one with a
// unified charmcraft.yaml only. Where metadata.yaml is there, a config.yaml or
// actions.yaml that is not may still be a section of charmcraft.yaml.
//
// The charm's Documents are in the form that [Install] writes: split, each
// endpoint a map, each config option with its type.
func Read(dir string) (*Charm, error) {
	s, err := openSource(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read charm %q: %w", dir, err)
	}
	defer s.close()
	return s.charm, nil
}

// source is a charm's directory, open for reading. Nothing outside the
// directory can be read through it, whatever the symlinks in it say.
type source struct {
	root  *os.Root
	charm *Charm
	files Documents // the texts as they stand in the files; "" for a file that is not there
}

func openSource(dir string) (*source, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: give the path of a directory that holds a charm", syscall.ENOENT)
	case err != nil:
		return nil, err
	case !info.IsDir() && strings.HasSuffix(dir, ".charm"):
		return nil, errors.New("it is packed: unpack it (it is a zip file) and give the path of that directory")
	case !info.IsDir():
		return nil, errors.New("not a directory: give the path of a directory that holds a charm")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s := &source{root: root}
	if err := s.read(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *source) close() { _ = s.root.Close() }

func (s *source) read() error {
	documents, from, err := s.documents()
	if err != nil {
		return err
	}
	if s.charm, err = parse(documents, from); err != nil {
		return err
	}
	if s.charm.Documents, err = normalise(documents); err != nil {
		return err
	}
	if s.charm.Revision, err = s.revision(); err != nil {
		return err
	}
	s.charm.Version, err = s.version()
	return err
}

// documents returns the charm's texts in split form and where each came from,
// and notes in s.files what the split files themselves hold.
func (s *source) documents() (d Documents, from origin, err error) {
	unified, isUnified, err := s.text(charmcraftFile)
	if err != nil {
		return d, from, err
	}
	texts := []struct {
		name     string
		file     *string // what the split file holds
		document *string
		from     *string
		there    bool
	}{
		{name: metadataFile, file: &s.files.Metadata, document: &d.Metadata, from: &from.metadata},
		{name: configFile, file: &s.files.Config, document: &d.Config, from: &from.config},
		{name: actionsFile, file: &s.files.Actions, document: &d.Actions, from: &from.actions},
	}
	all := true
	for i := range texts {
		t := &texts[i]
		if *t.file, t.there, err = s.text(t.name); err != nil {
			return d, from, err
		}
		all = all && t.there
	}
	if !texts[0].there && !isUnified {
		return d, from, fmt.Errorf("neither %s nor %s is there: give the path of a directory that holds a charm",
			metadataFile, charmcraftFile)
	}
	if isUnified && !all {
		if err := guarded(func(text string) (err error) { d, err = split(text); return err }, unified); err != nil {
			return d, from, fmt.Errorf("%s: %w", charmcraftFile, err)
		}
	}
	from = origin{charmcraftFile, charmcraftFile + ": config", charmcraftFile + ": actions"}
	for _, t := range texts {
		if t.there {
			*t.document, *t.from = *t.file, t.name
		}
	}
	if texts[1].there && d.Config == "" {
		d.Config = "\n" // there, but empty: not the same as not there
	}
	return d, from, nil
}

func (s *source) revision() (int, error) {
	text, ok, err := s.text(revisionFile)
	if err != nil || !ok {
		return 0, err
	}
	revision, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || revision < 0 {
		return 0, fmt.Errorf("invalid revision file: it must hold one whole number, not %q", oneLine(fmt.Sprintf("%.40s", text)))
	}
	return revision, nil
}

func (s *source) version() (string, error) {
	text, ok, err := s.text(versionFile)
	if err != nil || !ok {
		return "", err
	}
	line, _, _ := strings.Cut(text, "\n")
	line = strings.TrimPrefix(line, "revision-id: ") // as some version control writes it
	line = strings.TrimSpace(strings.ToValidUTF8(line, "?"))
	if runes := []rune(line); len(runes) > maxVersion {
		line = string(runes[:maxVersion])
	}
	return line, nil
}

// text returns the content of one of the files that describe the charm, and
// whether there is such a file.
func (s *source) text(name string) (text string, ok bool, err error) {
	info, err := s.root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, nil
	case err != nil:
		return "", false, err
	case !info.Mode().IsRegular():
		return "", false, fmt.Errorf("%s is not a file", name)
	case info.Size() > maxFile:
		return "", false, fmt.Errorf("%s is %d bytes long: at most %d can be used", name, info.Size(), maxFile)
	}
	data, err := s.root.ReadFile(name)
	if err != nil {
		return "", false, err
	}
	return string(data), true, nil
}
