package uniter_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/charm"
	"github.com/unit-agent/unit-agent/internal/durable/durabletest"
	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/uniter"
)

// TestCrashAtEachStep follows a unit from its install hook to its remove hook and
// has each step of each file that its agent writes go wrong in turn: the charm's
// copy, the operation record, the relation's directory and members. The next
// agent finds what is then on the disk. Hooks write to a place outside that disk.
func TestCrashAtEachStep(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	for _, crash := range []struct {
		name  string
		arm   func(*durabletest.Disk, int)
		after func(*durabletest.Disk, int)
		// every says which steps: all, or every so many.
		every int
	}{
		// What was not synced is lost.
		{"power cut", (*durabletest.Disk).OffAt, func(d *durabletest.Disk, _ int) { d.PowerCycle() }, 1},
		// Some of it is lost.
		{"power cut with luck", (*durabletest.Disk).OffAt, func(d *durabletest.Disk, n int) {
			d.PowerCycleLucky(rand.New(rand.NewPCG(uint64(n), 0)))
		}, 5},
		// The process dies, and the disk is well.
		{"kill", (*durabletest.Disk).OffAt, func(d *durabletest.Disk, _ int) { d.Restart() }, 5},
		// The process meets an error; it goes on if it can, or is started again.
		{"error", func(d *durabletest.Disk, n int) { d.FailAt(n, syscall.EIO) }, func(d *durabletest.Disk, _ int) { d.Restart() }, 1},
	} {
		t.Run(crash.name, func(t *testing.T) {
			t.Parallel()
			var next, steps atomic.Int64
			var over atomic.Bool
			for range 2 {
				t.Run("", func(t *testing.T) {
					t.Parallel()
					for !over.Load() && !t.Failed() {
						n := crash.every*int(next.Add(1)) - 1
						l := newLife(t)
						l.arm = func() { crash.arm(l.disk, n) }
						l.recover = func() string {
							step := fmt.Sprintf("step %d, %s", n, l.disk.Labels()[l.quiet+n])
							crash.after(l.disk, n)
							return step
						}
						l.live()
						steps.Add(int64(l.crashes))
						if l.crashes == 0 {
							over.Store(true)
						}
					}
				})
			}
			t.Cleanup(func() {
				t.Logf("%d crashes", steps.Load())
				if n := int(steps.Load()) * crash.every; n < 150 && !t.Failed() {
					t.Errorf("only %d steps", n)
				}
			})
		})
	}
}

// life is the life of one unit whose home is on a disk that fails once in each
// of its phases, or not at all.
type life struct {
	*world
	t     *testing.T
	db    int
	disk  *durabletest.Disk
	agent *agent

	// arm has the disk fail in the phase that begins. quiet is how many of the
	// steps that the disk knows of came before that.
	arm   func()
	quiet int

	// recover makes the disk well again after it has failed and the agent has
	// ended, and says which step failed.
	recover func() string

	// phase is what the unit is at; crashed holds if its agent has crashed in it,
	// and where says at which step. crashes counts those of all phases.
	phase   string
	crashed bool
	where   string
	crashes int
}

const lived = "wordpress/0"

func newLife(t *testing.T) *life {
	t.Helper()
	w := newWorld(t)
	w.deploy("wordpress", "requires:\n  db: {interface: mysql}\n", 1)
	w.deploy("mysql", mysql, 1)
	w.script("db-relation-joined", `relation-set seen="$JUJU_REMOTE_UNIT"`)
	l := &life{world: w, t: t, db: w.relate("wordpress:db", "mysql:server")}
	home := uniter.HomeOf(w.dir, lived)
	w.check(os.MkdirAll(home.Dir, 0o755))
	w.check(os.Symlink(toolsDir, home.ToolsDir()))
	l.disk = durabletest.NewDisk(t, home.Dir)
	return l
}

// live sees the unit through its life, and checks what it did.
func (l *life) live() {
	l.t.Helper()
	l.begin("start")
	l.untilIdle("start")

	l.begin("meet a unit")
	l.enter(l.db, "mysql/0", "host=a")
	l.untilIdle("db-relation-changed db:0 mysql/0")

	l.begin("see a change of an application")
	l.check(l.Commit(l.ctx, model.Flush{
		Unit: "mysql/0", RelationApp: map[int]map[string]string{l.db: {"version": "8"}},
	}))
	l.untilIdle("db-relation-changed db:0 mysql")
	l.checkMidlife()

	l.begin("see a unit leave")
	l.leave(l.db, "mysql/0")
	l.untilIdle("db-relation-departed db:0 mysql/0")

	l.begin("go")
	l.check(l.RemoveUnit(l.ctx, lived))
	l.untilFinished()
	l.checkHooks()
}

// wholeLife is what the unit's hooks are when nothing goes wrong.
var wholeLife = []string{
	"install", "db-relation-created db:0", "leader-elected", "config-changed", "start",
	"db-relation-joined db:0 mysql/0", "db-relation-changed db:0 mysql/0",
	"db-relation-changed db:0 mysql",
	"db-relation-departed db:0 mysql/0",
	"db-relation-broken db:0", "stop", "remove",
}

// begin begins a phase. The agent, if there is one, has nothing to do.
func (l *life) begin(phase string) {
	l.phase, l.crashed, l.where = phase, false, "no crash"
	l.disk.Restart()
	l.quiet = len(l.disk.Labels())
	l.arm()
}

func (l *life) errorf(format string, args ...any) {
	l.t.Helper()
	l.t.Errorf("%s, %s: "+format, append([]any{l.phase, l.where}, args...)...)
}

// untilIdle runs agents until the unit is idle after the given hook. The last
// agent goes on running.
func (l *life) untilIdle(last string) {
	l.t.Helper()
	for timeout := time.After(watchdog); ; {
		l.keepRunning()
		for ended := false; !ended; {
			select {
			case <-timeout:
				l.t.Fatalf("%s, %s: it never comes to %s: hooks %q", l.phase, l.where, last, l.hooks(lived))
			case <-l.agent.Dead():
				ended = true
			case <-l.agent.waiting:
				// Whether the unit is idle is not cheap to tell.
				if hooks := l.hooks(lived); len(hooks) > 0 && hooks[len(hooks)-1] == last && l.agent.idle() {
					return
				}
			}
		}
		l.takeCrash()
	}
}

// untilFinished runs agents until the unit's life is over.
func (l *life) untilFinished() {
	l.t.Helper()
	for {
		l.keepRunning()
		select {
		case <-time.After(watchdog):
			l.t.Fatalf("%s, %s: its life does not end: hooks %q", l.phase, l.where, l.hooks(lived))
		case <-l.agent.Dead():
		}
		if errors.Is(l.agent.Wait(), uniter.ErrFinished) {
			l.agent.wait()
			l.disk.PowerCycle()
			return
		}
		l.takeCrash()
	}
}

// keepRunning starts an agent unless one runs.
func (l *life) keepRunning() {
	l.t.Helper()
	if l.agent == nil {
		var err error
		l.agent, err = newAgent(l.world, lived)
		l.check(err)
	}
}

// takeCrash mends the disk after the agent has ended.
func (l *life) takeCrash() {
	l.t.Helper()
	if err := l.agent.wait(); !l.disk.Tripped() || l.crashed {
		l.t.Fatalf("%s, %s: the agent ended: %v", l.phase, l.where, err)
	}
	l.crashed = true
	l.crashes++
	l.where = l.recover()
	l.agent = nil
}

// checkMidlife checks what the unit has done once it met the other one.
func (l *life) checkMidlife() {
	l.t.Helper()
	record, err := uniter.ReadRecord(l.agent.home)
	l.check(err)
	state, err := l.UnitState(l.ctx, lived)
	l.check(err)
	done := record.Operation
	if !done.Installed || !done.Started || !done.Leader || done.Stopped || done.Pending != nil || done.ConfigHash != state.ConfigHash {
		l.errorf("the record is %+v", done)
	}
	digest, err := charm.Digest(l.agent.home.CharmDir())
	if err != nil || digest != state.Charm.Digest || done.CharmDigest != digest {
		l.errorf("the charm's copy is %s, error %v, recorded as %s, want %s", digest, err, done.CharmDigest, state.Charm.Digest)
	}
	if ids := slices.Sorted(maps.Keys(record.Relations)); !slices.Equal(ids, []int{l.db}) {
		l.t.Fatalf("%s, %s: relations %v", l.phase, l.where, ids)
	}
	relation := record.Relations[l.db].State()
	if len(relation.Members) != 1 || len(relation.ApplicationMembers) != 1 || relation.ChangedPending != "" {
		l.errorf("relation state %+v", relation)
	}
	if got, want := l.settings(l.db, lived), map[string]string{"seen": "mysql/0"}; !maps.Equal(got, want) {
		l.errorf("settings %v", got)
	}
	unit, err := l.Unit(l.ctx, lived)
	if err != nil || unit.Workload.Status != model.StatusUnknown {
		l.errorf("the unit is %+v, error %v", unit, err)
	}
}

// checkHooks checks that each hook ran, in order, and that none was repeated but
// the one that a crash cut off from its commit, directly after itself.
func (l *life) checkHooks() {
	l.t.Helper()
	hooks := l.hooks(lived)
	once := slices.Compact(slices.Clone(hooks))
	if !slices.Equal(once, wholeLife) {
		l.errorf("hooks\n\t%s\nwant\n\t%s", strings.Join(hooks, "\n\t"), strings.Join(wholeLife, "\n\t"))
	}
	if repeated := len(hooks) - len(once); repeated > l.crashes {
		l.errorf("%d hooks repeated after %d crashes: %q", repeated, l.crashes, hooks)
	}
	if _, err := l.Unit(l.ctx, lived); !model.IsNotFound(err) {
		l.errorf("the unit is still in the model: %v", err)
	}
	record, err := uniter.ReadRecord(l.agent.home)
	if err != nil || !record.Operation.Removed || record.Operation.Pending != nil || len(record.Relations) > 0 {
		l.errorf("the unit leaves %+v, error %v", record, err)
	}
}
