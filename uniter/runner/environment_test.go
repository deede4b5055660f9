package runner_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/juju/charm/v12/hooks"

	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/runner"
)

// config is an environment of which every part can be told from the others.
func config(info hook.Info) runner.EnvConfig {
	return runner.EnvConfig{
		ToolsDir:          "/units/mysql-0/tools",
		Path:              "/agent/bin:/bin",
		CharmDir:          "/units/mysql-0/charm",
		ContextID:         "mysql/0-install-c0ffee",
		SocketPath:        "/units/mysql-0/agent.sock",
		Unit:              "mysql/0",
		ModelName:         "default",
		ModelUUID:         "2f0d5c7e-6f0b-4c3b-8a1d-0c9a3c1f5e11",
		Machine:           "3",
		AvailabilityZone:  "zone-1",
		APIAddresses:      []string{"10.0.0.1:17070", "10.0.0.2:17070"},
		CloudAPIVersion:   "1.2",
		CharmProxy:        runner.Proxy{HTTP: "http://p", HTTPS: "https://p", FTP: "ftp://p", NoProxy: "localhost"},
		Hook:              info,
		Endpoint:          "server",
		RemoteApplication: "wordpress",
		StorageKind:       "filesystem",
		StorageLocation:   "/srv/data",
		ActionName:        "backup",
	}
}

// always is what every hook has, whatever it is about.
var always = map[string]string{
	"PATH":                     "/units/mysql-0/tools:/agent/bin:/bin",
	"LANG":                     "C.UTF-8",
	"TERM":                     "tmux-256color",
	"DEBIAN_FRONTEND":          "noninteractive",
	"APT_LISTCHANGES_FRONTEND": "none",

	"JUJU_VERSION":              "3.6.14",
	"JUJU_CHARM_DIR":            "/units/mysql-0/charm",
	"CHARM_DIR":                 "/units/mysql-0/charm",
	"JUJU_CONTEXT_ID":           "mysql/0-install-c0ffee",
	"JUJU_AGENT_SOCKET_ADDRESS": "/units/mysql-0/agent.sock",
	"JUJU_AGENT_SOCKET_NETWORK": "unix",
	"JUJU_UNIT_NAME":            "mysql/0",
	"JUJU_PRINCIPAL_UNIT":       "",
	"JUJU_MODEL_NAME":           "default",
	"JUJU_MODEL_UUID":           "2f0d5c7e-6f0b-4c3b-8a1d-0c9a3c1f5e11",
	"JUJU_MACHINE_ID":           "3",
	"JUJU_AVAILABILITY_ZONE":    "zone-1",
	"JUJU_API_ADDRESSES":        "10.0.0.1:17070 10.0.0.2:17070",
	"CLOUD_API_VERSION":         "1.2",
	"JUJU_CHARM_HTTP_PROXY":     "http://p",
	"JUJU_CHARM_HTTPS_PROXY":    "https://p",
	"JUJU_CHARM_FTP_PROXY":      "ftp://p",
	"JUJU_CHARM_NO_PROXY":       "localhost",
	"JUJU_SLA":                  "unsupported",
	"JUJU_METER_STATUS":         "AMBER",
	"JUJU_METER_INFO":           "not set",
}

func TestEnvironmentOfEachKind(t *testing.T) {
	tests := []struct {
		about string
		info  hook.Info
		want  map[string]string // beside those that are always there
	}{{
		about: "install",
		info:  hook.Info{Kind: hooks.Install},
		want:  map[string]string{"JUJU_HOOK_NAME": "install", "JUJU_DISPATCH_PATH": "hooks/install"},
	}, {
		about: "update-status",
		info:  hook.Info{Kind: hooks.UpdateStatus},
		want:  map[string]string{"JUJU_HOOK_NAME": "update-status", "JUJU_DISPATCH_PATH": "hooks/update-status"},
	}, {
		about: "created: no remote unit, but the variable",
		info:  hook.Info{Kind: hooks.RelationCreated, RelationId: 0},
		want: map[string]string{
			"JUJU_HOOK_NAME": "server-relation-created", "JUJU_DISPATCH_PATH": "hooks/server-relation-created",
			"JUJU_RELATION": "server", "JUJU_RELATION_ID": "server:0",
			"JUJU_REMOTE_UNIT": "", "JUJU_REMOTE_APP": "wordpress",
		},
	}, {
		about: "joined",
		info:  hook.Info{Kind: hooks.RelationJoined, RelationId: 7, RemoteUnit: "wordpress/2", ChangeVersion: 3},
		want: map[string]string{
			"JUJU_HOOK_NAME": "server-relation-joined", "JUJU_DISPATCH_PATH": "hooks/server-relation-joined",
			"JUJU_RELATION": "server", "JUJU_RELATION_ID": "server:7",
			"JUJU_REMOTE_UNIT": "wordpress/2", "JUJU_REMOTE_APP": "wordpress",
		},
	}, {
		about: "changed, of a unit of another application than the relation's other side: a peer",
		info:  hook.Info{Kind: hooks.RelationChanged, RelationId: 7, RemoteUnit: "mysql/1"},
		want: map[string]string{
			"JUJU_HOOK_NAME": "server-relation-changed", "JUJU_DISPATCH_PATH": "hooks/server-relation-changed",
			"JUJU_RELATION": "server", "JUJU_RELATION_ID": "server:7",
			"JUJU_REMOTE_UNIT": "mysql/1", "JUJU_REMOTE_APP": "mysql",
		},
	}, {
		about: "changed, of an application",
		info:  hook.Info{Kind: hooks.RelationChanged, RelationId: 7, RemoteApplication: "blog"},
		want: map[string]string{
			"JUJU_HOOK_NAME": "server-relation-changed", "JUJU_DISPATCH_PATH": "hooks/server-relation-changed",
			"JUJU_RELATION": "server", "JUJU_RELATION_ID": "server:7",
			"JUJU_REMOTE_UNIT": "", "JUJU_REMOTE_APP": "blog",
		},
	}, {
		about: "departed, because the remote unit leaves",
		info:  hook.Info{Kind: hooks.RelationDeparted, RelationId: 7, RemoteUnit: "wordpress/2", DepartingUnit: "wordpress/2"},
		want: map[string]string{
			"JUJU_HOOK_NAME": "server-relation-departed", "JUJU_DISPATCH_PATH": "hooks/server-relation-departed",
			"JUJU_RELATION": "server", "JUJU_RELATION_ID": "server:7",
			"JUJU_REMOTE_UNIT": "wordpress/2", "JUJU_REMOTE_APP": "wordpress", "JUJU_DEPARTING_UNIT": "wordpress/2",
		},
	}, {
		about: "departed, because this unit leaves",
		info:  hook.Info{Kind: hooks.RelationDeparted, RelationId: 7, RemoteUnit: "wordpress/2", DepartingUnit: "mysql/0"},
		want: map[string]string{
			"JUJU_HOOK_NAME": "server-relation-departed", "JUJU_DISPATCH_PATH": "hooks/server-relation-departed",
			"JUJU_RELATION": "server", "JUJU_RELATION_ID": "server:7",
			"JUJU_REMOTE_UNIT": "wordpress/2", "JUJU_REMOTE_APP": "wordpress", "JUJU_DEPARTING_UNIT": "mysql/0",
		},
	}, {
		about: "departed, and nobody said why",
		info:  hook.Info{Kind: hooks.RelationDeparted, RelationId: 7, RemoteUnit: "wordpress/2"},
		want: map[string]string{
			"JUJU_HOOK_NAME": "server-relation-departed", "JUJU_DISPATCH_PATH": "hooks/server-relation-departed",
			"JUJU_RELATION": "server", "JUJU_RELATION_ID": "server:7",
			"JUJU_REMOTE_UNIT": "wordpress/2", "JUJU_REMOTE_APP": "wordpress", "JUJU_DEPARTING_UNIT": "wordpress/2",
		},
	}, {
		about: "broken",
		info:  hook.Info{Kind: hooks.RelationBroken, RelationId: 7, RemoteUnit: "wordpress/2"},
		want: map[string]string{
			"JUJU_HOOK_NAME": "server-relation-broken", "JUJU_DISPATCH_PATH": "hooks/server-relation-broken",
			"JUJU_RELATION": "server", "JUJU_RELATION_ID": "server:7",
			"JUJU_REMOTE_UNIT": "", "JUJU_REMOTE_APP": "wordpress",
		},
	}, {
		about: "storage",
		info:  hook.Info{Kind: hooks.StorageAttached, StorageId: "data/4"},
		want: map[string]string{
			"JUJU_HOOK_NAME": "data-storage-attached", "JUJU_DISPATCH_PATH": "hooks/data-storage-attached",
			"JUJU_STORAGE_ID": "data/4", "JUJU_STORAGE_KIND": "filesystem", "JUJU_STORAGE_LOCATION": "/srv/data",
		},
	}, {
		about: "secret-changed: a label that may be empty, no revision",
		info:  hook.Info{Kind: hooks.SecretChanged, SecretURI: "secret:cabc", SecretRevision: 2},
		want: map[string]string{
			"JUJU_HOOK_NAME": "secret-changed", "JUJU_DISPATCH_PATH": "hooks/secret-changed",
			"JUJU_SECRET_ID": "secret:cabc", "JUJU_SECRET_LABEL": "",
		},
	}, {
		about: "secret-rotate",
		info:  hook.Info{Kind: hooks.SecretRotate, SecretURI: "secret:cabc", SecretLabel: "pw"},
		want: map[string]string{
			"JUJU_HOOK_NAME": "secret-rotate", "JUJU_DISPATCH_PATH": "hooks/secret-rotate",
			"JUJU_SECRET_ID": "secret:cabc", "JUJU_SECRET_LABEL": "pw",
		},
	}, {
		about: "secret-expired",
		info:  hook.Info{Kind: hooks.SecretExpired, SecretURI: "secret:cabc", SecretLabel: "pw", SecretRevision: 2},
		want: map[string]string{
			"JUJU_HOOK_NAME": "secret-expired", "JUJU_DISPATCH_PATH": "hooks/secret-expired",
			"JUJU_SECRET_ID": "secret:cabc", "JUJU_SECRET_LABEL": "pw", "JUJU_SECRET_REVISION": "2",
		},
	}, {
		about: "secret-remove",
		info:  hook.Info{Kind: hooks.SecretRemove, SecretURI: "secret:cabc", SecretRevision: 1},
		want: map[string]string{
			"JUJU_HOOK_NAME": "secret-remove", "JUJU_DISPATCH_PATH": "hooks/secret-remove",
			"JUJU_SECRET_ID": "secret:cabc", "JUJU_SECRET_LABEL": "", "JUJU_SECRET_REVISION": "1",
		},
	}, {
		about: "action: the hook's name is there and empty",
		info:  hook.Info{Kind: hooks.Action, ActionId: "12"},
		want: map[string]string{
			"JUJU_HOOK_NAME": "", "JUJU_DISPATCH_PATH": "actions/backup",
			"JUJU_ACTION_NAME": "backup", "JUJU_ACTION_UUID": "12", "JUJU_ACTION_TAG": "action-12",
		},
	}}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			got := toMap(t, runner.Environment(config(test.info)))
			for name, value := range always {
				test.want[name] = value
			}
			if want := fromMap(test.want); !slices.Equal(fromMap(got), want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(fromMap(got), "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// toMap also fails the test if a variable is there twice, since what a program
// sees then depends on the program.
func toMap(t *testing.T, env []string) map[string]string {
	t.Helper()
	m := make(map[string]string)
	for _, variable := range env {
		name, value, ok := strings.Cut(variable, "=")
		if !ok || name == "" {
			t.Errorf("%q is not a variable", variable)
		}
		if _, twice := m[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		m[name] = value
	}
	return m
}

func fromMap(m map[string]string) []string {
	var env []string
	for name, value := range m {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env
}

func TestEnvironmentWithNothingToSay(t *testing.T) {
	env := toMap(t, runner.Environment(runner.EnvConfig{
		ToolsDir: "/tools", Unit: "a/0", Hook: hook.Info{Kind: hooks.Start},
	}))
	for _, name := range []string{
		"JUJU_PRINCIPAL_UNIT", "JUJU_API_ADDRESSES", "JUJU_AVAILABILITY_ZONE", "CLOUD_API_VERSION", "JUJU_MACHINE_ID",
		"JUJU_CHARM_HTTP_PROXY", "JUJU_CHARM_HTTPS_PROXY", "JUJU_CHARM_FTP_PROXY", "JUJU_CHARM_NO_PROXY",
	} {
		if value, ok := env[name]; !ok || value != "" {
			t.Errorf("%s is %q, there: %v; want it there and empty", name, value, ok)
		}
	}
	for _, name := range []string{
		"HOME", "USER", "LOGNAME", "SHELL", "http_proxy", "HTTP_PROXY", "no_proxy", "OPERATOR_DISPATCH",
		"JUJU_RELATION", "JUJU_REMOTE_UNIT", "JUJU_ACTION_NAME", "JUJU_SECRET_ID", "JUJU_STORAGE_ID",
		"UNIT_AGENT_LEADER_TOKEN",
	} {
		if value, ok := env[name]; ok {
			t.Errorf("%s is there: %q", name, value)
		}
	}
	if got, want := env["PATH"], "/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"; got != want {
		t.Errorf("PATH is %q, want %q", got, want)
	}
}

func TestEnvironmentOptionalParts(t *testing.T) {
	c := config(hook.Info{Kind: hooks.Start})
	c.Principal = "wordpress/0"
	c.LeaderToken = "4711"
	c.SystemProxy = runner.Proxy{HTTP: "http://s", NoProxy: "10.0.0.0/8"}
	env := toMap(t, runner.Environment(c))
	for name, want := range map[string]string{
		"JUJU_PRINCIPAL_UNIT":     "wordpress/0",
		"UNIT_AGENT_LEADER_TOKEN": "4711",
		"http_proxy":              "http://s",
		"HTTP_PROXY":              "http://s",
		"no_proxy":                "10.0.0.0/8",
		"NO_PROXY":                "10.0.0.0/8",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	for _, name := range []string{"https_proxy", "HTTPS_PROXY", "ftp_proxy", "FTP_PROXY"} {
		if _, ok := env[name]; ok {
			t.Errorf("%s is there without a proxy", name)
		}
	}
}

// The ops framework refuses to start with a version of another form.
func TestJujuVersionForm(t *testing.T) {
	if !regexp.MustCompile(`^3\.6\.\d+$`).MatchString(runner.JujuVersion) {
		t.Errorf("%q is not a plain 3.6 version", runner.JujuVersion)
	}
}

func TestHookName(t *testing.T) {
	for _, test := range []struct {
		info hook.Info
		want string
	}{
		{hook.Info{Kind: hooks.Install}, "install"},
		{hook.Info{Kind: hooks.RelationChanged}, "server-relation-changed"},
		{hook.Info{Kind: hooks.StorageDetaching, StorageId: "fast-disk/1"}, "fast-disk-storage-detaching"},
		{hook.Info{Kind: hooks.SecretRotate}, "secret-rotate"},
		{hook.Info{Kind: hooks.Action, ActionId: "1"}, ""},
	} {
		if got := config(test.info).HookName(); got != test.want {
			t.Errorf("%s: got %q, want %q", test.info.Kind, got, test.want)
		}
	}
}

func TestContextIDs(t *testing.T) {
	a, b := runner.NewContextID("mysql/0", "install"), runner.NewContextID("mysql/0", "install")
	if !regexp.MustCompile(`^mysql/0-install-[0-9a-f]{16}$`).MatchString(a) {
		t.Errorf("%q has not the form that is promised", a)
	}
	if a == b {
		t.Errorf("two runs have the same context id %q", a)
	}
}
