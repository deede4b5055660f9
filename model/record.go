package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"
	"time"
)

// The values in the store. Their members are never renamed and never change their meaning: programs of several
// versions share a store.
type (
	formatRecord struct {
		Version int `json:"version"`
	}
	modelRecord struct {
		UUID string `json:"uuid"`
	}
	modelMetaRecord struct {
		Name    string    `json:"name"`
		Created time.Time `json:"created"`
	}
	sequenceRecord struct {
		Next int `json:"next"`
	}
	machineRecord struct {
		Hostname  string    `json:"hostname,omitempty"`
		Addresses []string  `json:"addresses,omitempty"`
		Since     time.Time `json:"since"`
	}
	applicationRecord struct {
		Life        Life      `json:"life"`
		Subordinate bool      `json:"subordinate,omitempty"`
		Exposed     bool      `json:"exposed,omitempty"`
		Trust       bool      `json:"trust,omitempty"`
		Created     time.Time `json:"created"`
	}
	// configRecord holds what people set, typed as the charm's schema says.
	configRecord struct {
		Settings map[string]json.RawMessage `json:"settings"`
	}
	unitRecord struct {
		Life      Life      `json:"life"`
		Machine   string    `json:"machine,omitempty"`
		Principal string    `json:"principal,omitempty"`
		Taken     bool      `json:"taken,omitempty"`
		Created   time.Time `json:"created"`
	}
	addressesRecord struct {
		Public  string `json:"public,omitempty"`
		Private string `json:"private,omitempty"`
	}
	versionRecord struct {
		Version string    `json:"version"`
		Since   time.Time `json:"since"`
	}
	resolvedRecord struct {
		Mode  Resolved  `json:"mode"`
		Since time.Time `json:"since"`
	}
	portsRecord struct {
		Ranges []PortRange `json:"ranges"`
	}
	// holdRecord is the value of a key that lives as long as a process.
	holdRecord struct {
		Machine string    `json:"machine"`
		Since   time.Time `json:"since"`
	}
	// relationRecord stands in the relation's own place and, written in the same transaction, in the index of each
	// of its applications.
	relationRecord struct {
		Life      Life       `json:"life"`
		Endpoints []Endpoint `json:"endpoints"`
	}
	// bagRecord holds the settings of a unit or of an application in a relation.
	bagRecord struct {
		Settings map[string]string `json:"settings"`
		// Principal is, in a relation of container scope, the principal unit that this unit is or belongs to.
		Principal string `json:"principal,omitempty"`
		// Writer is the unit that wrote an application's settings last.
		Writer string `json:"writer,omitempty"`
		// Foreign is the ModRevision of the last settings that somebody other than Writer wrote. To Writer it is
		// the version of these settings, so that its own writes are no news to it and nobody else's are lost.
		Foreign int64 `json:"foreign-revision,omitempty"`
	}
)

// decode reads a record. The error names the key.
func decode[T any](key string, data []byte) (T, error) {
	var record T
	if err := json.Unmarshal(data, &record); err != nil {
		return record, fmt.Errorf("cannot understand the value of key %q: %v", key, err)
	}
	return record, nil
}

// rewrite returns the JSON of record for a key whose value was old, which may be empty. What the type of record does
// not know stays: members of the value, and members inside of a member that itself stays as it was.
func rewrite[T any](key string, old []byte, record T) ([]byte, error) {
	fresh, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("cannot write key %q: %w", key, err)
	}
	if len(old) == 0 {
		return fresh, nil
	}
	before, err := decode[T](key, old)
	if err != nil {
		return nil, err
	}
	canonical, err := json.Marshal(before)
	if err != nil {
		return nil, fmt.Errorf("cannot write key %q: %w", key, err)
	}
	if bytes.Equal(canonical, fresh) {
		return old, nil
	}
	result, err := decode[map[string]json.RawMessage](key, old)
	if err != nil {
		return nil, err
	}
	was, err := decode[map[string]json.RawMessage](key, canonical)
	if err != nil {
		return nil, err
	}
	is, err := decode[map[string]json.RawMessage](key, fresh)
	if err != nil {
		return nil, err
	}
	if result == nil {
		return fresh, nil
	}
	known := members(reflect.TypeFor[T]())
	maps.DeleteFunc(result, func(name string, _ json.RawMessage) bool {
		return known[name] && !bytes.Equal(was[name], is[name])
	})
	for name, value := range is {
		if _, ok := result[name]; !ok {
			result[name] = value
		}
	}
	return json.Marshal(result)
}

// knownMembers caches members.
var knownMembers sync.Map

// members returns the names of the JSON members that a record type knows.
func members(record reflect.Type) map[string]bool {
	if cached, ok := knownMembers.Load(record); ok {
		return cached.(map[string]bool)
	}
	known := make(map[string]bool, record.NumField())
	for field := range record.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		known[name] = true
	}
	knownMembers.Store(record, known)
	return known
}
