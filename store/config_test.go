package store_test

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"

	"github.com/unit-agent/unit-agent/store"
)

func TestConfigValidate(t *testing.T) {
	for _, test := range []struct {
		cfg  store.Config
		want string // "" if it is valid
	}{
		{store.Config{Dir: "d"}, ""},
		{store.Config{Dir: "d", Standby: true, Quota: 1 << 20}, ""},
		{store.Config{Endpoints: []string{"a:1", "https://b:2"}}, ""},
		{store.Config{Endpoints: []string{"a:1"}, TLS: &tls.Config{}, Username: "u", Password: "p", MaxTxnOps: 500, MaxRequestBytes: 1 << 20}, ""},
		{store.Config{}, "neither Dir nor Endpoints is set"},
		{store.Config{Dir: "d", Endpoints: []string{"a:1"}}, `both Dir ("d") and Endpoints (["a:1"]) are set`},
		{store.Config{Dir: "d", TLS: &tls.Config{}}, "TLS, Username and Password are for Endpoints, not for Dir"},
		{store.Config{Dir: "d", Username: "u", Password: "p"}, "TLS, Username and Password are for Endpoints, not for Dir"},
		{store.Config{Dir: "d", MaxTxnOps: 1}, "MaxTxnOps and MaxRequestBytes are for Endpoints, not for Dir"},
		{store.Config{Dir: "d", MaxRequestBytes: 1}, "MaxTxnOps and MaxRequestBytes are for Endpoints, not for Dir"},
		{store.Config{Dir: "d", NoServe: true}, ""},
		{store.Config{Dir: "d", NoServe: true, Standby: true}, "NoServe and Standby are both set"},
		{store.Config{Endpoints: []string{"a:1"}, NoServe: true}, "NoServe is for Dir, not for Endpoints"},
		{store.Config{Endpoints: []string{"a:1", " "}}, `empty endpoint in ["a:1" " "]`},
		{store.Config{Endpoints: []string{"a:1"}, Username: "u"}, "Username and Password must be set together"},
		{store.Config{Endpoints: []string{"a:1"}, Password: "p"}, "Username and Password must be set together"},
		{store.Config{Endpoints: []string{"a:1"}, MaxTxnOps: -1}, "MaxTxnOps is negative (-1)"},
		{store.Config{Endpoints: []string{"a:1"}, MaxRequestBytes: -1}, "MaxRequestBytes is negative (-1)"},
		{store.Config{Endpoints: []string{"a:1"}, ReachTimeout: -1}, "ReachTimeout is negative (-1ns)"},
		{store.Config{Dir: "d", Quota: -1}, "Quota is negative (-1)"},
	} {
		err := test.cfg.Validate()
		if test.want == "" {
			if err != nil {
				t.Errorf("%+v: %v", test.cfg, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: got %v, want %q", test.cfg, err, test.want)
			continue
		}
		if _, openErr := store.Open(context.Background(), test.cfg); openErr == nil || openErr.Error() != err.Error() {
			t.Errorf("%+v: Open says %v, Validate says %v", test.cfg, openErr, err)
		}
	}
}
