package lease_test

import (
	"fmt"
	"time"

	"github.com/juju/clock"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/memstore"
)

func Example() {
	manager, err := lease.NewManager(lease.ManagerConfig{
		Store: memstore.New(clock.WallClock),
		Clock: clock.WallClock,
	})
	if err != nil {
		panic(err)
	}
	defer func() {
		manager.Kill()
		_ = manager.Wait()
	}()

	const model = "deadbeef-0bad-400d-8000-4b1d0d06f00d"
	claimer, _ := manager.Claimer(lease.ApplicationLeadershipNamespace, model)
	checker, _ := manager.Checker(lease.ApplicationLeadershipNamespace, model)
	revoker, _ := manager.Revoker(lease.ApplicationLeadershipNamespace, model)

	fmt.Println("mysql/0 claims:", claimer.Claim("mysql", "mysql/0", time.Minute))
	fmt.Println("mysql/1 claims:", claimer.Claim("mysql", "mysql/1", time.Minute))
	fmt.Println("mysql/0 holds it:", checker.Token("mysql", "mysql/0").Check(0, nil))

	fmt.Println("mysql/0 gives it up:", revoker.Revoke("mysql", "mysql/0"))
	fmt.Println("mysql/1 waits:", claimer.WaitUntilExpired("mysql", nil))
	fmt.Println("mysql/1 claims:", claimer.Claim("mysql", "mysql/1", time.Minute))
	// Output:
	// mysql/0 claims: <nil>
	// mysql/1 claims: lease claim denied
	// mysql/0 holds it: <nil>
	// mysql/0 gives it up: <nil>
	// mysql/1 waits: <nil>
	// mysql/1 claims: <nil>
}
