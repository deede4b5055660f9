package store_test

import (
	"testing"

	"github.com/unit-agent/unit-agent/store"
	"go.uber.org/goleak"
)

func TestNothingIsLeft(t *testing.T) {
	before := goleak.IgnoreCurrent()
	for _, standby := range []bool{false, true} {
		dir := t.TempDir()
		first := openStore(t, store.Config{Dir: dir, Standby: standby})
		second := openStore(t, store.Config{Dir: dir, Standby: standby})
		put(t, first, "k", "v")
		watch := second.Client().Watch(testContext(t), "k")
		closeStore(t, second)
		for range watch {
		}
		closeStore(t, first)
	}
	goleak.VerifyNone(t, before)
}
