package etcdstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/lease"
	"github.com/unit-agent/unit-agent/lease/etcdstore"
)

// appLayout keeps the lease of an application's leadership among the rest of what is known of the application.
type appLayout struct{ model string }

const leaderSuffix = "/leases/leader"

func (l appLayout) Path(key lease.Key) string {
	if key.Namespace != lease.ApplicationLeadershipNamespace || key.ModelUUID != l.model || strings.Contains(key.Lease, "/") {
		return ""
	}
	return key.Lease + leaderSuffix
}

func (l appLayout) Key(path string) (lease.Key, bool) {
	app, ok := strings.CutSuffix(path, leaderSuffix)
	if !ok || strings.Contains(app, "/") {
		return lease.Key{}, false
	}
	return lease.Key{Namespace: lease.ApplicationLeadershipNamespace, ModelUUID: l.model, Lease: app}, true
}

func TestLayout(t *testing.T) {
	const apps = "/unit-agent/deadbeef/apps/"
	r := newRig(t, func(config *etcdstore.Config) {
		config.Prefix = apps
		config.Layout = appLayout{"deadbeef"}
	})
	ctx := testContext(t)
	for _, suffix := range []string{"charm", "config", "leases", "leases/other", "leases/leader/x", "leases/leader.pin"} {
		_, err := r.client.Put(ctx, apps+"mysql/"+suffix, strings.Repeat("x", 1000))
		ok(t, err)
	}
	mysql := lease.Key{Namespace: lease.ApplicationLeadershipNamespace, ModelUUID: "deadbeef", Lease: "mysql"}
	told := vacancies(t, r.store)
	ok(t, r.store.ClaimLease(mysql, request("mysql/0", time.Minute), nil))
	ok(t, r.store.PinLease(mysql, "upgrade", nil))
	if got := string(kv(t, r.client, apps+"mysql/leases/leader").Value); !strings.HasPrefix(got, `{"holder":"mysql/0"`) {
		t.Errorf("lease: got %s", got)
	}
	if got := string(kv(t, r.client, apps+"mysql/leases/leader.pins").Value); got != `{"entities":["upgrade"]}` {
		t.Errorf("pins: got %s", got)
	}
	ok(t, r.store.Refresh())
	other := start(t, r.client, func(config *etcdstore.Config) {
		config.Prefix = strings.TrimSuffix(apps, "/") // means the same
		config.Layout = appLayout{"deadbeef"}
	})
	for _, store := range []*etcdstore.Store{r.store, other} {
		if got := store.LeaseGroup(mysql.Namespace, mysql.ModelUUID); len(got) != 1 || got[mysql].Holder != "mysql/0" {
			t.Errorf("leases: got %v", got)
		}
		if got := store.Pinned(); len(got) != 1 || len(got[mysql]) != 1 {
			t.Errorf("pins: got %v", got)
		}
	}
	ok(t, other.RevokeLease(mysql, "mysql/0", nil))
	if keys := <-told; len(keys) != 1 || keys[0] != mysql {
		t.Errorf("vacancies: got %v", keys)
	}
	for _, nowhere := range []lease.Key{{Namespace: "x", ModelUUID: "deadbeef", Lease: "mysql"}, {Namespace: mysql.Namespace, ModelUUID: "x", Lease: "mysql"}} {
		if err := r.store.ClaimLease(nowhere, request("mysql/0", time.Minute), nil); err == nil || lease.IsInvalid(err) || lease.IsTimeout(err) {
			t.Errorf("claim of a lease that has no place: got error %v", err)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	r := newRig(t)
	good := etcdstore.Config{Client: r.client, Clock: wallClock}
	ok(t, good.Validate())
	for want, spoil := range map[string]func(*etcdstore.Config){
		"Client is nil":                     func(config *etcdstore.Config) { config.Client = nil },
		"Clock is nil":                      func(config *etcdstore.Config) { config.Clock = nil },
		"OperationTimeout -1ns is negative": func(config *etcdstore.Config) { config.OperationTimeout = -1 },
	} {
		bad := good
		spoil(&bad)
		if _, err := etcdstore.New(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
	// Neither prefix nor logger is needed.
	store, err := etcdstore.New(good)
	ok(t, err)
	ok(t, store.ClaimLease(key("a"), request("h/0", time.Minute), nil))
	if kv(t, r.client, "ns/model/a") == nil {
		t.Error("lease of a store without a prefix does not stand at its path")
	}
	stop(t, store)
}

// A lease's least and longest times.
func TestDurations(t *testing.T) {
	r := newRig(t)
	if err := r.store.ClaimLease(key("a"), request("h/0", 1<<63-1), nil); err == nil || lease.IsTimeout(err) || lease.IsInvalid(err) {
		t.Errorf("claim for %v: got error %v", time.Duration(1<<63-1), err)
	}
	r.free(t, "a")
	ok(t, r.store.ClaimLease(key("a"), request("h/0", 100*365*24*time.Hour), nil))
	if got := fmt.Sprint(r.store.Leases(key("a"))[key("a")].Expiry.Year() - time.Now().Year()); got != "99" && got != "100" {
		t.Errorf("a lease of a century ends in %s years", got)
	}
}
