package unitlog

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"

	"github.com/unit-agent/unit-agent/internal/linefile"
)

// Logs says which logs to follow.
type Logs struct {
	// Paths maps units to their logs. A log need not be there yet, but the
	// directory that it is to be in must.
	Paths map[string]string

	// Dir, if it is not empty, is watched for what is created in it. Home tells
	// of a name in Dir whose home that is, and where the log of that unit is;
	// ok is false if it is nobody's.
	Dir  string
	Home func(name string) (unit, path string, ok bool)
}

// Follow calls past once with all that the logs hold, in the order of time, and
// then record with what is added, until the context ends. Nothing is left out in
// between, or told twice.
func Follow(ctx context.Context, logs Logs, past func([]Record), record func(Record)) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("cannot follow logs: %w", err)
	}
	defer watcher.Close()
	f := &follower{logs: logs, watcher: watcher, tails: map[string]*tail{}}
	defer f.close()
	if logs.Dir != "" {
		if err := watcher.Add(logs.Dir); err != nil {
			return fmt.Errorf("cannot follow logs: %w", err)
		}
	}
	var found [][]Record
	for unit, path := range logs.Paths {
		if err := f.add(unit, path); err != nil {
			return err
		}
		records, err := f.tails[path].past()
		if err != nil {
			return err
		}
		found = append(found, records)
	}
	past(Merge(found...))
	return f.loop(ctx, record)
}

// follower is what Follow works with.
type follower struct {
	logs    Logs
	watcher *fsnotify.Watcher
	// tails are the logs that are followed, by their path.
	tails map[string]*tail
}

func (f *follower) add(unit, path string) error {
	if err := f.watcher.Add(filepath.Dir(path)); err != nil {
		return fmt.Errorf("cannot follow the log of %s: %w", unit, err)
	}
	if old := f.tails[path]; old != nil {
		// That one was in a directory of the same name, which is gone.
		old.close()
	}
	f.tails[path] = &tail{unit: unit, path: path}
	return nil
}

func (f *follower) close() {
	for _, t := range f.tails {
		t.close()
	}
}

func (f *follower) loop(ctx context.Context, record func(Record)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-f.watcher.Errors:
			return fmt.Errorf("cannot follow logs: %w", err)
		case event := <-f.watcher.Events:
			if err := f.take(event, record); err != nil {
				return err
			}
		}
	}
}

// take takes in that something happened to a file.
func (f *follower) take(event fsnotify.Event, record func(Record)) error {
	t, known := f.tails[event.Name]
	if !known {
		if f.logs.Dir == "" || filepath.Dir(event.Name) != filepath.Clean(f.logs.Dir) || !event.Has(fsnotify.Create) {
			return nil
		}
		unit, path, ok := f.logs.Home(filepath.Base(event.Name))
		if !ok {
			return nil
		}
		if err := f.add(unit, path); errors.Is(err, fs.ErrNotExist) {
			// It is gone already.
			return nil
		} else if err != nil {
			return err
		}
		t = f.tails[path]
	}
	if err := t.read(record); err != nil {
		return err
	}
	if known && (event.Has(fsnotify.Rename) || event.Has(fsnotify.Remove)) {
		t.close()
	}
	return nil
}

// tail reads one file as it grows.
type tail struct {
	unit, path string
	file       *os.File
	part       []byte
}

// past returns what the log holds, with what was moved aside, and leaves the tail
// where that ends.
func (t *tail) past() (records []Record, err error) {
	// What is moved aside after this is read from the file that is open.
	if err := t.open(); err != nil {
		return nil, err
	}
	aside, err := os.Open(linefile.Previous(t.path))
	if err == nil {
		defer aside.Close()
		err = linefile.Scan(bufio.NewReader(aside), func(line []byte) {
			if record, ok := parse(t.unit, line); ok {
				records = append(records, record)
			}
		})
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, t.failed(err)
	}
	if t.file == nil {
		return records, nil
	}
	return records, t.read(func(record Record) { records = append(records, record) })
}

func (t *tail) open() error {
	file, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return t.failed(err)
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
		return t.failed(err)
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

func (t *tail) failed(err error) error {
	return fmt.Errorf("cannot follow the log of %s: %w", t.unit, err)
}
