package charm_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/charm"
)

// large has as many files as a charm that brings its libraries along.
func large(b *testing.B) string {
	f := files{"metadata.yaml": metadata, "dispatch*": "#!/bin/sh\n"}
	for i := range 1000 {
		f[fmt.Sprintf("lib/%d/%d.py", i%50, i)] = strings.Repeat("pass\n", 1000)
	}
	return makeDir(b, f)
}

func BenchmarkRead(b *testing.B) {
	dir := makeDir(b, files{"metadata.yaml": metadata + "requires: {db: {interface: x}}\n", "config.yaml": "options: {a: {type: int}}\n"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := charm.Read(dir); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDigest(b *testing.B) {
	dir := large(b)
	for b.Loop() {
		if _, err := charm.Digest(dir); err != nil {
			b.Fatal(err)
		}
	}
}

// Each file is synced, so the disk says how long it takes. Beside it, the same
// copy with nothing synced.
func BenchmarkInstall(b *testing.B) {
	src := large(b)
	root := b.TempDir()
	n := 0
	b.Run("install", func(b *testing.B) {
		for b.Loop() {
			n++
			if err := charm.Install(src, filepath.Join(root, fmt.Sprint(n))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor-copy", func(b *testing.B) {
		for b.Loop() {
			n++
			if err := os.CopyFS(filepath.Join(root, fmt.Sprint(n)), os.DirFS(src)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
