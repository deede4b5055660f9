package etcdstore

import (
	"net/url"
	"strings"

	"github.com/unit-agent/unit-agent/lease"
)

// Layout says where leases stand. The pins of a lease stand beside it, at its path followed by ".pins". Its methods are called from
// several goroutines.
type Layout interface {
	// Path returns the path of a lease below the prefix, different for each lease. It must not end in ".pins". An empty path says that
	// there is no place for such a lease, and whoever asked for it gets an error.
	Path(key lease.Key) string

	// Key returns the lease that stands at a path, and false for a path at which none stands. It is asked about every change below the prefix,
	// so it should be quick to say no.
	Key(path string) (lease.Key, bool)
}

// plainLayout is <namespace>/<modelUUID>/<lease>, escaped so that a slash in a name makes no difference.
type plainLayout struct{}

// Path is part of Layout.
func (plainLayout) Path(key lease.Key) string {
	return url.PathEscape(key.Namespace) + "/" + url.PathEscape(key.ModelUUID) + "/" + url.PathEscape(key.Lease)
}

// Key is part of Layout.
func (plainLayout) Key(path string) (key lease.Key, ok bool) {
	if strings.Count(path, "/") != 2 {
		return key, false
	}
	namespace, rest, _ := strings.Cut(path, "/")
	model, name, _ := strings.Cut(rest, "/")
	for _, part := range []struct {
		to      *string
		escaped string
	}{{&key.Namespace, namespace}, {&key.ModelUUID, model}, {&key.Lease, name}} {
		var err error
		if *part.to, err = url.PathUnescape(part.escaped); err != nil {
			return lease.Key{}, false
		}
	}
	return key, true
}

// pinsSuffix ends the keys of pins. No lease's path ends in it, because no name has a dot.
const pinsSuffix = ".pins"

// place is where something stands that the store has to do with.
type place struct {
	key  lease.Key
	pins bool
}

// locate tells what an etcd key is for. Most keys below the prefix may have nothing to do with leases.
func (config *Config) locate(etcdKey []byte) (at place, ok bool) {
	path := string(etcdKey[len(config.Prefix):])
	path, at.pins = strings.CutSuffix(path, pinsSuffix)
	at.key, ok = config.Layout.Key(path)
	if !ok || at.key.Validate() != nil {
		return place{}, false
	}
	return at, true
}
