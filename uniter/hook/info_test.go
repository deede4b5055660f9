package hook_test

import (
	"testing"

	"github.com/juju/charm/v12/hooks"
	"gopkg.in/yaml.v3"

	"github.com/unit-agent/unit-agent/uniter/hook"
)

// full has every field set.
var full = hook.Info{
	Kind:              hooks.RelationDeparted,
	RelationId:        7,
	RemoteUnit:        "mysql/0",
	RemoteApplication: "mysql",
	DepartingUnit:     "wordpress/2",
	ChangeVersion:     42,
	StorageId:         "data/3",
	ActionId:          "12",
	SecretURI:         "secret:9m4e2mr0ui3e8a215n4g",
	SecretLabel:       "admin password",
	SecretRevision:    5,
}

const fullYAML = `kind: relation-departed
relation-id: 7
remote-unit: mysql/0
remote-application: mysql
departing-unit: wordpress/2
change-version: 42
storage-id: data/3
action-id: "12"
secret-uri: secret:9m4e2mr0ui3e8a215n4g
secret-label: admin password
secret-revision: 5
`

func TestYAMLKeys(t *testing.T) {
	data, err := yaml.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	if string(data) != fullYAML {
		t.Errorf("got\n%s\nwant\n%s", data, fullYAML)
	}
}

func TestYAMLKeepsOutWhatIsNotThere(t *testing.T) {
	data, err := yaml.Marshal(hook.Info{Kind: hooks.Install})
	if err != nil {
		t.Fatal(err)
	}
	if want := "kind: install\n"; string(data) != want {
		t.Errorf("got %q, want %q", data, want)
	}
}

func TestYAMLRoundTrip(t *testing.T) {
	for _, want := range []hook.Info{
		{},
		full,
		{Kind: hooks.Install},
		{Kind: hooks.RelationCreated, RelationId: 0},
		{Kind: hooks.RelationJoined, RelationId: 0, RemoteUnit: "a/0"},
		{Kind: hooks.RelationChanged, RelationId: 3, RemoteApplication: "a", ChangeVersion: 1 << 62},
		{Kind: hooks.Action, ActionId: "0"},
		{Kind: hooks.SecretChanged, SecretURI: "secret://m/x", SecretLabel: "yes: \"no\"\n# ~"},
	} {
		data, err := yaml.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got hook.Info
		if err := yaml.Unmarshal(data, &got); err != nil {
			t.Errorf("%s: %v", data, err)
		}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestName(t *testing.T) {
	for _, test := range []struct {
		kind hooks.Kind
		want string
	}{
		{hooks.Install, "install"},
		{hooks.ConfigChanged, "config-changed"},
		{hooks.LeaderElected, "leader-elected"},
		{hooks.SecretChanged, "secret-changed"},
		{hooks.RelationCreated, "db-relation-created"},
		{hooks.RelationJoined, "db-relation-joined"},
		{hooks.RelationChanged, "db-relation-changed"},
		{hooks.RelationDeparted, "db-relation-departed"},
		{hooks.RelationBroken, "db-relation-broken"},
		{hooks.StorageAttached, "db-storage-attached"},
		{hooks.StorageDetaching, "db-storage-detaching"},
		{hooks.PebbleReady, "db-pebble-ready"},
	} {
		if got := (hook.Info{Kind: test.kind}).Name("db"); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
