package main

import (
	"fmt"
	"path/filepath"

	"github.com/unit-agent/unit-agent/charm"
	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/model"
)

// keepCharm reads the charm in dir and keeps a copy of it in the data directory,
// where the units of this machine find it whatever becomes of dir.
func (p *program) keepCharm(dir string) (model.Charm, error) {
	read, err := charm.Read(dir)
	if err != nil {
		return model.Charm{}, err
	}
	digest, err := charm.Digest(dir)
	if err != nil {
		return model.Charm{}, err
	}
	store := filepath.Join(p.dataDir, "charms")
	if err := durable.MkdirAll(store, 0o755); err != nil {
		return model.Charm{}, fmt.Errorf("cannot keep the charm: %w", err)
	}
	lock, err := lockFile(filepath.Join(store, "lock"))
	if err != nil {
		return model.Charm{}, fmt.Errorf("cannot keep the charm: %w", err)
	}
	defer lock.Close()
	kept := filepath.Join(store, fmt.Sprintf("%s-%.16s", read.Meta.Name, digest))
	if err := charm.Install(dir, kept); err != nil {
		return model.Charm{}, err
	}
	return model.Charm{
		Name:      read.Meta.Name,
		Revision:  read.Revision,
		Version:   read.Version,
		Digest:    digest,
		Path:      kept,
		Documents: read.Documents,
	}, nil
}
