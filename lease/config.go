package lease

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/juju/clock"
	"github.com/prometheus/client_golang/prometheus"
)

// defaultMaxSleep is what a MaxSleep of 0 means.
const defaultMaxSleep = time.Minute

// ManagerConfig is what a manager needs.
type ManagerConfig struct {
	// Secretary gives the rules of a namespace. Nil means DefaultSecretary.
	Secretary func(namespace string) (Secretary, error)

	// Store keeps the leases. It must not be nil, and it must be safe to use
	// from several goroutines. The manager does not own it: who made it stops
	// it, after the manager has stopped.
	Store Store

	// Clock is the one that the store's expiry times are told in. It must not
	// be nil.
	Clock clock.Clock

	// Logger gets what is worth knowing and has no caller to be told to. Nil
	// means slog.Default().
	Logger *slog.Logger

	// MaxSleep is the longest time that the manager goes without looking for
	// what others did with the leases, where the store does not tell, and the
	// longest delay between two tries to expire a lease. It must not be
	// negative; 0 means one minute.
	MaxSleep time.Duration

	// EntityUUID says on whose behalf the manager works, in logs and metrics.
	// It may be empty.
	EntityUUID string

	// PrometheusRegisterer gets the manager's metrics, for as long as the
	// manager runs. Nil means no metrics.
	PrometheusRegisterer prometheus.Registerer
}

// Validate returns an error if no manager can be made of the config.
func (config ManagerConfig) Validate() error {
	if config.Store == nil {
		return errors.New("lease manager config: Store is nil")
	}
	if config.Clock == nil {
		return errors.New("lease manager config: Clock is nil")
	}
	if config.MaxSleep < 0 {
		return fmt.Errorf("lease manager config: MaxSleep %v is negative", config.MaxSleep)
	}
	return nil
}

// withDefaults returns the config with nothing left to choose.
func (config ManagerConfig) withDefaults() ManagerConfig {
	if config.Secretary == nil {
		config.Secretary = DefaultSecretary
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	if config.EntityUUID != "" {
		config.Logger = config.Logger.With("entity", config.EntityUUID)
	}
	if config.MaxSleep == 0 {
		config.MaxSleep = defaultMaxSleep
	}
	return config
}
