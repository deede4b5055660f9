package hook_test

import (
	"slices"
	"testing"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/hook"
)

func allKinds() []hooks.Kind {
	return slices.Concat(hooks.UnitHooks(), hooks.RelationHooks(), hooks.StorageHooks(),
		hooks.SecretHooks(), hooks.WorkloadHooks(), []hooks.Kind{hooks.Action})
}

// needs says which fields a kind cannot do without; kinds that are not here need none.
var needs = map[hooks.Kind][]string{
	hooks.RelationJoined:   {"remote-unit"},
	hooks.RelationChanged:  {"remote-unit or remote-application"},
	hooks.RelationDeparted: {"remote-unit"},
	hooks.StorageAttached:  {"storage-id"},
	hooks.StorageDetaching: {"storage-id"},
	hooks.Action:           {"action-id"},
	hooks.SecretChanged:    {"secret-uri"},
	hooks.SecretRotate:     {"secret-uri"},
	hooks.SecretExpired:    {"secret-uri", "secret-revision"},
	hooks.SecretRemove:     {"secret-uri", "secret-revision"},
}

// field sets or clears each field that a kind may need.
var field = map[string]func(hi *hook.Info, set bool){
	"remote-unit": func(hi *hook.Info, set bool) { hi.RemoteUnit = when(set, "mysql/0") },
	"remote-unit or remote-application": func(hi *hook.Info, set bool) {
		hi.RemoteUnit, hi.RemoteApplication = when(set, "mysql/0"), ""
	},
	"storage-id":      func(hi *hook.Info, set bool) { hi.StorageId = when(set, "data/0") },
	"action-id":       func(hi *hook.Info, set bool) { hi.ActionId = when(set, "3") },
	"secret-uri":      func(hi *hook.Info, set bool) { hi.SecretURI = when(set, "secret:9m4e2mr0ui3e8a215n4g") },
	"secret-revision": func(hi *hook.Info, set bool) { hi.SecretRevision = len(when(set, "1")) },
}

func when(set bool, value string) string {
	if set {
		return value
	}
	return ""
}

func TestEveryKindWithWhatItNeeds(t *testing.T) {
	for _, kind := range allKinds() {
		least := hook.Info{Kind: kind}
		for _, name := range needs[kind] {
			field[name](&least, true)
		}
		if err := least.Validate(); err != nil {
			t.Errorf("%s with no more than it needs: %v", kind, err)
		}
		most := full
		most.Kind = kind
		if err := most.Validate(); err != nil {
			t.Errorf("%s with everything: %v", kind, err)
		}
		for _, missing := range needs[kind] {
			info := most
			field[missing](&info, false)
			if err := info.Validate(); err == nil {
				t.Errorf("%s without %s: no error", kind, missing)
			}
		}
	}
}

func TestValidateErrors(t *testing.T) {
	for _, test := range []struct {
		about string
		info  hook.Info
		want  string
	}{
		{"no kind", hook.Info{},
			`invalid "" hook: unknown kind`},
		{"unknown kind", hook.Info{Kind: "grand-opening"},
			`invalid "grand-opening" hook: unknown kind`},
		{"a hook's full name is not a kind", hook.Info{Kind: "db-relation-joined", RemoteUnit: "a/0"},
			`invalid "db-relation-joined" hook: unknown kind`},
		{"joined of nobody", hook.Info{Kind: hooks.RelationJoined},
			`invalid "relation-joined" hook: no remote unit`},
		{"joined of an application", hook.Info{Kind: hooks.RelationJoined, RemoteApplication: "mysql"},
			`invalid "relation-joined" hook: no remote unit`},
		{"changed of nobody", hook.Info{Kind: hooks.RelationChanged},
			`invalid "relation-changed" hook: no remote unit or remote application`},
		{"departed of nobody", hook.Info{Kind: hooks.RelationDeparted, DepartingUnit: "a/0"},
			`invalid "relation-departed" hook: no remote unit`},
		{"storage of nothing", hook.Info{Kind: hooks.StorageAttached},
			`invalid "storage-attached" hook: no storage id`},
		{"action of nothing", hook.Info{Kind: hooks.Action},
			`invalid "action" hook: no action id`},
		{"secret of nothing", hook.Info{Kind: hooks.SecretRotate},
			`invalid "secret-rotate" hook: no secret URI`},
		{"removal of no revision", hook.Info{Kind: hooks.SecretRemove, SecretURI: "secret:x"},
			`invalid "secret-remove" hook: no secret revision`},
		{"negative relation", hook.Info{Kind: hooks.RelationBroken, RelationId: -1},
			`invalid "relation-broken" hook: negative relation id -1`},
		{"negative version", hook.Info{Kind: hooks.RelationJoined, RemoteUnit: "a/0", ChangeVersion: -2},
			`invalid "relation-joined" hook: negative change version -2`},
		{"negative revision", hook.Info{Kind: hooks.SecretExpired, SecretURI: "secret:x", SecretRevision: -1},
			`invalid "secret-expired" hook: negative secret revision -1`},
		{"departing unit", hook.Info{Kind: hooks.RelationDeparted, RemoteUnit: "a/0", DepartingUnit: "a"},
			`invalid "relation-departed" hook: departing unit "a" is not a unit name`},
		{"remote application", hook.Info{Kind: hooks.RelationChanged, RemoteApplication: "a/0"},
			`invalid "relation-changed" hook: remote application "a/0" is not an application name`},
		{"a field of no use here", hook.Info{Kind: hooks.Install, RemoteUnit: "what"},
			`invalid "install" hook: remote unit "what" is not a unit name`},
	} {
		err := test.info.Validate()
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", test.about, err, test.want)
		}
	}
}

func TestValidateForms(t *testing.T) {
	set := map[string]func(hi *hook.Info, value string){
		"unit":        func(hi *hook.Info, v string) { hi.RemoteUnit = v },
		"application": func(hi *hook.Info, v string) { hi.RemoteApplication = v },
		"storage":     func(hi *hook.Info, v string) { hi.StorageId = v },
		"action":      func(hi *hook.Info, v string) { hi.ActionId = v },
		"secret":      func(hi *hook.Info, v string) { hi.SecretURI = v },
	}
	for _, test := range []struct {
		form      string
		good, bad []string
	}{
		{"unit",
			[]string{"a/0", "mysql/10", "my-sql/1", "a1-b2/0"},
			[]string{"mysql", "mysql/", "/0", "mysql/01", "u/01", "mysql/-1", "mysql-0", "a/../../evil",
				"mysql/0/1", "My/0", "app-1/0", " a/0", "a/0\n", "a/0x1"}},
		{"application",
			[]string{"a", "mysql", "my-sql", "a1"},
			[]string{"app-1", "1a", "-", "a-", "A", "a/0", "../a", "a.b"}},
		{"storage",
			[]string{"data/0", "my-data/12"},
			[]string{"data", "data/", "data/00", "data-0", "/0", "../data/0"}},
		{"action",
			[]string{"0", "12", "f47ac10b-58cc-4372-a567-0e02b2c3d479"},
			[]string{"-1", "01", "backup", "1/2", "f47ac10b"}},
		{"secret",
			[]string{"secret:9m4e2mr0ui3e8a215n4g", "secret://f47ac10b-58cc-4372-a567-0e02b2c3d479/9m4e2mr0ui3e8a215n4g"},
			[]string{"9m4e2mr0ui3e8a215n4g", "secret:", "secret://", "secret://model", "secret://model/",
				"http://model/x", "secret:x?y", "secret:x#y", "secret:\x00"}},
	} {
		for _, value := range test.good {
			info := hook.Info{Kind: hooks.Start}
			set[test.form](&info, value)
			if err := info.Validate(); err != nil {
				t.Errorf("%s %q: %v", test.form, value, err)
			}
		}
		for _, value := range test.bad {
			info := hook.Info{Kind: hooks.Start}
			set[test.form](&info, value)
			if err := info.Validate(); err == nil {
				t.Errorf("%s %q: no error", test.form, value)
			}
		}
	}
}

// Whoever reads a record must be able to trust it after Validate, whatever is in it.
func FuzzValidate(f *testing.F) {
	f.Add("relation-joined", 1, "mysql/0", "mysql", int64(3), "data/0", "1", "secret:x", 2)
	f.Add("", -1, "/", "a/../..", int64(-1), "\n", "x", "secret://", -2)
	f.Fuzz(func(t *testing.T, kind string, id int, unit, app string, version int64, storage, action, uri string, revision int) {
		info := hook.Info{Kind: hooks.Kind(kind), RelationId: id, RemoteUnit: unit, RemoteApplication: app,
			ChangeVersion: version, StorageId: storage, ActionId: action, SecretURI: uri, SecretRevision: revision}
		if info.Validate() != nil {
			return
		}
		if !slices.Contains(allKinds(), info.Kind) {
			t.Errorf("kind %q is valid", kind)
		}
		if id < 0 || version < 0 || revision < 0 {
			t.Errorf("a negative number is valid: %+v", info)
		}
		for _, name := range []string{unit, app, storage} {
			for _, c := range []byte(name) {
				if c <= ' ' || c == '.' || c == '\\' || c > 'z' {
					t.Errorf("a name like %q is valid", name)
				}
			}
		}
	})
}
