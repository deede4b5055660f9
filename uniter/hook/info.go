// Package hook says which hook is meant: its kind, and the relation, remote
// unit, storage, action or secret that it is about.
//
// It holds nouns and rules only. An Info is a plain value: it is compared with
// ==, copied freely, and written to disk as YAML in the operation record.
package hook

import "github.com/juju/charm/v12/hooks"

// Info identifies one hook. Which of the fields after Kind are set depends on the
// kind; Validate knows the rules.
type Info struct {
	// Kind says which hook it is.
	Kind hooks.Kind `yaml:"kind"`

	// RelationId identifies the relation of a relation hook. It is never
	// negative, and 0 is a relation like any other.
	RelationId int `yaml:"relation-id,omitempty"`

	// RemoteUnit names the unit that a relation hook is about, as in
	// "mysql/0". It is empty for relation-created and relation-broken, and for
	// a relation-changed that is about an application's settings.
	RemoteUnit string `yaml:"remote-unit,omitempty"`

	// RemoteApplication names the application on the other side. A hook that
	// names a remote unit too is about that unit.
	RemoteApplication string `yaml:"remote-application,omitempty"`

	// DepartingUnit names the unit whose leaving caused a relation-departed.
	// It is the remote unit, or the unit that runs the hook.
	DepartingUnit string `yaml:"departing-unit,omitempty"`

	// ChangeVersion is the version of the settings that the hook delivers. Two
	// versions are the same or not; neither is later than the other.
	ChangeVersion int64 `yaml:"change-version,omitempty"`

	// StorageId identifies the storage instance of a storage hook, as in "data/0".
	StorageId string `yaml:"storage-id,omitempty"`

	// ActionId identifies the action to run.
	ActionId string `yaml:"action-id,omitempty"`

	// SecretURI identifies the secret of a secret hook.
	SecretURI string `yaml:"secret-uri,omitempty"`

	// SecretLabel is the name that this unit has for the secret, if any.
	SecretLabel string `yaml:"secret-label,omitempty"`

	// SecretRevision is the revision that has expired or may be removed. It
	// counts from 1.
	SecretRevision int `yaml:"secret-revision,omitempty"`
}

// Name returns the name that the charm knows the hook by. Relation, storage and
// workload hooks carry the name of their endpoint, storage or container in
// front, as in "db-relation-joined"; others, as "install", have no use for it.
func (hi Info) Name(endpointOrStorage string) string {
	if hi.Kind.IsRelation() || hi.Kind.IsStorage() || hi.Kind.IsWorkload() {
		return endpointOrStorage + "-" + string(hi.Kind)
	}
	return string(hi.Kind)
}
