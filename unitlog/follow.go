package unitlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// Follow calls record with what is added to the logs from now on, until the
// context ends. paths maps units to their logs; those that are not there yet are
// followed once they are.
func Follow(ctx context.Context, paths map[string]string, record func(Record)) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("cannot follow logs: %w", err)
	}
	defer watcher.Close()
	tails := make(map[string]*tail, len(paths))
	for unit, path := range paths {
		follower := &tail{unit: unit, path: path}
		defer follower.close()
		if err := follower.start(); err != nil {
			return err
		}
		tails[path] = follower
		if err := watcher.Add(filepath.Dir(path)); err != nil {
			return fmt.Errorf("cannot follow the log of %s: %w", unit, err)
		}
	}
	for _, follower := range tails {
		if err := follower.read(record); err != nil {
			return err
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-watcher.Errors:
			return fmt.Errorf("cannot follow logs: %w", err)
		case event := <-watcher.Events:
			follower, ok := tails[event.Name]
			if !ok {
				continue
			}
			if err := follower.read(record); err != nil {
				return err
			}
			if event.Has(fsnotify.Rename) || event.Has(fsnotify.Remove) {
				follower.close()
			}
		}
	}
}

// tail reads one file as it grows.
type tail struct {
	unit, path string
	file       *os.File
	part       []byte
}

// start goes to the end of the file, if there is one.
func (t *tail) start() error {
	if err := t.open(); err != nil || t.file == nil {
		return err
	}
	if _, err := t.file.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("cannot follow the log of %s: %w", t.unit, err)
	}
	return nil
}

func (t *tail) open() error {
	file, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot follow the log of %s: %w", t.unit, err)
	}
	t.file = file
	return nil
}

func (t *tail) close() {
	if t.file != nil {
		t.file.Close()
		t.file, t.part = nil, nil
	}
}

func (t *tail) read(record func(Record)) error {
	if t.file == nil {
		if err := t.open(); err != nil || t.file == nil {
			return err
		}
	}
	data, err := io.ReadAll(t.file)
	if err != nil {
		return fmt.Errorf("cannot follow the log of %s: %w", t.unit, err)
	}
	data = append(t.part, data...)
	for {
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole {
			t.part = bytes.Clone(data)
			return nil
		}
		if r, ok := parse(t.unit, line); ok {
			record(r)
		}
		data = rest
	}
}
