package uniter_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/charm"
	"github.com/unit-agent/unit-agent/uniter"
)

// fails checks that the agent of the unit ends with the error, having run nothing.
func (w *world) fails(unit, text string, changes ...func(*uniter.Config)) {
	w.t.Helper()
	a, err := newAgent(w, unit, changes...)
	w.check(err)
	if err := a.wait(); err == nil || !strings.Contains(err.Error(), text) {
		w.t.Errorf("ended with %v, want %s", err, text)
	}
	if lines := w.lines(unit); len(lines) > 0 {
		w.t.Errorf("hooks %q", lines)
	}
}

// from has the agent copy the charm from there.
func from(dir string) func(*uniter.Config) {
	return func(c *uniter.Config) { c.CharmSource = dir }
}

// TestCharmIsCopiedOnce has the charm that was deployed be gone, be changed, be
// given by hand, and be gone again once the unit has its copy.
func TestCharmIsCopiedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	deployed, away := w.path("charms", "loner"), w.path("away")
	w.check(os.Rename(deployed, away))
	w.fails("loner/0", "cannot find the charm of loner/0 in "+`"`+deployed+`" on this machine: start the agent with --charm DIR once`)

	w.write(filepath.Join(away, "more"), "", 0o644)
	w.fails("loner/0", "the charm in "+away+" is not the one that loner was deployed with", from(away))
	w.check(os.Remove(filepath.Join(away, "more")))

	a := w.start("loner/0", from(away))
	a.awaitIdle()
	w.check(a.stop())
	w.check(os.RemoveAll(away))
	a = w.start("loner/0")
	a.awaitIdle()
	w.wantHooks("loner/0", "install\nleader-elected\nconfig-changed\nstart\n")
}

// TestCharmCopiedAndNotRecorded is what a crash leaves between the two. The copy
// counts, also if the charm is gone from where it came.
func TestCharmCopiedAndNotRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	home := uniter.HomeOf(w.dir, "loner/0")
	w.check(charm.Install(w.path("charms", "loner"), home.CharmDir()))
	w.check(os.RemoveAll(w.path("charms")))
	a := w.start("loner/0")
	a.awaitIdle()
	digest, err := charm.Digest(home.CharmDir())
	if err != nil || a.record().CharmDigest != digest {
		t.Errorf("recorded as %q, is %q, error %v", a.record().CharmDigest, digest, err)
	}
}

// TestCharmMissingFromDisk is an error of the hook, as an operator may mend it.
func TestCharmMissingFromDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploy("loner", loner, 1)
	a := w.start("loner/0", by(newClock()))
	a.awaitIdle()
	w.check(os.Rename(a.home.CharmDir(), w.path("away")))
	w.check(w.SetConfig(w.ctx, "loner", map[string]string{"value": "second"}, nil))
	a.awaitFailures(1)
	if reason := a.record().Pending.Reason; !strings.Contains(reason, "charm missing from disk") {
		t.Errorf("reason %q", reason)
	}
}
