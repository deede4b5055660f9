package statedir

import (
	"math"
	"testing"
	"testing/quick"

	"github.com/juju/names/v4"
)

func TestEncodeDecode(t *testing.T) {
	check := func(r record) {
		t.Helper()
		data := r.encode()
		got, err := decode(data)
		if err != nil || got != r {
			t.Errorf("%q: got %+v, %v, want %+v", data, got, err, r)
		}
		slow, err := decodeYAML(data)
		if err != nil || slow != r {
			t.Errorf("%q as YAML: got %+v, %v, want %+v", data, slow, err, r)
		}
		fast, ok := decodeCanonical(data)
		if ok != (r.version < 1e18) || ok && fast != r {
			t.Errorf("%q the fast way: got %+v, %v, want %+v", data, fast, ok, r)
		}
	}
	for _, version := range []int64{0, 1, 9, 10, 1e18 - 1, 1e18, math.MaxInt64} {
		check(record{version: version})
		check(record{version: version, pending: true})
	}
	if err := quick.Check(func(version int64, pending bool) bool {
		check(record{version: version & math.MaxInt64, pending: pending})
		return !t.Failed()
	}, nil); err != nil {
		t.Error(err)
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	data := record{version: 12345, pending: true}.encode()
	if n := testing.AllocsPerRun(100, func() {
		if _, err := decode(data); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// The fast way must never read what the slow way would not.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("change-version: 3\n"))
	f.Add([]byte("change-version: 3\nchanged-pending: true\n"))
	f.Add([]byte("change-version: 03\n"))
	f.Add([]byte("change-version: 999999999999999999\n"))
	f.Add([]byte("change-version: 3\nchanged-pending: true"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fast, ok := decodeCanonical(data)
		slow, err := decodeYAML(data)
		if ok && (err != nil || fast != slow) {
			t.Errorf("%q: fast %+v, slow %+v, %v", data, fast, slow, err)
		}
		if err == nil && (slow.version < 0 || data[len(data)-1] != '\n') {
			t.Errorf("%q: read as %+v", data, slow)
		}
	})
}

// isApplicationName and its like are those of Juju, without regular expressions.
func FuzzNamesAreJujus(f *testing.F) {
	for _, name := range []string{"", "a", "a-b", "a-1", "a-1b", "1a", "a--b", "-a", "a-", "A", "a.b", "a/0", "a/00", "a/-1", "a\n", "é"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if got, want := isApplicationName(name), names.IsValidApplication(name); got != want {
			t.Errorf("%q is an application name: %v, want %v", name, got, want)
		}
		file, ok := unitFileName(name)
		if want := names.IsValidUnit(name); ok != want {
			t.Errorf("%q is a unit name: %v, want %v", name, ok, want)
		}
		if ok {
			if unit, ok := unitOfFile(file); !ok || unit != name {
				t.Errorf("%q has file %q, which is that of %q", name, file, unit)
			}
			if _, ok := applicationOfFile(file); ok {
				t.Errorf("%q is a unit's and an application's file", file)
			}
		}
		if unit, ok := unitOfFile(name); ok {
			if file, ok := unitFileName(unit); !ok || file != name {
				t.Errorf("file %q is that of %q, which has %q", name, unit, file)
			}
		}
	})
}

func TestRelationOfDir(t *testing.T) {
	for name, want := range map[string]int{
		"0": 0, "7": 7, "1234567890": 1234567890,
		"": -1, "007": -1, "00": -1, "-1": -1, "+1": -1, " 1": -1, "1 ": -1, "0x1": -1, "1e3": -1, "1_0": -1,
		"٣": -1, "99999999999999999999": -1,
	} {
		id, ok := relationOfDir(name)
		if !ok {
			id = -1
		}
		if id != want {
			t.Errorf("%q: got %d, want %d", name, id, want)
		}
	}
}
