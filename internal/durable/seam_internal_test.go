package durable

import "testing"

// The seam costs nothing to speak of while no test is interposed.
func BenchmarkStep(b *testing.B) {
	calls := 0
	do := func() error { calls++; return nil }
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := do(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		op := Op{Label: "write/fsync", Path: "/var/lib/unit-agent/file"}
		for b.Loop() {
			if err := step(op, do); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestWithin(t *testing.T) {
	for _, test := range []struct {
		path, dir string
		want      bool
	}{
		{"/a/b", "/a/b", true},
		{"/a/b/c", "/a/b", true},
		{"/a/bc", "/a/b", false},
		{"/a", "/a/b", false},
		{"/a", "/", true},
		{"/", "/", true},
	} {
		if got := within(test.path, test.dir); got != test.want {
			t.Errorf("%s within %s: got %v", test.path, test.dir, got)
		}
	}
}
