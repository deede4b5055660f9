package memstore_test

import (
	"testing"
	"time"

	"github.com/juju/clock/testclock"
	"go.uber.org/goleak"

	"github.com/unit-agent/unit-agent/lease/memstore"
	"github.com/unit-agent/unit-agent/lease/storetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(testing.TB) storetest.Harness {
		clock := testclock.NewClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
		return storetest.Harness{
			Store:   memstore.New(clock),
			Clock:   clock,
			Advance: clock.Advance,
			Term:    time.Minute,
		}
	})
}
