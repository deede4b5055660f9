// Package durabletest has a disk that fails, or loses power, at a chosen step of
// what package durable does, and that forgets what was not synced.
//
// A test of a protocol tries every step in turn:
//
//	for n := 0; ; n++ {
//		dir := t.TempDir()
//		prepare(dir)
//		disk := durabletest.NewDisk(t, dir)
//		disk.OffAt(n)
//		run(dir)
//		if !disk.Tripped() {
//			break // it has fewer than n+1 steps
//		}
//		disk.PowerCycle()
//		check(dir) // as a new process would find it
//	}
//
// The disk is the real directory, which package durable writes to as ever; the
// Disk only watches. What other code writes there is seen too, and counts as not
// synced.
package durabletest

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/unit-agent/unit-agent/internal/durable"
)

// ErrOff is the error of every step after the disk was switched off.
var ErrOff = errors.New("the disk is switched off")

// Disk watches a directory. It is safe for use by several goroutines, but
// PowerCycle and Restart must not run beside a protocol.
type Disk struct {
	t   testing.TB
	dir string

	mu      sync.Mutex
	restore func()
	image   *image
	ops     []durable.Op
	faults  []fault
	off     bool
	tripped bool
}

// fault says which step goes wrong, and how: the one before which skip matching
// steps are done.
type fault struct {
	label string // any if empty
	skip  int
	err   error // ErrOff switches off
}

// NewDisk watches what is done at dir and below it from now on, until the test
// ends. All that is there is taken to be on the disk.
func NewDisk(t testing.TB, dir string) *Disk {
	t.Helper()
	d := &Disk{t: t, dir: dir}
	d.start()
	t.Cleanup(func() {
		d.restore()
		d.image.close()
	})
	return d
}

func (d *Disk) start() {
	d.t.Helper()
	image, err := takeImage(d.dir)
	if err != nil {
		d.t.Fatalf("cannot read the disk at %s: %v", d.dir, err)
	}
	d.image = image
	d.restore = durable.Interpose(d.dir, d)
}

// FailAt makes the step after the next n steps fail with err, without effect save
// that half the data of a failed write is written. Later steps work.
func (d *Disk) FailAt(n int, err error) { d.add(fault{skip: n, err: err}) }

// FailOn makes the next step with the label fail with err, as FailAt does.
func (d *Disk) FailOn(label string, err error) { d.add(fault{label: label, err: err}) }

// OffAt switches the machine off after the next n steps: the step after those
// fails with ErrOff and without effect, and so does every later one.
func (d *Disk) OffAt(n int) { d.add(fault{skip: n, err: ErrOff}) }

// OffOn switches the machine off just before the next step with the label.
func (d *Disk) OffOn(label string) { d.add(fault{label: label, err: ErrOff}) }

func (d *Disk) add(f fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, f)
}

// Tripped reports whether a fault has come to pass since the disk was new, or
// power-cycled, or restarted.
func (d *Disk) Tripped() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tripped
}

// Labels returns the labels of the steps that were tried so far, in order.
func (d *Disk) Labels() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	labels := make([]string, len(d.ops))
	for i, op := range d.ops {
		labels[i] = op.Label
	}
	return labels
}

// Step implements durable.Seam.
func (d *Disk) Step(op durable.Op, do func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops = append(d.ops, op)
	if d.off {
		return ErrOff
	}
	if err := d.due(op); err != nil {
		d.tripped = true
		d.off = errors.Is(err, ErrOff)
		if !d.off && op.Data != nil {
			writeHalf(op)
		}
		return err
	}
	if err := do(); err != nil {
		return err
	}
	if _, name, _ := strings.Cut(op.Label, "/"); strings.HasPrefix(name, "fsync") {
		if err := d.image.sync(op.Path); err != nil {
			d.t.Errorf("cannot watch %s of %s: %v", op.Label, op.Path, err)
		}
	}
	return nil
}

// due counts the step, and returns the error of the fault whose turn it is.
func (d *Disk) due(op durable.Op) error {
	var due error
	rest := d.faults[:0]
	for _, f := range d.faults {
		switch {
		case f.label != "" && f.label != op.Label:
			rest = append(rest, f)
		case f.skip > 0:
			f.skip--
			rest = append(rest, f)
		case due == nil:
			due = f.err
		}
	}
	d.faults = rest
	return due
}

// PowerCycle puts the directory into the worst state that a disk may be in
// after a power cut now, and switches on again: a file whose data was not synced
// has what it had when it last was, or is empty; names that were made, moved or
// removed in a directory that was not synced since are as they were. Pending faults
// are dropped, and package durable is as in a new process.
func (d *Disk) PowerCycle() { d.powerCycle(strict{}) }

// PowerCycleLucky is PowerCycle where some of what was not synced has reached the
// disk all the same, as chance has it: each name by itself, files whole or cut
// short. A file that was moved is never lost on the way.
func (d *Disk) PowerCycleLucky(r *rand.Rand) { d.powerCycle(newLucky(r)) }

func (d *Disk) powerCycle(luck luck) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.restore()
	err := d.image.write(d.dir, luck)
	d.image.close()
	if err != nil {
		d.t.Fatalf("cannot power-cycle the disk at %s: %v", d.dir, err)
	}
	d.reset()
}

// Restart ends the process and starts a new one, with no harm to the disk: all
// that was done is seen, and what was not synced may still be lost later. Pending
// faults are dropped, and package durable is as in a new process.
func (d *Disk) Restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.restore()
	d.restore = durable.Interpose(d.dir, d)
	d.faults, d.off, d.tripped = nil, false, false
}

func (d *Disk) reset() {
	d.faults, d.off, d.tripped = nil, false, false
	d.start()
}
