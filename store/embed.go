package store

import (
	"net/url"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
)

// logFileBytes is the size of a file of etcd's log. Two are allocated at once, and all that are
// kept are read at a start; etcd's own 64 MB is for busier stores.
const logFileBytes = 16 << 20

func init() {
	// The only way to set it. Here nothing can be using it yet.
	wal.SegmentSizeBytes = logFileBytes
}

// embedConfig returns the config of the server in dir. What etcd takes for a reason to end
// the process goes to the logger, whose hooks see to it that the process does not end.
func embedConfig(dir string, quota int64, logger *zap.Logger) *embed.Config {
	c := embed.NewConfig()
	c.Name = "unit-agent"
	c.Dir = dir
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(logger)

	// Etcd listens nowhere: server.serve takes clients, and there are no peers. A
	// member must have a peer URL all the same; this one leads nowhere.
	c.ListenClientUrls, c.AdvertiseClientUrls, c.ListenPeerUrls = nil, nil, nil
	c.AdvertisePeerUrls = []url.URL{{Scheme: "http", Host: "unit-agent.invalid:1"}}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.EnableGRPCGateway = false

	// The election does not wait for ticks (see server.lead), and each tick wakes an idle
	// process. The election timeout sets the least lease time: 1.5 times 1 s, rounded up to 2 s.
	c.TickMs, c.ElectionMs = 200, 1000

	// The database is written behind the log, which alone makes a write durable. What a
	// crash keeps from the database is read from the log again.
	c.BackendBatchInterval = time.Second
	// Entries since the last snapshot are read again at a start. The newest are kept in
	// memory too, for followers; fewer than a start can read would be dropped while
	// raft may yet want them (see server.lead).
	c.SnapshotCount, c.SnapshotCatchUpEntries = 2000, 5000
	c.MaxSnapFiles, c.MaxWalFiles = 2, 2

	c.MaxTxnOps = embeddedMaxTxnOps
	c.MaxRequestBytes = embeddedMaxRequestBytes
	c.QuotaBackendBytes = quota
	c.AutoCompactionMode = embed.CompactorModePeriodic
	c.AutoCompactionRetention = "10m"

	// Slower than this is worth a warning. (Zero would warn of every request.)
	c.WarningApplyDuration, c.WarningUnaryRequestDuration = 500*time.Millisecond, time.Second
	return c
}
