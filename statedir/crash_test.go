package statedir_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/internal/durable/durabletest"
	"github.com/unit-agent/unit-agent/statedir"
	"github.com/unit-agent/unit-agent/uniter/hook"
)

// writes has each kind of Write, after what must have gone before it.
var writes = []struct {
	name   string
	before []hook.Info
	info   hook.Info
}{
	{"created", nil, created()},
	{"created again", []hook.Info{created()}, created()},
	{"joined", []hook.Info{created()}, joined("foo/1", 5)},
	{"joined without created", nil, joined("foo/1", 5)},
	{"joined by another", []hook.Info{created(), joined("foo/2", 1), changed("foo/2", 1)}, joined("foo/1", 5)},
	{"changed that was pending", []hook.Info{created(), joined("foo/1", 5)}, changed("foo/1", 5)},
	{"changed", []hook.Info{created(), changed("foo/1", 5)}, changed("foo/1", 6)},
	{"application changed", []hook.Info{created(), changed("foo/1", 5)}, appChanged("foo", 6)},
	{"application changed again", []hook.Info{created(), appChanged("foo", 5)}, appChanged("foo", 6)},
	{"departed", []hook.Info{created(), changed("foo/1", 5), changed("foo/2", 6)}, departed("foo/1")},
	{"departed while pending", []hook.Info{created(), joined("foo/1", 5)}, departed("foo/1")},
	{"broken", []hook.Info{created()}, broken()},
	{"broken with application versions", []hook.Info{created(), appChanged("foo", 6), appChanged("bar", 7)}, broken()},
}

// onDisk writes what a new process finds.
func onDisk(t testing.TB, dir string) string {
	t.Helper()
	d, err := statedir.ReadStateDir(dir, 7)
	if err != nil {
		t.Fatalf("cannot be read: %v", err)
	}
	exists, err := d.Exists()
	if err != nil {
		t.Fatal(err)
	}
	dirs, err := statedir.ReadAllStateDirs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := dirs[7]; ok != exists || len(dirs) > 1 {
		t.Fatalf("exists %v, read with the others %v", exists, dirs)
	}
	return fmt.Sprintf("exists=%v%s", exists, describe(d))
}

// atEachStep runs one Write for each of its steps, having called arm to make that
// step go wrong, then calls then, and checks that a new process finds the state of
// before or after, and can write again.
func atEachStep(t *testing.T, arm func(*durabletest.Disk, int), then func(*testing.T, *durabletest.Disk, error)) {
	for _, w := range writes {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			for n := 0; ; n++ {
				dir := t.TempDir()
				d := mustRead(t, dir)
				for _, info := range w.before {
					if err := d.Write(info); err != nil {
						t.Fatal(err)
					}
				}
				before := onDisk(t, dir)
				disk := durabletest.NewDisk(t, dir)
				arm(disk, n)
				err := d.Write(w.info)
				if !disk.Tripped() {
					if err != nil {
						t.Fatal(err)
					}
					if n < 2 {
						t.Errorf("only %d steps: %q", n, disk.Labels())
					}
					return
				}
				after := afterwards(t, w.before, w.info)
				states := []string{before, after}
				if len(w.before) == 0 {
					// Such a write makes the directory first.
					states = append(states, afterwards(t, nil, created()))
				}
				step := disk.Labels()[n]
				then(t, disk, err)
				if got := onDisk(t, dir); !slices.Contains(states, got) {
					t.Errorf("at %s: left %s, want one of %q", step, got, states)
				}
				if err := mustRead(t, dir).Write(w.info); err != nil {
					t.Errorf("at %s: write again: %v", step, err)
				}
				if got := onDisk(t, dir); got != after {
					t.Errorf("at %s: written again, it is %s, want %s", step, got, after)
				}
				disk.PowerCycle()
				if got := onDisk(t, dir); got != after {
					t.Errorf("at %s: written again and power-cycled, it is %s, want %s", step, got, after)
				}
			}
		})
	}
}

// afterwards is what is on disk when nothing goes wrong.
func afterwards(t *testing.T, before []hook.Info, info hook.Info) string {
	t.Helper()
	dir := t.TempDir()
	d := mustRead(t, dir)
	for _, info := range append(slices.Clone(before), info) {
		if err := d.Write(info); err != nil {
			t.Fatal(err)
		}
	}
	return onDisk(t, dir)
}

func TestPowerCutAtEachStepOfWrite(t *testing.T) {
	atEachStep(t, (*durabletest.Disk).OffAt, func(t *testing.T, disk *durabletest.Disk, err error) {
		disk.PowerCycle()
	})
}

func TestPowerCutWithLuckAtEachStepOfWrite(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			atEachStep(t, (*durabletest.Disk).OffAt, func(t *testing.T, disk *durabletest.Disk, err error) {
				disk.PowerCycleLucky(rand.New(rand.NewPCG(seed, 0)))
			})
		})
	}
}

func TestKillAtEachStepOfWrite(t *testing.T) {
	atEachStep(t, (*durabletest.Disk).OffAt, func(t *testing.T, disk *durabletest.Disk, err error) {
		disk.Restart()
	})
}

func TestFailureOfEachStepOfWrite(t *testing.T) {
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
		t.Run(cause.Error(), func(t *testing.T) {
			atEachStep(t,
				func(disk *durabletest.Disk, n int) { disk.FailAt(n, cause) },
				func(t *testing.T, disk *durabletest.Disk, err error) {
					labels := disk.Labels()
					if !errors.Is(err, cause) && !strings.HasPrefix(labels[len(labels)-1], "sweep/") {
						t.Errorf("failed at one of %q, and returned %v", labels, err)
					}
					disk.Restart()
				})
		})
	}
}

func TestWriteIsDurableWhenItReturns(t *testing.T) {
	for _, w := range writes {
		dir := t.TempDir()
		disk := durabletest.NewDisk(t, dir)
		d := mustRead(t, dir)
		for _, info := range append(slices.Clone(w.before), w.info) {
			if err := d.Write(info); err != nil {
				t.Fatal(err)
			}
		}
		want := onDisk(t, dir)
		disk.PowerCycle()
		if got := onDisk(t, dir); got != want {
			t.Errorf("%s: got %s, want %s", w.name, got, want)
		}
	}
}

func TestNoWriteAfterAFailedFsync(t *testing.T) {
	dir := t.TempDir()
	d := mustRead(t, dir)
	if err := d.Write(created()); err != nil {
		t.Fatal(err)
	}
	disk := durabletest.NewDisk(t, dir)
	disk.FailOn("write/fsync", syscall.EIO)
	for range 2 {
		if err := d.Write(joined("foo/1", 1)); !errors.Is(err, durable.ErrSync) {
			t.Errorf("got %v", err)
		}
	}
	disk.PowerCycle()
	if err := mustRead(t, dir).Write(joined("foo/1", 1)); err != nil {
		t.Errorf("in a new process: %v", err)
	}
}

// Any hooks that Validate lets pass, with crashes between and in the writes: what
// is on disk is always what was written, and an interrupted write is whole or not
// at all.
func TestAnyHistory(t *testing.T) {
	base := t.TempDir()
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		dir := fmt.Sprintf("%s/%d", base, runs)
		if err := durable.MkdirAll(dir, 0o700); err != nil {
			rt.Fatal(err)
		}
		disk := durabletest.NewDisk(t, dir)
		d := mustRead(t, dir)
		m := newModel()
		for range rapid.IntRange(1, 25).Draw(rt, "hooks") {
			info := drawHook(rt)
			if valid := d.State().Validate(info) == nil; valid != m.allows(info) {
				rt.Fatalf("after %v: %+v is valid: %v", m, info, valid)
			} else if !valid {
				continue
			}
			before := m.clone()
			m.apply(info)
			if rapid.IntRange(0, 3).Draw(rt, "crash") > 0 {
				if err := d.Write(info); err != nil {
					rt.Fatal(err)
				}
			} else {
				disk.OffAt(rapid.IntRange(0, 9).Draw(rt, "step"))
				err := d.Write(info)
				acknowledged := err == nil
				disk.PowerCycleLucky(rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "luck"), 0)))
				d = mustRead(t, dir)
				switch got := describe(d); {
				case got == m.String():
				case got == before.String() && !acknowledged:
					m = before
				default:
					rt.Fatalf("crashed in %+v: got%s, want%s or%s", info, got, before, m)
				}
				// Another process cannot know that relation-broken was written.
				if m.broken {
					m = newModel()
				}
			}
			if got := describe(d); got != m.String() {
				rt.Fatalf("after %+v: got%s, want%s", info, got, m)
			}
		}
	})
}

// model is what a relation's state should be.
type model struct {
	members, apps members
	pending       string
	broken        bool
}

func newModel() *model { return &model{members: members{}, apps: members{}} }

func (m *model) clone() *model {
	c := *m
	c.members, c.apps = maps.Clone(m.members), maps.Clone(m.apps)
	return &c
}

func (m *model) allows(info hook.Info) bool {
	_, member := m.members[info.RemoteUnit]
	switch kind := info.Kind; {
	case kind == broken().Kind:
		return len(m.members) == 0
	case m.broken:
		return false
	case kind == created().Kind:
		return len(m.members) == 0
	case m.pending != "":
		return kind == changed("", 0).Kind && info.RemoteUnit == m.pending
	case kind == joined("", 0).Kind:
		return !member
	}
	return member || info.RemoteUnit == ""
}

func (m *model) apply(info hook.Info) {
	switch info.Kind {
	case joined("", 0).Kind:
		m.members[info.RemoteUnit] = info.ChangeVersion
		m.pending = info.RemoteUnit
	case changed("", 0).Kind:
		if info.RemoteUnit == "" {
			m.apps[info.RemoteApplication] = info.ChangeVersion
			return
		}
		m.members[info.RemoteUnit] = info.ChangeVersion
		m.pending = ""
	case departed("").Kind:
		delete(m.members, info.RemoteUnit)
	case broken().Kind:
		m.apps = members{}
		m.broken = true
	}
}

func (m *model) String() string {
	var b strings.Builder
	for _, unit := range slices.Sorted(maps.Keys(m.members)) {
		fmt.Fprintf(&b, " %s=%d", unit, m.members[unit])
		if unit == m.pending {
			b.WriteString("(pending)")
		}
	}
	for _, app := range slices.Sorted(maps.Keys(m.apps)) {
		fmt.Fprintf(&b, " [%s=%d]", app, m.apps[app])
	}
	return b.String()
}

func drawHook(rt *rapid.T) hook.Info {
	unit := rapid.SampledFrom([]string{"foo/0", "foo/1", "b-ar/10"}).Draw(rt, "unit")
	version := rapid.Int64Range(0, 3).Draw(rt, "version")
	// Joined and changed more often than the others, so that there are members.
	switch rapid.IntRange(0, 11).Draw(rt, "kind") {
	case 0:
		return created()
	case 1:
		return broken()
	case 2:
		return appChanged("foo", version)
	case 3, 4:
		return departed(unit)
	case 5, 6, 7:
		return joined(unit, version)
	}
	return changed(unit, version)
}
