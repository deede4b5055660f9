package store_test

import (
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/store"
)

// Etcd would end the process when it cannot write its log. Here only the Store ends, and says why.
func TestDiskFillsUp(t *testing.T) {
	dir := t.TempDir()
	p := startProcess(t, dir)
	p.expect("serving")
	p.ask("put k v1", "ok")
	p.ask("fill", "ok")
	visitor := openStore(t, store.Config{Dir: dir, Standby: true})
	checkValue(t, visitor, "k", "v1")

	p.say("put k v2")
	if got := p.read(); !strings.HasPrefix(got, "error ") {
		t.Fatalf("a write to a full disk: %q", got)
	}
	p.say("wait")
	got := p.read()
	for _, part := range []string{
		"ended store in " + dir + " failed: ",
		"no space left on device",
		"(free some space on its file system, at least 64 MiB)",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("got %q, which lacks %q", got, part)
		}
	}

	// The failed server has etcd's files open, so nobody else may until its process ends.
	checkServing(t, visitor, false)
	p.kill()
	checkValue(t, visitor, "k", "v1")
	checkServing(t, visitor, true)
	put(t, visitor, "k", "v3")
}
