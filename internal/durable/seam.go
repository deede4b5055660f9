package durable

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Op is one step of a protocol.
type Op struct {
	// Label names the protocol and the step, as in "write/rename". A step that
	// syncs, and no other, is labelled "fsync" or "fsync-" and what it syncs.
	Label string

	// Path is what the step acts on: of "write/create" to "write/rename" the
	// temporary file.
	Path string

	// NewPath is where a rename goes; it is empty for other steps.
	NewPath string

	// Data is what "write/data" writes. It must not be changed.
	Data []byte
}

// Seam stands between a protocol and the disk, for tests.
type Seam interface {
	// Step is called in place of each step, on the goroutine of the protocol.
	// It calls do, at most once, or does not, and what it returns is the
	// outcome of the step. Several protocols may call it at the same time.
	Step(op Op, do func() error) error
}

type interposed struct {
	dir  string
	seam Seam
}

var (
	seamsMu sync.Mutex
	// seams holds an immutable slice, nil while no test is interposed.
	seams atomic.Pointer[[]*interposed]
)

// Interpose routes every step on dir, and on paths below it, through s until
// restore is called. Where several seams match, the one interposed last is asked.
// It begins with the memory of a new process: failed fsyncs at and below dir are
// forgotten, and again on restore.
//
// It panics outside tests.
func Interpose(dir string, s Seam) (restore func()) {
	if !testing.Testing() {
		panic("durable: Interpose called outside a test")
	}
	entry := &interposed{dir: absolute(dir), seam: s}
	forgetFailures(entry.dir)
	setSeams(func(list []*interposed) []*interposed {
		return append(list, entry)
	})
	return func() {
		setSeams(func(list []*interposed) []*interposed {
			return slices.DeleteFunc(list, func(e *interposed) bool { return e == entry })
		})
		forgetFailures(entry.dir)
	}
}

func setSeams(change func([]*interposed) []*interposed) {
	seamsMu.Lock()
	defer seamsMu.Unlock()
	var list []*interposed
	if old := seams.Load(); old != nil {
		list = slices.Clone(*old)
	}
	if list = change(list); len(list) == 0 {
		seams.Store(nil)
		return
	}
	seams.Store(&list)
}

// step does one step, or lets the seam do it that a test has interposed.
func step(op Op, do func() error) error {
	list := seams.Load()
	if list == nil {
		return do()
	}
	path := absolute(op.Path)
	for _, entry := range slices.Backward(*list) {
		if within(path, entry.dir) {
			return entry.seam.Step(op, do)
		}
	}
	return do()
}

// within reports whether path is dir or below it; both are absolute and clean.
func within(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, dir)
	return ok && (rest == "" || rest[0] == filepath.Separator || dir == "/")
}

// absolute falls back to the path as it is: without a working directory no
// relative path leads anywhere either.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return filepath.Clean(path)
}
