package model

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/juju/clock"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"

	"github.com/unit-agent/unit-agent/charm"
	"github.com/unit-agent/unit-agent/store"
)

// watchdog bounds what a test waits for, so that it fails rather than hangs.
const watchdog = time.Minute

// shared is the store of all tests that do not need one of their own; each has its own prefix in it.
var shared *store.Store

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if shared, err = store.Open(context.Background(), store.Config{Dir: filepath.Join(dir, "etcd"), Logger: silent}); err != nil {
		panic(err)
	}
	code := m.Run()
	shared.Kill()
	if err := shared.Wait(); err != nil {
		fmt.Fprintln(os.Stderr, "store:", err)
		return 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines left behind:", err)
		return 1
	}
	return code
}

// rig is a model of a test's own.
type rig struct {
	*Model
	t   testing.TB
	ctx context.Context
}

var (
	prefixes atomic.Int64
	silent   = slog.New(slog.DiscardHandler)
)

func testConfig() Config {
	return Config{
		Client: shared.Client(), Prefix: fmt.Sprintf("/test-%d", prefixes.Add(1)), Clock: clock.WallClock, Logger: silent,
		MaxTxnOps: shared.Limits().MaxTxnOps, MaxRequestBytes: shared.Limits().MaxRequestBytes,
	}
}

func newRig(t testing.TB) *rig {
	t.Helper()
	return openRig(t, testConfig())
}

func openRig(t testing.TB, config Config) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*watchdog)
	t.Cleanup(cancel)
	m, err := Open(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{Model: m, t: t, ctx: ctx}
}

// again opens the rig's model a second time, as another process does.
func (r *rig) again() *rig {
	r.t.Helper()
	return openRig(r.t, Config{
		Client: r.client, Prefix: r.prefix, Name: r.name, Clock: r.clock, Logger: silent, MaxTxnOps: r.maxOps, MaxRequestBytes: r.maxBytes,
	})
}

// check fails the test if err is not nil.
func (r *rig) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// wantError fails the test if err is not exactly want; "" means nil.
func wantError(t testing.TB, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("got error  %q\nwant error %q", got, want)
	}
}

// put writes a key of the model as another program would.
func (r *rig) put(key, value string) {
	r.t.Helper()
	_, err := r.client.Put(r.ctx, key, value)
	r.check(err)
}

// value returns what stands at a key, "" if nothing does.
func (r *rig) value(key string) string {
	r.t.Helper()
	response, err := r.client.Get(r.ctx, key)
	r.check(err)
	if len(response.Kvs) == 0 {
		return ""
	}
	return string(response.Kvs[0].Value)
}

// count returns how many keys stand under a prefix.
func (r *rig) count(prefix string) int {
	r.t.Helper()
	response, err := r.client.Get(r.ctx, prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
	r.check(err)
	return int(response.Count)
}

// revision returns the newest revision of the store, which only writes move.
func (r *rig) revision() int64 {
	r.t.Helper()
	response, err := r.client.Get(r.ctx, "/none", clientv3.WithCountOnly())
	r.check(err)
	return response.Header.Revision
}

// unchanged fails the test if f writes anything. It is for tests that run alone on the store.
func (r *rig) unchanged(f func()) {
	r.t.Helper()
	before := r.dump()
	f()
	after := r.dump()
	if len(before) != len(after) {
		r.t.Errorf("there were %d keys and are %d", len(before), len(after))
	}
	for key, revision := range before {
		if after[key] != revision {
			r.t.Errorf("key %s was written", key)
		}
	}
}

// dump returns the ModRevision of every key of the model.
func (r *rig) dump() map[string]int64 {
	r.t.Helper()
	found, _, err := r.list(r.ctx, string(r.keys), 0)
	r.check(err)
	keys := map[string]int64{}
	for _, kv := range found {
		keys[string(kv.Key)] = kv.ModRevision
	}
	return keys
}

// testCharm makes a charm of the lines that follow name, summary and description in its metadata.
func testCharm(name, metadata, config string) Charm {
	return Charm{
		Name: name, Revision: 1, Digest: "digest-of-" + name, Path: "/charms/" + name,
		Documents: charm.Documents{
			Metadata: "name: " + name + "\nsummary: s\ndescription: d\n" + metadata,
			Config:   config,
		},
	}
}

const optionsYAML = `options:
  title: {type: string, default: My Title, description: the title}
  port: {type: int, default: 80, description: the port}
  ratio: {type: float, description: a ratio}
  debug: {type: boolean, description: say more}
  token: {type: secret, description: a secret}
`

var (
	wordpress = testCharm("wordpress", `
requires:
  db: {interface: mysql}
  cache: {interface: memcache}
  logging-dir: {interface: logging, scope: container}
provides:
  website: {interface: http}
`, optionsYAML)
	mysql = testCharm("mysql", `
provides:
  server: {interface: mysql}
peers:
  cluster: {interface: mysql-cluster}
`, "")
	memcached = testCharm("memcached", `
provides:
  cache: {interface: memcache, limit: 1}
`, "")
	haproxy = testCharm("haproxy", `
requires:
  front: {interface: http}
  back: {interface: http}
`, "")
	logger = testCharm("logger", `
subordinate: true
requires:
  info: {interface: juju-info, scope: container}
provides:
  logging: {interface: logging, scope: container}
`, "")
)

// deploy deploys a charm under its own name on no machine.
func (r *rig) deploy(charm Charm, units int) []string {
	r.t.Helper()
	names, err := r.Deploy(r.ctx, DeployArgs{Application: charm.Name, Charm: charm, NumUnits: units})
	r.check(err)
	return names
}

// relate adds a relation.
func (r *rig) relate(a, b string) Relation {
	r.t.Helper()
	relation, err := r.AddRelation(r.ctx, a, b)
	r.check(err)
	return relation
}

// enter brings units into the scope of a relation.
func (r *rig) enter(id int, units ...string) {
	r.t.Helper()
	for _, unit := range units {
		r.check(r.EnterScope(r.ctx, id, unit, map[string]string{"ingress-address": unit}))
	}
}

// take makes a unit one that an agent has run.
func (r *rig) take(units ...string) {
	r.t.Helper()
	for _, unit := range units {
		claim, err := r.ClaimUnit(r.ctx, unit, "0")
		r.check(err)
		claim.Kill()
		r.check(claim.Wait())
	}
}

// life returns the life of a unit, "" if it is not there.
func (r *rig) life(unit string) Life {
	r.t.Helper()
	found, err := r.Unit(r.ctx, unit)
	if IsNotFound(err) {
		return ""
	}
	r.check(err)
	return found.Life
}

// applicationLife returns the life of an application, "" if it is not there.
func (r *rig) applicationLife(application string) Life {
	r.t.Helper()
	found, err := r.Application(r.ctx, application)
	if IsNotFound(err) {
		return ""
	}
	r.check(err)
	return found.Life
}

// relationLife returns the life of a relation, "" if it is not there.
func (r *rig) relationLife(id int) Life {
	r.t.Helper()
	value := r.value(r.keys.relationMeta(id))
	if value == "" {
		return ""
	}
	record, err := decode[relationRecord]("", []byte(value))
	r.check(err)
	return record.Life
}

// ending is a worker.
type ending interface {
	Kill()
	Wait() error
}

// stop stops a worker when the test ends, and fails the test if it ended with an error.
func (r *rig) stop(w ending) {
	r.t.Helper()
	r.t.Cleanup(func() {
		w.Kill()
		if err := w.Wait(); err != nil {
			r.t.Errorf("%T ended with %v", w, err)
		}
	})
}

// receive returns the next value of a channel.
func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case value, ok := <-c:
		if !ok {
			t.Fatal("the channel was closed")
		}
		return value
	case <-time.After(watchdog):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

// wait returns what a worker ended with.
func wait(t testing.TB, w ending) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- w.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(watchdog):
		t.Fatal("the worker did not end")
	}
	panic("unreachable")
}
