package charm

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
)

// Digest returns a name for the content of the charm in a directory, 64
// hexadecimal digits: the same for each copy of the charm, however it was made,
// and for the copy that [Install] makes of it; another one if a name, a
// content, where a symlink leads or whether its owner may run a file differs.
// The other permissions do not count, since a checkout sets them by the habits
// of who makes it.
//
// It is for a charm as it was shipped: once a deployed charm has written to its
// directory, that has another digest.
func Digest(dir string) (string, error) {
	s, err := openSource(dir)
	if err != nil {
		return "", fmt.Errorf("cannot read charm %q: %w", dir, err)
	}
	defer s.close()
	digest, err := s.digest()
	if err != nil {
		return "", fmt.Errorf("cannot read charm %q: %w", dir, err)
	}
	return digest, nil
}

func (s *source) digest() (string, error) {
	entries, err := s.content()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, e := range entries {
		if err := s.addDigest(sum, e); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// addDigest feeds an entry to sum such that no two different lists of entries
// feed the same bytes: its kind, then its path and what it holds, each after
// its length. Of a file's content it feeds the sum, whose length is fixed.
func (s *source) addDigest(sum hash.Hash, e entry) error {
	switch {
	case e.mode.IsDir():
		addField(sum, "directory")
		addField(sum, e.path)
	case e.mode.Type() == fs.ModeSymlink:
		addField(sum, "symlink")
		addField(sum, e.path)
		addField(sum, e.link)
	default:
		kind := "file"
		if e.mode&0o100 != 0 {
			kind = "executable"
		}
		addField(sum, kind)
		addField(sum, e.path)
		f, err := s.open(e)
		if err != nil {
			return err
		}
		defer f.Close()
		content := sha256.New()
		if _, err := io.Copy(content, f); err != nil {
			return err
		}
		sum.Write(content.Sum(nil))
	}
	return nil
}

func addField(sum hash.Hash, field string) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(field)))
	sum.Write(length[:])
	io.WriteString(sum, field)
}
