package store

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/juju/clock"
)

// Limits of the embedded server. A hook's flush and a bundle's deployment are one
// transaction each, so etcd's own 128 operations and 1.5 MiB would be met in normal use.
const (
	embeddedMaxTxnOps       = 10_000
	embeddedMaxRequestBytes = 8 << 20
)

// Limits that an etcd cluster has unless it was configured otherwise.
const (
	clusterMaxTxnOps       = 128
	clusterMaxRequestBytes = 3 << 19 // 1.5 MiB
)

// DefaultQuota is the most that the embedded server's database may grow to, in bytes,
// before it refuses writes. The model of a thousand units takes a few MiB of it.
const DefaultQuota = 1 << 30

// Config says which etcd to use.
type Config struct {
	// Dir is the directory of the embedded store. Exactly one of Dir and Endpoints is set.
	Dir string

	// Endpoints are the client URLs or host:port addresses of an etcd cluster.
	Endpoints []string

	// Standby makes this Store take the place of the process that serves Dir when that goes
	// away. If it cannot, the Store ends with the reason. Processes that live long want it,
	// and so do commands that should finish what they began; only one that a person may leave
	// stopped with ctrl-Z should not, since a stopped server stops everybody. For Endpoints
	// it has no meaning.
	Standby bool

	// NoServe makes Open fail with ErrNotServed, and change nothing, where no other process
	// serves Dir. It does not go with Standby.
	NoServe bool

	// TLS, Username and Password are for Endpoints only. A username needs a password.
	TLS                *tls.Config
	Username, Password string

	// MaxTxnOps and MaxRequestBytes say what the cluster at Endpoints was configured with
	// (its --max-txn-ops and --max-request-bytes). Zero means etcd's defaults, 128 and 1.5 MiB.
	MaxTxnOps, MaxRequestBytes int

	// ReachTimeout bounds the first contact with Endpoints, in addition to the
	// context given to Open. Zero means 10 seconds. It must not be negative.
	ReachTimeout time.Duration

	// Quota is the size in bytes at which the embedded database refuses writes, give or take
	// what is written in a second. Zero means DefaultQuota. It must not be negative.
	Quota int64

	// Clock says when the embedded server's size is due for a look. Nil means the wall clock.
	Clock clock.Clock

	// Logger takes what this package and the embedded server have to say. Nil means
	// slog.Default(). Of etcd's own messages, warnings and errors keep their level.
	Logger *slog.Logger
}

// Validate reports the first thing that is wrong with the config.
func (c Config) Validate() error {
	switch {
	case c.Dir == "" && len(c.Endpoints) == 0:
		return errors.New("store config: neither Dir nor Endpoints is set")
	case c.Dir != "" && len(c.Endpoints) != 0:
		return fmt.Errorf("store config: both Dir (%q) and Endpoints (%q) are set", c.Dir, c.Endpoints)
	case c.NoServe && c.Standby:
		return errors.New("store config: NoServe and Standby are both set")
	case c.NoServe && c.Dir == "":
		return errors.New("store config: NoServe is for Dir, not for Endpoints")
	case c.Dir != "" && (c.TLS != nil || c.Username != "" || c.Password != ""):
		return errors.New("store config: TLS, Username and Password are for Endpoints, not for Dir")
	case c.Dir != "" && (c.MaxTxnOps != 0 || c.MaxRequestBytes != 0):
		return errors.New("store config: MaxTxnOps and MaxRequestBytes are for Endpoints, not for Dir")
	case (c.Username == "") != (c.Password == ""):
		return errors.New("store config: Username and Password must be set together")
	case c.MaxTxnOps < 0:
		return fmt.Errorf("store config: MaxTxnOps is negative (%d)", c.MaxTxnOps)
	case c.MaxRequestBytes < 0:
		return fmt.Errorf("store config: MaxRequestBytes is negative (%d)", c.MaxRequestBytes)
	case c.ReachTimeout < 0:
		return fmt.Errorf("store config: ReachTimeout is negative (%v)", c.ReachTimeout)
	case c.Quota < 0:
		return fmt.Errorf("store config: Quota is negative (%d)", c.Quota)
	}
	for _, e := range c.Endpoints {
		if strings.TrimSpace(e) == "" {
			return fmt.Errorf("store config: empty endpoint in %q", c.Endpoints)
		}
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Clock == nil {
		c.Clock = clock.WallClock
	}
	if c.ReachTimeout == 0 {
		c.ReachTimeout = 10 * time.Second
	}
	if c.Quota == 0 {
		c.Quota = DefaultQuota
	}
	return c
}

// Limits are the largest transaction and request that a store takes. etcd refuses what is larger.
type Limits struct {
	// MaxTxnOps bounds the comparisons, and the operations of each branch, of one transaction.
	MaxTxnOps int
	// MaxRequestBytes bounds the encoded size of one request.
	MaxRequestBytes int
}

func (c Config) limits() Limits {
	if c.Dir != "" {
		return Limits{MaxTxnOps: embeddedMaxTxnOps, MaxRequestBytes: embeddedMaxRequestBytes}
	}
	l := Limits{MaxTxnOps: c.MaxTxnOps, MaxRequestBytes: c.MaxRequestBytes}
	if l.MaxTxnOps == 0 {
		l.MaxTxnOps = clusterMaxTxnOps
	}
	if l.MaxRequestBytes == 0 {
		l.MaxRequestBytes = clusterMaxRequestBytes
	}
	return l
}
