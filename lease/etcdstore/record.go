package etcdstore

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/unit-agent/unit-agent/lease"
)

// record is the value of a lease's key.
type record struct {
	// holder is who has the lease.
	holder string

	// counter is the etcd lease that counts the time down. The key is bound to it, unless the lease is pinned.
	counter clientv3.LeaseID

	// ttl is what the counter counts from, in seconds, as the server granted it. It is 0 if somebody else wrote the record and did not tell.
	ttl int64

	// renewals counts the extensions of this term, so that a write that is none can be told from one.
	renewals int64

	// since is when the term began, by the wall clock of the claimant. It is for people to read.
	since time.Time

	// rest are the members that this version does not know. They are kept.
	rest map[string]json.RawMessage
}

// recordFields is the known part of a record as it stands in the value.
type recordFields struct {
	Holder   string    `json:"holder"`
	Counter  string    `json:"lease,omitempty"` // hexadecimal, as etcd's own tools print it
	TTL      int64     `json:"ttl,omitempty"`
	Renewals int64     `json:"renewals,omitempty"`
	Since    time.Time `json:"since,omitzero"`
}

var recordNames = []string{"holder", "lease", "ttl", "renewals", "since"}

func (r record) encode() (string, error) {
	fields := recordFields{Holder: r.holder, TTL: r.ttl, Renewals: r.renewals, Since: r.since}
	if r.counter != 0 {
		fields.Counter = strconv.FormatInt(int64(r.counter), 16)
	}
	return encode(fields, r.rest)
}

// decodeRecord reads the value of a lease's key that is bound to the given etcd lease, or to none. A value that is not an object is taken
// for the name of the holder.
func decodeRecord(value []byte, bound clientv3.LeaseID) (record, error) {
	var fields recordFields
	rest, err := decode(value, &fields, recordNames)
	if err != nil {
		fields, rest = recordFields{Holder: string(value)}, nil
	}
	if invalid := lease.ValidateString(fields.Holder); invalid != nil {
		if err == nil {
			err = fmt.Errorf("lease holder: %w", invalid)
		}
		return record{}, err
	}
	r := record{holder: fields.Holder, ttl: max(fields.TTL, 0), renewals: fields.Renewals, since: fields.Since, rest: rest, counter: bound}
	if bound == 0 {
		counter, err := strconv.ParseInt(fields.Counter, 16, 64)
		if err != nil {
			counter = 0
		}
		r.counter = clientv3.LeaseID(counter)
	}
	return r, nil
}

// pinsFields is the known part of the value of a lease's pins.
type pinsFields struct {
	Entities []string `json:"entities"`
}

var pinsNames = []string{"entities"}

// pinning is what keeps a lease from expiring. It has at least one entity. It is not changed once made.
type pinning struct {
	entities []string // sorted, without repeats
	rest     map[string]json.RawMessage
	mod      int64
}

func (p *pinning) encode() (string, error) {
	return encode(pinsFields{Entities: p.entities}, p.rest)
}

// with returns the pinning with one more entity; p may be nil.
func (p *pinning) with(entity string) *pinning {
	more := &pinning{entities: []string{entity}}
	if p != nil {
		more.rest = p.rest
		more.entities = append(more.entities, p.entities...)
		slices.Sort(more.entities)
	}
	return more
}

// without returns the pinning without an entity, or nil if it was the only one.
func (p *pinning) without(entity string) *pinning {
	fewer := &pinning{rest: p.rest}
	for _, e := range p.entities {
		if e != entity {
			fewer.entities = append(fewer.entities, e)
		}
	}
	if len(fewer.entities) == 0 {
		return nil
	}
	return fewer
}

// has tells whether an entity pins; p may be nil.
func (p *pinning) has(entity string) bool {
	return p != nil && slices.Contains(p.entities, entity)
}

func decodePins(value []byte, mod int64) (*pinning, error) {
	var fields pinsFields
	rest, err := decode(value, &fields, pinsNames)
	if err != nil {
		return nil, err
	}
	for _, entity := range fields.Entities {
		if err := lease.ValidateString(entity); err != nil {
			return nil, fmt.Errorf("entity: %w", err)
		}
	}
	slices.Sort(fields.Entities)
	return &pinning{entities: slices.Compact(fields.Entities), rest: rest, mod: mod}, nil
}

// encode writes the known fields and the rest as one object.
func encode(fields any, rest map[string]json.RawMessage) (string, error) {
	known, err := json.Marshal(fields)
	if err != nil || len(rest) == 0 {
		return string(known), err
	}
	all := maps.Clone(rest)
	if err := json.Unmarshal(known, &all); err != nil {
		return "", err
	}
	value, err := json.Marshal(all)
	return string(value), err
}

// decode reads an object into the known fields, and returns the rest.
func decode(value []byte, fields any, names []string) (rest map[string]json.RawMessage, err error) {
	if err := json.Unmarshal(value, fields); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(value, &rest); err != nil {
		return nil, err
	}
	for _, name := range names {
		delete(rest, name)
	}
	return rest, nil
}
