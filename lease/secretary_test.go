package lease_test

import (
	"strings"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/lease"
)

const controller = "6f1b3c5e-2d4a-4f6b-8c7d-9e0f1a2b3c4d"

// Promise: DefaultSecretary knows the two namespaces of the API.
func TestDefaultSecretary(t *testing.T) {
	for _, test := range []struct {
		namespace       string
		leases, holders []string
		notLeases       []string
		notHolders      []string
		durations       []time.Duration
		notDurations    []time.Duration
	}{{
		namespace:    lease.ApplicationLeadershipNamespace,
		leases:       []string{"mysql", "my-sql", "k8s"},
		notLeases:    []string{"", "mysql/0", "my sql", "MySQL", "1sql", "a.b", controller + "-x.y"},
		holders:      []string{"mysql/0", "my-sql/123"},
		notHolders:   []string{"", "mysql", "mysql/", "mysql/x", "mysql/0/1", "machine 0"},
		durations:    []time.Duration{5 * time.Second, time.Minute, 5 * time.Minute},
		notDurations: []time.Duration{-1, 0, 5*time.Second - 1, 5*time.Minute + 1, time.Hour},
	}, {
		namespace:    lease.SingularControllerNamespace,
		leases:       []string{controller},
		notLeases:    []string{"", "controller", controller[1:], controller + "0", " " + controller},
		holders:      []string{"controller-0", "machine-1", controller},
		notHolders:   []string{"", "a b", "a.b"},
		durations:    []time.Duration{1, time.Second, time.Hour},
		notDurations: []time.Duration{0, -1},
	}} {
		t.Run(test.namespace, func(t *testing.T) {
			secretary, err := lease.DefaultSecretary(test.namespace)
			if err != nil {
				t.Fatal(err)
			}
			checkLease := func(name string) error {
				return secretary.CheckLease(lease.Key{Namespace: test.namespace, ModelUUID: model, Lease: name})
			}
			allowed(t, "lease", checkLease, test.leases, test.notLeases)
			allowed(t, "holder", secretary.CheckHolder, test.holders, test.notHolders)
			allowed(t, "duration", secretary.CheckDuration, test.durations, test.notDurations)
		})
	}
}

func allowed[T any](t *testing.T, what string, check func(T) error, valid, invalid []T) {
	t.Helper()
	for _, v := range valid {
		if err := check(v); err != nil {
			t.Errorf("%s %v: got error %v", what, v, err)
		}
	}
	for _, v := range invalid {
		if err := check(v); err == nil {
			t.Errorf("%s %v: got no error", what, v)
		}
	}
}

// Promise: an unknown namespace is an error.
func TestUnknownNamespace(t *testing.T) {
	for _, namespace := range []string{"", "leadership", "Application-Leadership"} {
		if _, err := lease.DefaultSecretary(namespace); err == nil || !strings.Contains(err.Error(), "not known") {
			t.Errorf("%q: got error %v", namespace, err)
		}
	}
}
