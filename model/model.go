package model

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/juju/clock"
	"github.com/juju/names/v4"
	"github.com/juju/utils/v3"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	defaultPrefix = "/unit-agent"
	defaultName   = "default"

	// formatVersion is the form of keys and values that this program writes. A program that cannot read them all
	// must not touch the store.
	formatVersion = 1

	// What etcd takes unless it is told otherwise.
	defaultMaxTxnOps       = 128
	defaultMaxRequestBytes = 3 << 19 // 1.5 MiB

	maxAttempts = 100
	pageSize    = 1000
)

// Config says which model to open, and where.
type Config struct {
	// Client must stay open for as long as the model is used.
	Client *clientv3.Client
	// Prefix is what all keys begin with; "/unit-agent" if empty. It begins with a slash and does not end in one.
	Prefix string
	// Name is the model's name; "default" if empty.
	Name string
	// Clock is the wall clock if nil.
	Clock clock.Clock
	// Logger is slog.Default() if nil.
	Logger *slog.Logger
	// MaxTxnOps and MaxRequestBytes are what the store takes; 0 means etcd's defaults, 128 and 1.5 MiB. Negative
	// values are refused.
	MaxTxnOps       int
	MaxRequestBytes int
}

// Validate returns an error if the config cannot work.
func (c Config) Validate() error {
	switch {
	case c.Client == nil:
		return errors.New("cannot open a model: Client is nil")
	case c.Prefix != "" && (!strings.HasPrefix(c.Prefix, "/") || strings.HasSuffix(c.Prefix, "/")):
		return fmt.Errorf("cannot open a model: Prefix %q must begin with a slash and not end in one", c.Prefix)
	case c.Name != "" && !names.IsValidModelName(c.Name):
		return fmt.Errorf("cannot open model %q: the name must be lower-case letters, digits and dashes", c.Name)
	case c.MaxTxnOps < 0 || c.MaxRequestBytes < 0:
		return fmt.Errorf("cannot open a model: MaxTxnOps %d and MaxRequestBytes %d must not be negative", c.MaxTxnOps, c.MaxRequestBytes)
	}
	return nil
}

// Model is the shared model. It may be used by many goroutines; it owns none. What it starts are workers, which are the
// caller's to stop, before the client is closed.
type Model struct {
	client   *clientv3.Client
	prefix   string
	name     string
	uuid     string
	keys     keys
	clock    clock.Clock
	logger   *slog.Logger
	maxOps   int
	maxBytes int

	// mu guards what the workers of this process share.
	mu           sync.Mutex
	session      *session
	applications map[string]*applicationShare
	relations    map[int]*relationShare
}

// Open returns the model of the given name, which it creates if it is not there. It fails if the store holds a newer
// format than this program knows.
func Open(ctx context.Context, config Config) (*Model, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	m := &Model{
		client:       config.Client,
		prefix:       config.Prefix,
		name:         config.Name,
		clock:        config.Clock,
		logger:       config.Logger,
		maxOps:       config.MaxTxnOps,
		maxBytes:     config.MaxRequestBytes,
		applications: map[string]*applicationShare{},
		relations:    map[int]*relationShare{},
	}
	if m.prefix == "" {
		m.prefix = defaultPrefix
	}
	if m.name == "" {
		m.name = defaultName
	}
	if m.clock == nil {
		m.clock = clock.WallClock
	}
	if m.logger == nil {
		m.logger = slog.Default()
	}
	if m.maxOps == 0 {
		m.maxOps = defaultMaxTxnOps
	}
	if m.maxBytes == 0 {
		m.maxBytes = defaultMaxRequestBytes
	}
	_, err := m.transact(ctx, nil, m.open)
	if err != nil {
		return nil, fmt.Errorf("cannot open model %q: %w", m.name, err)
	}
	m.keys = keys(modelBase(m.prefix, m.uuid))
	return m, nil
}

// open finds the model, or drafts a new one.
func (m *Model) open(d *draft) error {
	if err := d.load(formatKey(m.prefix), modelKey(m.prefix, m.name)); err != nil {
		return err
	}
	format, ok, err := read[formatRecord](d, formatKey(m.prefix))
	if err != nil {
		return err
	}
	if !ok {
		if err := write(d, formatKey(m.prefix), formatRecord{Version: formatVersion}); err != nil {
			return err
		}
	}
	if format.Version > formatVersion {
		return fmt.Errorf("the store is in format %d and this program knows formats up to %d: use a newer version of this program",
			format.Version, formatVersion)
	}
	record, ok, err := read[modelRecord](d, modelKey(m.prefix, m.name))
	if err != nil {
		return err
	}
	if ok {
		m.uuid = record.UUID
		return nil
	}
	uuid, err := utils.NewUUID()
	if err != nil {
		return err
	}
	m.uuid = uuid.String()
	if err := write(d, keys(modelBase(m.prefix, m.uuid)).meta(), modelMetaRecord{Name: m.name, Created: m.now()}); err != nil {
		return err
	}
	return write(d, modelKey(m.prefix, m.name), modelRecord{UUID: m.uuid})
}

// UUID returns what tells this model from every other one.
func (m *Model) UUID() string { return m.uuid }

// Name returns the name of the model.
func (m *Model) Name() string { return m.name }

// Client returns the client that the model was opened with.
func (m *Model) Client() *clientv3.Client { return m.client }

// now returns the time as it is written to the store.
func (m *Model) now() time.Time { return m.clock.Now().UTC() }

// pause waits before another attempt: not at all before the first few, then longer and longer.
func (m *Model) pause(ctx context.Context, attempt int) error {
	const immediate, longest = 4, 32
	if attempt < immediate {
		return ctx.Err()
	}
	wait := 1 + rand.N(min(1<<min(attempt-immediate, 10), longest))
	select {
	case <-m.clock.After(time.Duration(wait) * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// list returns what stands under a prefix at a revision, by key, and the revision; 0 means the newest one. It
// reads page by page.
func (m *Model) list(ctx context.Context, prefix string, revision int64, options ...clientv3.OpOption) ([]*mvccpb.KeyValue, int64, error) {
	var found []*mvccpb.KeyValue
	from, end := prefix, clientv3.GetPrefixRangeEnd(prefix)
	for {
		page := append([]clientv3.OpOption{clientv3.WithRange(end), clientv3.WithRev(revision), clientv3.WithLimit(pageSize)}, options...)
		response, err := m.client.Get(ctx, from, page...)
		if err != nil {
			return nil, 0, fmt.Errorf("cannot read the model: %w", err)
		}
		if revision == 0 {
			revision = response.Header.Revision
		}
		found = append(found, response.Kvs...)
		if !response.More || len(response.Kvs) == 0 {
			return found, revision, nil
		}
		from = string(response.Kvs[len(response.Kvs)-1].Key) + "\x00"
	}
}
