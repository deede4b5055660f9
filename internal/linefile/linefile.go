// Package linefile appends lines to a file, and reads them back.
//
// It serves records that are for people, such as logs and journals: a line is
// written with one call and not synced, so that the crash of a process loses
// nothing and the crash of a machine may lose or cut the last lines. A file that
// has grown past its limit is moved aside, under its name with ".1" added, and
// what was there before is dropped.
package linefile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// Writer appends lines to a file, which it creates with the first line. It is
// safe for concurrent use by one process; two processes must not write one file.
type Writer struct {
	path  string
	limit int64

	mu   sync.Mutex
	file *os.File
	size int64
}

// NewWriter returns a writer for the file at path, which is moved aside when it
// has grown past limit bytes.
func NewWriter(path string, limit int64) *Writer {
	return &Writer{path: path, limit: limit}
}

// Write appends p, which must be whole lines.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.size > w.limit {
		if err := os.Rename(w.path, Previous(w.path)); err != nil {
			return 0, fmt.Errorf("cannot move a full file aside: %w", err)
		}
		w.close()
	}
	if w.file == nil {
		if err := w.open(); err != nil {
			return 0, err
		}
	}
	n, err := w.file.Write(p)
	w.size += int64(n)
	return n, err
}

// open opens the file and ends a line that a crash cut short, so that it does
// not spoil the next one.
func (w *Writer) open() error {
	file, err := os.OpenFile(w.path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return err
	}
	w.file, w.size = file, info.Size()
	last := []byte{'\n'}
	if w.size > 0 {
		if _, err := file.ReadAt(last, w.size-1); err != nil {
			w.close()
			return err
		}
	}
	if last[0] == '\n' {
		return nil
	}
	n, err := file.Write([]byte{'\n'})
	w.size += int64(n)
	return err
}

// Close closes the file. A later Write opens it again.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.close()
}

func (w *Writer) close() error {
	file := w.file
	w.file, w.size = nil, 0
	if file == nil {
		return nil
	}
	return file.Close()
}

// Previous is the name under which a full file is moved aside.
func Previous(path string) string { return path + ".1" }

// Read calls line with each whole or last line of the file that was moved aside
// and then of the file at path, without the line's end. Files that are not there
// have no lines. The slice is valid until line returns.
func Read(path string, line func([]byte)) error {
	for _, name := range []string{Previous(path), path} {
		file, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = Scan(bufio.NewReader(file), line)
		file.Close()
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", name, err)
		}
	}
	return nil
}

// Scan calls line with each line of r, of any length.
func Scan(r *bufio.Reader, line func([]byte)) error {
	var long []byte
	for {
		part, more, err := r.ReadLine()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if more || long != nil {
			long = append(long, part...)
			if more {
				continue
			}
			part, long = long, nil
		}
		line(part)
	}
}
