package etcdstore

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/juju/clock"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// defaultOperationTimeout is what an OperationTimeout of 0 means.
const defaultOperationTimeout = 5 * time.Second

// Config is what a store needs.
type Config struct {
	// Client reaches the cluster. It must not be nil. It is the caller's: who made it closes it, after the store has stopped.
	Client *clientv3.Client

	// Prefix is what the keys of all leases and pins begin with. A slash is added if it does not end in one. Whatever else stands below it
	// is left alone. It may be empty.
	Prefix string

	// Layout says where below the Prefix each lease stands. Nil means <namespace>/<modelUUID>/<lease>. All stores on one Prefix must have
	// the same.
	Layout Layout

	// Clock is the one that expiry times are told in. It must not be nil. Time on the network does not go by it.
	Clock clock.Clock

	// Logger gets what is worth knowing and has no caller to be told to. Nil means slog.Default().
	Logger *slog.Logger

	// OperationTimeout is the longest that an operation takes. It must not be negative; 0 means 5 seconds.
	OperationTimeout time.Duration
}

// Validate returns an error if no store can be made of the config.
func (config Config) Validate() error {
	if config.Client == nil {
		return errors.New("lease store config: Client is nil")
	}
	if config.Clock == nil {
		return errors.New("lease store config: Clock is nil")
	}
	if config.OperationTimeout < 0 {
		return fmt.Errorf("lease store config: OperationTimeout %v is negative", config.OperationTimeout)
	}
	return nil
}

// withDefaults returns the config with nothing left to choose.
func (config Config) withDefaults() Config {
	if config.Prefix != "" && !strings.HasSuffix(config.Prefix, "/") {
		config.Prefix += "/"
	}
	if config.Layout == nil {
		config.Layout = plainLayout{}
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	if config.OperationTimeout == 0 {
		config.OperationTimeout = defaultOperationTimeout
	}
	return config
}
