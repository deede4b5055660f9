package uniter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/charm"
	"github.com/unit-agent/unit-agent/model"
)

var prefixes atomic.Int64

// world is a model of a test's own, and a directory for charms, homes and what
// hooks write down.
type world struct {
	*model.Model
	t      testing.TB
	ctx    context.Context
	dir    string
	prefix string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*watchdog)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, dir: t.TempDir(), prefix: fmt.Sprintf("/test-%d", prefixes.Add(1))}
	w.Model = w.open()
	_, err := w.AddMachine(ctx, model.Machine{Hostname: "here"})
	w.check(err)
	return w
}

// open opens the world's model as another process would.
func (w *world) open() *model.Model {
	w.t.Helper()
	m, err := openModel(w.ctx, shared.Client(), w.prefix)
	w.check(err)
	return m
}

func openModel(ctx context.Context, client *clientv3.Client, prefix string) (*model.Model, error) {
	limits := shared.Limits()
	return model.Open(ctx, model.Config{
		Client: client, Prefix: prefix, Logger: silent,
		MaxTxnOps: limits.MaxTxnOps, MaxRequestBytes: limits.MaxRequestBytes,
	})
}

// check fails the test if err is not nil.
func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) path(parts ...string) string {
	return filepath.Join(append([]string{w.dir}, parts...)...)
}

func (w *world) write(path, content string, perm os.FileMode) {
	w.t.Helper()
	w.check(os.MkdirAll(filepath.Dir(path), 0o755))
	w.check(os.WriteFile(path, []byte(content), perm))
}

// What the metadata of charms says after their names.
const (
	wordpress = "requires:\n  db: {interface: mysql}\npeers:\n  ring: {interface: ring}\n"
	mysql     = "provides:\n  server: {interface: mysql}\n"
	loner     = ""
)

// dispatch writes down when a hook begins and when it has succeeded, and does in
// between what the test has put into the script of the hook's name, if anything.
const dispatch = `#!/bin/sh
world='%s'
remote=${JUJU_REMOTE_UNIT:-}
case $JUJU_HOOK_NAME in
*-relation-changed) remote=${remote:-$JUJU_REMOTE_APP} ;;
esac
hook="$JUJU_HOOK_NAME${JUJU_RELATION_ID:+ $JUJU_RELATION_ID}${remote:+ $remote}"
log="$world/${JUJU_UNIT_NAME%%/*}-${JUJU_UNIT_NAME#*/}.hooks"
echo "begin $hook" >>"$log"
if [ -f "$world/scripts/$JUJU_HOOK_NAME" ]; then
	. "$world/scripts/$JUJU_HOOK_NAME"
fi
echo "end $hook" >>"$log"
`

// charm makes a charm whose hooks are all dispatched, and its application with n
// units on this machine.
func (w *world) deploy(name, metadata string, n int) {
	w.t.Helper()
	w.deployFiles(name, metadata, n, map[string]string{"dispatch": fmt.Sprintf(dispatch, w.dir)})
}

// deployFiles makes a charm of the given executable files and its application.
func (w *world) deployFiles(name, metadata string, n int, files map[string]string) {
	w.t.Helper()
	dir := w.path("charms", name)
	w.write(filepath.Join(dir, "metadata.yaml"), "name: "+name+"\nsummary: s\ndescription: d\n"+metadata, 0o644)
	w.write(filepath.Join(dir, "config.yaml"), "options:\n  value: {type: string, default: first, description: d}\n", 0o644)
	for file, content := range files {
		w.write(filepath.Join(dir, file), content, 0o755)
	}
	read, err := charm.Read(dir)
	w.check(err)
	digest, err := charm.Digest(dir)
	w.check(err)
	_, err = w.Deploy(w.ctx, model.DeployArgs{
		Application: name, NumUnits: n, Machine: "0",
		Charm: model.Charm{Name: name, Path: dir, Digest: digest, Documents: read.Documents},
	})
	w.check(err)
}

// script has the hooks of that name do something.
func (w *world) script(hook, content string) {
	w.t.Helper()
	w.write(w.path("scripts", hook), content+"\n", 0o644)
}

// mend takes that away again.
func (w *world) mend(hook string) {
	w.t.Helper()
	w.check(os.Remove(w.path("scripts", hook)))
}

// relate relates two applications and returns the relation's id.
func (w *world) relate(a, b string) int {
	w.t.Helper()
	relation, err := w.AddRelation(w.ctx, a, b)
	w.check(err)
	return relation.Id
}

// enter has a unit without an agent enter a relation.
func (w *world) enter(relation int, unit string, settings ...string) {
	w.t.Helper()
	w.check(w.EnterScope(w.ctx, relation, unit, pairs(settings)))
}

// leave has it leave.
func (w *world) leave(relation int, unit string) {
	w.t.Helper()
	w.check(w.LeaveScope(w.ctx, relation, unit))
}

// set has it change its settings.
func (w *world) set(relation int, unit string, settings ...string) {
	w.t.Helper()
	w.check(w.Commit(w.ctx, model.Flush{Unit: unit, RelationUnit: map[int]map[string]string{relation: pairs(settings)}}))
}

// pairs makes a map of "key=value" texts.
func pairs(settings []string) map[string]string {
	all := make(map[string]string)
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		all[key] = value
	}
	return all
}

// settings returns what a unit has written to a relation.
func (w *world) settings(relation int, unit string) map[string]string {
	w.t.Helper()
	settings, err := w.View("").UnitSettings(w.ctx, relation, unit)
	w.check(err)
	return settings
}

// forceRemove takes a relation out of the model, as no command does: whatever its
// units are at.
func (w *world) forceRemove(relation int, applications ...string) {
	w.t.Helper()
	base := fmt.Sprintf("%s/%s/", w.prefix, w.UUID())
	ops := []clientv3.Op{clientv3.OpDelete(fmt.Sprintf("%srelations/%d/", base, relation), clientv3.WithPrefix())}
	for _, application := range applications {
		ops = append(ops, clientv3.OpDelete(fmt.Sprintf("%sapps/%s/relations/%d", base, application, relation)))
	}
	_, err := w.Client().Txn(w.ctx).Then(ops...).Commit()
	w.check(err)
}

// lines returns what the unit's hooks have written down: "begin HOOK" and "end HOOK".
func (w *world) lines(unit string) []string {
	w.t.Helper()
	text, err := os.ReadFile(w.path(strings.ReplaceAll(unit, "/", "-") + ".hooks"))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
}

// hooks returns the unit's hooks in the order in which they began.
func (w *world) hooks(unit string) []string {
	w.t.Helper()
	var hooks []string
	for _, line := range w.lines(unit) {
		if hook, ok := strings.CutPrefix(line, "begin "); ok {
			hooks = append(hooks, hook)
		}
	}
	return hooks
}

// wantHooks checks the unit's hooks, given as one text with a line for each.
func (w *world) wantHooks(unit, want string) {
	w.t.Helper()
	var lines []string
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	if got := w.hooks(unit); !slices.Equal(got, lines) {
		w.t.Errorf("%s ran\n\t%s\nwant\n\t%s", unit, strings.Join(got, "\n\t"), strings.Join(lines, "\n\t"))
	}
}

// clearHooks forgets what has run so far.
func (w *world) clearHooks(unit string) {
	w.t.Helper()
	w.check(os.Remove(w.path(strings.ReplaceAll(unit, "/", "-") + ".hooks")))
}

// awaitUnit waits until the model says of the unit what cond asks for.
func (w *world) awaitUnit(unit string, cond func(model.Unit) bool) model.Unit {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, watchdog)
	defer cancel()
	changes := w.WatchAll(ctx)
	for {
		found, err := w.Unit(ctx, unit)
		if err != nil {
			w.t.Fatalf("waiting for the model: %v; last seen: %+v", err, found)
		}
		if cond(found) {
			return found
		}
		if _, ok := <-changes; !ok {
			w.t.Fatalf("the model never came to say so; last seen: %+v", found)
		}
	}
}

// awaitAgent waits until the unit's agent says that it is so.
func (w *world) awaitAgent(unit, status, message string) {
	w.t.Helper()
	w.awaitUnit(unit, func(u model.Unit) bool { return u.Agent.Status == status && u.Agent.Message == message })
}

// awaitSeen waits until watchers of the relation in this process have been told
// that the unit is there.
func (w *world) awaitSeen(relation int, unit string) {
	w.t.Helper()
	watcher, err := w.WatchRelationUnits(relation, "wordpress/99")
	w.check(err)
	defer watcher.Stop()
	for {
		select {
		case change := <-watcher.Changes():
			if _, ok := change.Changed[unit]; ok {
				return
			}
		case <-time.After(watchdog):
			w.t.Fatalf("%s is not seen in relation %d", unit, relation)
		}
	}
}

// pipe is a named pipe between a hook and the test. The test's end is open for
// both directions, so that nothing but an answer is waited for.
type pipe struct {
	w    *world
	file *os.File
}

func (w *world) pipe(name string) *pipe {
	w.t.Helper()
	path := w.path(name)
	w.check(mkfifo(path))
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	w.check(err)
	w.t.Cleanup(func() { file.Close() })
	return &pipe{w: w, file: file}
}

// line returns the next line that a hook writes.
func (p *pipe) line() string {
	p.w.t.Helper()
	p.w.check(p.file.SetReadDeadline(time.Now().Add(watchdog)))
	var line bytes.Buffer
	for b := make([]byte, 1); ; line.Write(b) {
		if _, err := p.file.Read(b); err != nil {
			p.w.t.Fatalf("waiting for a hook: %v, got %q", err, &line)
		}
		if b[0] == '\n' {
			return line.String()
		}
	}
}

// closed waits until no hook nor any child of one has the pipe open.
func (p *pipe) closed() {
	p.w.t.Helper()
	// As long as the test itself could write there would be no end to read.
	reader, err := os.OpenFile(p.file.Name(), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	p.w.check(err)
	defer reader.Close()
	p.w.check(p.file.Close())
	p.w.check(reader.SetReadDeadline(time.Now().Add(watchdog)))
	if _, err := reader.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		p.w.t.Fatalf("waiting for a hook's children to end: %v", err)
	}
}

// say gives a hook a line to read.
func (p *pipe) say(line string) {
	p.w.t.Helper()
	_, err := fmt.Fprintln(p.file, line)
	p.w.check(err)
}
