package machinelease

import (
	"encoding/json"
	"strconv"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// record is the value of a lease's key.
type record struct {
	MachineID string `json:"machine-id"`
	Version   int    `json:"version"`

	// Term is new in each acquisition and theft, and stays over renewals. It is the etcd lease that was granted then.
	Term string `json:"term"`
}

func (r record) encode() string {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // it consists of strings and numbers
	}
	return string(b)
}

// decode reads a record. What is not in our format is a machine ID.
func decode(value []byte) (r record, ours bool) {
	if err := json.Unmarshal(value, &r); err == nil && r.MachineID != "" && r.Term != "" {
		return r, true
	}
	return record{MachineID: string(value)}, false
}

// name is how a record names a term.
func (g *grant) name() string { return strconv.FormatInt(int64(g.id), 16) }

// holding is the lease that a key stands for.
func (m *manager) holding(name string, kv *mvccpb.KeyValue) *held {
	r, ours := decode(kv.Value)
	l := &held{manager: m, name: name, record: r, raw: string(kv.Value), index: uint64(kv.ModRevision)}
	if ours {
		// Somebody else's etcd lease may have other keys, and is not for us to revoke.
		l.counter = clientv3.LeaseID(kv.Lease)
	}
	return l
}
