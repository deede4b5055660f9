package model

import (
	"reflect"
	"strings"
	"testing"
)

// effective returns the values that a unit of an application would see.
func (r *rig) effective(unit string) (config map[string]any, hash string) {
	r.t.Helper()
	state, err := r.UnitState(r.ctx, unit)
	r.check(err)
	return state.Config, state.ConfigHash
}

func TestConfig(t *testing.T) {
	r := newRig(t)
	_, err := r.Deploy(r.ctx, DeployArgs{
		Application: "blog", Charm: wordpress, NumUnits: 1, Config: map[string]string{"port": "9007199254740993", "token": "secret:abc"},
	})
	r.check(err)
	config, first := r.effective("blog/0")
	want := map[string]any{"title": "My Title", "port": int64(9007199254740993), "token": "secret:abc"}
	if !reflect.DeepEqual(config, want) {
		t.Errorf("got config %#v, want %#v", config, want)
	}

	r.check(r.SetConfig(r.ctx, "blog", map[string]string{"ratio": "2", "debug": "true", "title": ""}, []string{"port", "token"}))
	config, second := r.effective("blog/0")
	want = map[string]any{"title": "", "port": int64(80), "ratio": 2.0, "debug": true}
	if !reflect.DeepEqual(config, want) {
		t.Errorf("got config %#v, want %#v", config, want)
	}
	if first == second {
		t.Error("the hash is the same for another config")
	}

	view, err := r.ApplicationConfig(r.ctx, "blog")
	r.check(err)
	wantView := ConfigView{Application: "blog", Charm: "wordpress", Options: map[string]ConfigOption{
		"title": {Type: "string", Description: "the title", Value: "", Default: "My Title", Source: SourceUser},
		"port":  {Type: "int", Description: "the port", Value: int64(80), Default: int64(80), Source: SourceDefault},
		"ratio": {Type: "float", Description: "a ratio", Value: 2.0, Source: SourceUser},
		"debug": {Type: "boolean", Description: "say more", Value: true, Source: SourceUser},
		"token": {Type: "secret", Description: "a secret", Source: SourceUnset},
	}}
	if !reflect.DeepEqual(view, wantView) {
		t.Errorf("got view  %+v\nwant view %+v", view, wantView)
	}
	state, err := r.UnitState(r.ctx, "blog/0")
	r.check(err)
	if value, ok := state.ConfigAll["token"]; !ok || value != nil || len(state.ConfigAll) != 5 {
		t.Errorf("got all of the config as %#v", state.ConfigAll)
	}
}

// TestConfigHash says what the hash changes with and what not.
func TestConfigHash(t *testing.T) {
	r := newRig(t)
	_, err := r.Deploy(r.ctx, DeployArgs{Application: "blog", Charm: wordpress, NumUnits: 1})
	r.check(err)
	_, first := r.effective("blog/0")
	set := func(set map[string]string, reset ...string) string {
		r.check(r.SetConfig(r.ctx, "blog", set, reset))
		_, hash := r.effective("blog/0")
		return hash
	}
	if got := set(map[string]string{"port": "80"}); got != first {
		t.Error("a default that a user gave again changes the hash")
	}
	if got := set(map[string]string{"port": "81"}); got == first {
		t.Error("another port does not change the hash")
	}
	if got := set(nil, "port"); got != first {
		t.Error("after the reset the hash is another one")
	}
	if got := set(map[string]string{"trust": "true"}); got == first {
		t.Error("trust does not change the hash")
	}
	if got := set(nil, "trust"); got != first {
		t.Error("after trust was taken back the hash is another one")
	}
}

func TestTrustIsNoOption(t *testing.T) {
	r := newRig(t)
	_, err := r.Deploy(r.ctx, DeployArgs{Application: "blog", Charm: wordpress, NumUnits: 1, Config: map[string]string{"trust": "true"}})
	r.check(err)
	application, err := r.Application(r.ctx, "blog")
	r.check(err)
	state, err := r.UnitState(r.ctx, "blog/0")
	r.check(err)
	if _, in := state.Config["trust"]; in || !application.Trust || !state.Trust {
		t.Errorf("trust is %t, and in the config: %t", application.Trust, in)
	}
	// A charm's own option of this name is the charm's.
	own := testCharm("own", "", "options:\n  trust: {type: string, default: none}\n")
	r.deploy(own, 1)
	r.check(r.SetConfig(r.ctx, "own", map[string]string{"trust": "few"}, nil))
	if config, _ := r.effective("own/0"); config["trust"] != "few" {
		t.Errorf("got config %v", config)
	}
}

func TestSetConfigRefuses(t *testing.T) {
	r := newRig(t)
	r.deploy(wordpress, 1)
	for _, test := range []struct {
		application string
		set         map[string]string
		reset       []string
		want        string
	}{
		{"nobody", map[string]string{"port": "1"}, nil, `application "nobody" not found`},
		{"wordpress", map[string]string{"port": "1", "prot": "1"}, nil, `unknown option "prot"`},
		{"wordpress", nil, []string{"prot"}, `unknown option "prot"`},
		{"wordpress", map[string]string{"port": "eighty"}, nil, `option "port" expected int, got "eighty"`},
		{"wordpress", map[string]string{"port": ""}, nil, `option "port" expected int, got ""`},
		{"wordpress", map[string]string{"ratio": "half"}, nil, `option "ratio" expected float, got "half"`},
		{"wordpress", map[string]string{"debug": "maybe"}, nil, `option "debug" expected boolean, got "maybe"`},
		{"wordpress", map[string]string{"trust": "maybe"}, nil, `option "trust" expected boolean, got "maybe"`},
		{"wordpress", map[string]string{"token": "hunter2"}, nil, `option "token" expected secret, got "hunter2"`},
		{"wordpress", map[string]string{"port": "1"}, []string{"port"}, `cannot set and reset key "port" simultaneously`},
	} {
		t.Run(test.want, func(t *testing.T) {
			r.unchanged(func() { wantError(t, r.SetConfig(r.ctx, test.application, test.set, test.reset), test.want) })
		})
	}
	r.unchanged(func() {
		if err := r.SetConfig(r.ctx, "wordpress", map[string]string{"ratio": "NaN"}, nil); err == nil || !strings.Contains(err.Error(), `option "ratio"`) {
			t.Errorf("got error %v", err)
		}
	})
	_, err := r.ApplicationConfig(r.ctx, "nobody")
	wantError(t, err, `application "nobody" not found`)
}

// TestConfigThatNoLongerFits has settings in the store that the charm, since it was upgraded, has another type for.
func TestConfigThatNoLongerFits(t *testing.T) {
	r := newRig(t)
	r.deploy(wordpress, 1)
	r.put(r.keys.config("wordpress"), `{"settings":{"port":"many","debug":1,"ratio":1,"title":null,"gone":true}}`)
	config, _ := r.effective("wordpress/0")
	if want := map[string]any{"title": "My Title", "port": int64(80), "ratio": 1.0}; !reflect.DeepEqual(config, want) {
		t.Errorf("got config %#v, want %#v", config, want)
	}
	// The leftovers do not stop anybody from setting something else, and are not lost for a charm that knows them.
	r.check(r.SetConfig(r.ctx, "wordpress", map[string]string{"port": "8080"}, nil))
	if got, want := r.value(r.keys.config("wordpress")), `{"settings":{"debug":1,"gone":true,"port":8080,"ratio":1,"title":null}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSetConfigTwiceWritesOnce(t *testing.T) {
	r := newRig(t)
	r.deploy(wordpress, 0)
	set := func() {
		r.check(r.SetConfig(r.ctx, "wordpress", map[string]string{"port": "81", "trust": "true"}, nil))
	}
	set()
	r.unchanged(set)
}
