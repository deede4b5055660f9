package model

import (
	"context"
	"time"

	"github.com/unit-agent/unit-agent/charm"
)

// Charm is the charm that an application runs, with all of it that the model needs to know.
type Charm struct {
	Name     string `json:"name"`
	Revision int    `json:"revision"`
	// Version is the free text of the charm's version file.
	Version string `json:"version,omitempty"`
	// Digest tells one charm content from another.
	Digest string `json:"digest,omitempty"`
	// Path is the directory that the charm was deployed from, on the machine where it was deployed.
	Path      string          `json:"path,omitempty"`
	Documents charm.Documents `json:"documents"`
}

// Ref returns the charm without its documents.
func (c Charm) Ref() CharmRef {
	return CharmRef{Name: c.Name, Revision: c.Revision, Version: c.Version, Digest: c.Digest, Path: c.Path}
}

// CharmRef names a charm.
type CharmRef struct {
	Name     string
	Revision int
	Version  string
	Digest   string
	Path     string
}

// Application is one deployed charm.
type Application struct {
	Name        string
	Charm       Charm
	Life        Life
	Subordinate bool
	Exposed     bool
	Trust       bool
	Created     time.Time
}

// Application returns an application. The error of one that is not there satisfies IsNotFound.
func (m *Model) Application(ctx context.Context, application string) (Application, error) {
	return m.View("").Application(ctx, application)
}

func applicationFrom(name string, record applicationRecord, charm Charm) Application {
	return Application{
		Name:        name,
		Charm:       charm,
		Life:        record.Life,
		Subordinate: record.Subordinate,
		Exposed:     record.Exposed,
		Trust:       record.Trust,
		Created:     record.Created,
	}
}
