package etcdstore

import (
	"reflect"
	"slices"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
)

func TestRecordGoesThroughItsValue(t *testing.T) {
	for _, want := range []record{
		{holder: "mysql/0"},
		{holder: "mysql/0", counter: 0x7fffffffffffffff, ttl: 60, renewals: 7, since: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)},
	} {
		value, err := want.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeRecord([]byte(value), 0)
		if err != nil {
			t.Fatal(err)
		}
		got.rest = nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// What a key is bound to is what counts, whatever its value says.
func TestRecordBelievesTheBinding(t *testing.T) {
	got, err := decodeRecord([]byte(`{"holder":"h/0","lease":"1f"}`), 5)
	if err != nil || got.counter != 5 {
		t.Errorf("bound: got counter %x, error %v", got.counter, err)
	}
	got, err = decodeRecord([]byte(`{"holder":"h/0","lease":"1f"}`), clientv3.NoLease)
	if err != nil || got.counter != 0x1f {
		t.Errorf("not bound: got counter %x, error %v", got.counter, err)
	}
}

func FuzzDecodeRecord(f *testing.F) {
	for _, value := range []string{
		`{"holder":"h/0","lease":"694d","ttl":60,"renewals":3,"since":"2026-01-02T03:04:05Z"}`, `{"holder":"h/0","ttl":-1}`,
		`{"holder":"a b"}`, `{"holder":7}`, `h/0`, ``, `null`, `[]`, `{"HOLDER":"h/0"}`, `{"holder":"h/0","lease":"zz","x":{"y":null}}`,
	} {
		f.Add([]byte(value), int64(0))
	}
	f.Fuzz(func(t *testing.T, value []byte, bound int64) {
		r, err := decodeRecord(value, clientv3.LeaseID(bound))
		if err != nil {
			return
		}
		if err := lease.ValidateString(r.holder); err != nil {
			t.Fatalf("a holder that a store must never produce: %v", err)
		}
		if r.ttl < 0 {
			t.Fatalf("ttl %d", r.ttl)
		}
		again, err := r.encode()
		if err != nil {
			t.Fatalf("cannot write what was read from %q: %v", value, err)
		}
		back, err := decodeRecord([]byte(again), clientv3.LeaseID(bound))
		if err != nil || back.holder != r.holder || back.counter != r.counter || back.ttl != r.ttl || len(back.rest) != len(r.rest) {
			t.Fatalf("read %+v from %q and %+v (%v) from %q", r, value, back, err, again)
		}
	})
}

func FuzzDecodePins(f *testing.F) {
	for _, value := range []string{`{"entities":["a","b","a"]}`, `{"entities":[]}`, `{"entities":[""]}`, `{}`, `null`, `x`, `{"entities":null,"x":1}`} {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		p, err := decodePins(value, 1)
		if err != nil {
			return
		}
		if !slices.IsSorted(p.entities) || len(slices.Compact(slices.Clone(p.entities))) != len(p.entities) {
			t.Fatalf("entities %q", p.entities)
		}
		more := p.with("new/entity")
		if !more.has("new/entity") {
			t.Fatal("with does not add")
		}
		if fewer := more.without("new/entity"); fewer != nil && fewer.has("new/entity") {
			t.Fatal("without does not take away")
		}
		if _, err := more.encode(); err != nil {
			t.Fatal(err)
		}
	})
}

// Every lease has a place of its own, and from the place it is found again.
func FuzzPlainLayout(f *testing.F) {
	for _, k := range [][3]string{{"ns", "model", "a"}, {"ns/model", "a", "b"}, {"a%2Fb", "ä", "A/"}, {"%", "/", "//"}, {"\xff", "a", "b"}} {
		f.Add(k[0], k[1], k[2])
	}
	f.Fuzz(func(t *testing.T, namespace, model, name string) {
		key := lease.Key{Namespace: namespace, ModelUUID: model, Lease: name}
		if key.Validate() != nil {
			return
		}
		config := Config{Prefix: "/p/", Layout: plainLayout{}}
		path := config.Prefix + config.Layout.Path(key)
		if at, ok := config.locate([]byte(path)); !ok || at != (place{key: key}) {
			t.Fatalf("%+v stands at %q, where %+v (%v) is found", key, path, at, ok)
		}
		if at, ok := config.locate([]byte(path + pinsSuffix)); !ok || at != (place{key: key, pins: true}) {
			t.Fatalf("pins of %+v: found %+v (%v)", key, at, ok)
		}
	})
}

// Whatever stands below the prefix, the store finds nothing there that it must not.
func FuzzLocate(f *testing.F) {
	for _, path := range []string{"ns/model/a", "ns/model/a.pins", ".pins", "ns/model", "ns/model/a/b", "ns/%zz/a", "//", "ns/mo.del/a"} {
		f.Add([]byte(path))
	}
	f.Fuzz(func(t *testing.T, path []byte) {
		config := Config{Layout: plainLayout{}}
		if at, ok := config.locate(path); ok && at.key.Validate() != nil {
			t.Fatalf("%q is taken for %+v", path, at)
		}
	})
}

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]int64{1: 1, time.Second: 1, time.Second + 1: 2, 1<<63 - 1: 9223372037} {
		if got := seconds(d); got != want {
			t.Errorf("%v: got %d, want %d", d, got, want)
		}
	}
}
