package store_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/unit-agent/unit-agent/store"
	"github.com/unit-agent/unit-agent/store/etcdtest"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

func TestEndpoints(t *testing.T) {
	c := etcdtest.NewCluster(t, 3)
	s := openStore(t, store.Config{Endpoints: c.Endpoints()})
	checkServing(t, s, false)
	put(t, s, "k", "v")
	checkValue(t, s, "k", "v")
	if got, want := s.Limits(), (store.Limits{MaxTxnOps: 128, MaxRequestBytes: 3 << 19}); got != want {
		t.Errorf("limits are %+v, want %+v", got, want)
	}

	c.Leader().Kill()
	c.Leader() // another one
	put(t, s, "k", "w")
	checkValue(t, s, "k", "w")
	closeStore(t, s)
}

func TestEndpointsWithoutScheme(t *testing.T) {
	c := etcdtest.NewCluster(t, 1)
	s := openStore(t, store.Config{Endpoints: []string{strings.TrimPrefix(c.Endpoints()[0], "http://")}})
	put(t, s, "k", "v")
}

func TestLimitsOfEndpointsAreConfigured(t *testing.T) {
	c := etcdtest.NewCluster(t, 1)
	s := openStore(t, store.Config{Endpoints: c.Endpoints(), MaxTxnOps: 500, MaxRequestBytes: 1 << 20})
	if got, want := s.Limits(), (store.Limits{MaxTxnOps: 500, MaxRequestBytes: 1 << 20}); got != want {
		t.Errorf("limits are %+v, want %+v", got, want)
	}
}

func TestEndpointsOutOfReach(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // taken, but nobody answers
	cfg := store.Config{Endpoints: []string{"http://" + l.Addr().String()}, ReachTimeout: 300 * time.Millisecond, Logger: quiet()}

	_, err = store.Open(context.Background(), cfg)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "cannot use etcd at http://"+l.Addr().String()) {
		t.Errorf("silent endpoint: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := store.Open(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	l.Close()
	_, err = store.Open(context.Background(), cfg)
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("closed endpoint: %v", err)
	}
}

func TestEndpointsWithPassword(t *testing.T) {
	c := etcdtest.NewCluster(t, 1)
	ctx := testContext(t)
	admin := c.Client()
	for _, step := range []func() error{
		func() error { _, err := admin.RoleAdd(ctx, "root"); return err },
		func() error { _, err := admin.UserAdd(ctx, "root", "secret"); return err },
		func() error { _, err := admin.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := admin.UserAdd(ctx, "agent", "hush"); return err },
		func() error { _, err := admin.AuthEnable(ctx); return err },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	put(t, openStore(t, store.Config{Endpoints: c.Endpoints(), Username: "root", Password: "secret"}), "k", "v")

	// A user without a role for the key that Open asks for is no reason to fail.
	s := openStore(t, store.Config{Endpoints: c.Endpoints(), Username: "agent", Password: "hush"})
	if _, err := s.Client().Put(ctx, "k", "v"); !errors.Is(err, rpctypes.ErrPermissionDenied) {
		t.Errorf("write without a role: %v", err)
	}

	for _, cfg := range []store.Config{
		{Endpoints: c.Endpoints(), Username: "root", Password: "wrong", Logger: quiet()},
		{Endpoints: c.Endpoints(), Logger: quiet()},
	} {
		if _, err := store.Open(ctx, cfg); err == nil || !strings.Contains(err.Error(), "cannot use etcd at "+c.Endpoints()[0]) {
			t.Errorf("user %q, password %q: %v", cfg.Username, cfg.Password, err)
		}
	}
}

func TestEndpointsWithTLS(t *testing.T) {
	c := etcdtest.NewCluster(t, 1)
	endpoint, roots := terminateTLS(t, strings.TrimPrefix(c.Endpoints()[0], "http://"))
	s := openStore(t, store.Config{Endpoints: []string{endpoint}, TLS: &tls.Config{RootCAs: roots}})
	put(t, s, "k", "v")

	_, err := store.Open(testContext(t), store.Config{
		Endpoints: []string{endpoint}, TLS: &tls.Config{}, ReachTimeout: 500 * time.Millisecond, Logger: quiet(),
	})
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
}

// terminateTLS puts TLS in front of a plain endpoint.
func terminateTLS(t *testing.T, behind string) (endpoint string, roots *x509.CertPool) {
	t.Helper()
	cert, roots := selfSigned(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			front, err := l.Accept()
			if err != nil {
				return
			}
			back, err := net.Dial("tcp", behind)
			if err != nil {
				front.Close()
				continue
			}
			pass := func(to, from net.Conn) {
				io.Copy(to, from)
				to.Close()
				from.Close()
			}
			go pass(back, front)
			go pass(front, back)
		}
	}()
	return "https://" + l.Addr().String(), roots
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, roots
}
