package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/unit-agent/unit-agent/store"
)

// cluster says how to reach an etcd cluster.
type cluster struct {
	endpoints                 []string
	caFile, certFile, keyFile string
	maxTxnOps                 int
	maxRequestBytes           int
}

func (c *cluster) add(flags *pflag.FlagSet) {
	flags.StringSliceVar(&c.endpoints, "endpoints", nil, "etcd cluster to use instead of the embedded store (default $UNIT_AGENT_ENDPOINTS)")
	flags.StringVar(&c.caFile, "ca-file", "", "file with the certificates that the cluster's are signed with")
	flags.StringVar(&c.certFile, "cert-file", "", "file with the certificate to show to the cluster")
	flags.StringVar(&c.keyFile, "key-file", "", "file with the key of that certificate")
	flags.IntVar(&c.maxTxnOps, "max-txn-ops", 0, "what the cluster was given as --max-txn-ops (default etcd's own)")
	flags.IntVar(&c.maxRequestBytes, "max-request-bytes", 0, "what the cluster was given as --max-request-bytes (default etcd's own)")
}

// configure fills in what the store must know of the cluster.
func (c *cluster) configure(config *store.Config) error {
	if len(c.endpoints) == 0 {
		if c.caFile != "" || c.certFile != "" || c.keyFile != "" || c.maxTxnOps != 0 || c.maxRequestBytes != 0 {
			return usagef("flags for a cluster are given, but no --endpoints")
		}
		return nil
	}
	config.Endpoints = c.endpoints
	config.MaxTxnOps, config.MaxRequestBytes = c.maxTxnOps, c.maxRequestBytes
	config.Username, config.Password = os.Getenv("UNIT_AGENT_ETCD_USER"), os.Getenv("UNIT_AGENT_ETCD_PASSWORD")
	var err error
	config.TLS, err = c.tls()
	return err
}

// tls returns nil if no file is given: endpoints that begin with https then use
// the system's certificates.
func (c *cluster) tls() (*tls.Config, error) {
	if (c.certFile == "") != (c.keyFile == "") {
		return nil, usagef("--cert-file and --key-file must be given together")
	}
	if c.caFile == "" && c.certFile == "" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.caFile != "" {
		pem, err := os.ReadFile(c.caFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read --ca-file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("cannot read --ca-file: it holds no PEM certificate")
		}
	}
	if c.certFile != "" {
		pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read --cert-file and --key-file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
