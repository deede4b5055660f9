package model

import (
	"context"
	"strings"
	"sync"
	"testing"
)

func TestOpenCreatesOnce(t *testing.T) {
	r := newRig(t)
	if len(r.UUID()) != 36 || r.UUID() != strings.ToLower(r.UUID()) {
		t.Errorf("UUID %q does not look like one", r.UUID())
	}
	if r.Name() != "default" {
		t.Errorf("got name %q, want default", r.Name())
	}
	again := r.again()
	if again.UUID() != r.UUID() {
		t.Errorf("the model was %s and is %s", r.UUID(), again.UUID())
	}
	if got, want := r.value(r.prefix+"/format"), `{"version":1}`; got != want {
		t.Errorf("format is %s, want %s", got, want)
	}
}

func TestOpenAtOnce(t *testing.T) {
	config := testConfig()
	var wg sync.WaitGroup
	uuids := make([]string, 8)
	for i := range uuids {
		wg.Go(func() {
			m, err := Open(t.Context(), config)
			if err != nil {
				t.Error(err)
				return
			}
			uuids[i] = m.UUID()
		})
	}
	wg.Wait()
	for _, uuid := range uuids {
		if uuid != uuids[0] {
			t.Fatalf("one model has two identities: %v", uuids)
		}
	}
}

func TestModelsAreApart(t *testing.T) {
	r := newRig(t)
	config := testConfig()
	config.Prefix, config.Name = r.prefix, "other"
	other := openRig(t, config)
	if other.UUID() == r.UUID() {
		t.Fatal("two models have one identity")
	}
	r.deploy(mysql, 1)
	if other.applicationLife("mysql") != "" {
		t.Error("an application of one model is in the other")
	}
	names := other.deploy(mysql, 1)
	if names[0] != "mysql/0" {
		t.Errorf("got unit %s, want mysql/0", names[0])
	}
}

func TestOpenRefusesNewerFormat(t *testing.T) {
	r := newRig(t)
	r.put(r.prefix+"/format", `{"version":2}`)
	config := testConfig()
	config.Prefix, config.Name = r.prefix, "another"
	_, err := Open(r.ctx, config)
	wantError(t, err, `cannot open model "another": the store is in format 2 and this program knows formats up to 1: use a newer version of this program`)
	if r.value(r.prefix+"/models/another") != "" {
		t.Error("a model was made in a store of a newer format")
	}
}

func TestOpenKeepsWhatItDoesNotKnow(t *testing.T) {
	r := newRig(t)
	value := `{"version":1,"written-by":"somebody else"}`
	r.put(r.prefix+"/format", value)
	r.again()
	if got := r.value(r.prefix + "/format"); got != value {
		t.Errorf("format became %s", got)
	}
}

func TestOpenDamaged(t *testing.T) {
	for key, value := range map[string]string{"/format": "one", "/models/default": "[]"} {
		t.Run(key, func(t *testing.T) {
			r := newRig(t)
			r.put(r.prefix+key, value)
			_, err := Open(r.ctx, Config{Client: r.client, Prefix: r.prefix})
			if err == nil || !strings.Contains(err.Error(), `cannot understand the value of key "`+r.prefix+key+`"`) {
				t.Errorf("got error %v", err)
			}
		})
	}
}

func TestConfigValidate(t *testing.T) {
	client := shared.Client()
	for _, test := range []struct {
		about  string
		config Config
		want   string
	}{
		{"no client", Config{}, "cannot open a model: Client is nil"},
		{"prefix without a slash", Config{Client: client, Prefix: "x"}, `cannot open a model: Prefix "x" must begin with a slash and not end in one`},
		{"prefix with a slash too many", Config{Client: client, Prefix: "/x/"}, `cannot open a model: Prefix "/x/" must begin with a slash and not end in one`},
		{"bad name", Config{Client: client, Name: "A b"}, `cannot open model "A b": the name must be lower-case letters, digits and dashes`},
		{"negative operations", Config{Client: client, MaxTxnOps: -1}, "cannot open a model: MaxTxnOps -1 and MaxRequestBytes 0 must not be negative"},
		{"negative bytes", Config{Client: client, MaxRequestBytes: -2}, "cannot open a model: MaxTxnOps 0 and MaxRequestBytes -2 must not be negative"},
	} {
		t.Run(test.about, func(t *testing.T) {
			wantError(t, test.config.Validate(), test.want)
			_, err := Open(context.Background(), test.config)
			wantError(t, err, test.want)
		})
	}
	if err := (Config{Client: client}).Validate(); err != nil {
		t.Errorf("the least config is refused: %v", err)
	}
}

func TestOpenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, testConfig()); err == nil {
		t.Error("Open worked with a cancelled context")
	}
}
