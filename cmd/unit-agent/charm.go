package main

import (
	"fmt"
	"path/filepath"

	"github.com/unit-agent/unit-agent/charm"
	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/model"
)

// readCharm returns the charm in dir as the model has it, but for the path of the
// copy that is kept. It changes nothing.
func readCharm(dir string) (model.Charm, error) {
	read, err := charm.Read(dir)
	if err != nil {
		return model.Charm{}, err
	}
	digest, err := charm.Digest(dir)
	if err != nil {
		return model.Charm{}, err
	}
	return model.Charm{
		Name:      read.Meta.Name,
		Revision:  read.Revision,
		Version:   read.Version,
		Digest:    digest,
		Documents: read.Documents,
	}, nil
}

// keepCharm keeps a copy of the charm in dir in the data directory, where the
// units of this machine find it whatever becomes of dir, and returns its path.
func (p *program) keepCharm(dir string, c model.Charm) (string, error) {
	store := filepath.Join(p.dataDir, "charms")
	if err := durable.MkdirAll(store, 0o755); err != nil {
		return "", fmt.Errorf("cannot keep the charm: %w", err)
	}
	lock, err := lockFile(filepath.Join(store, "lock"))
	if err != nil {
		return "", fmt.Errorf("cannot keep the charm: %w", err)
	}
	defer lock.Close()
	kept := filepath.Join(store, fmt.Sprintf("%s-%.16s", c.Name, c.Digest))
	return kept, charm.Install(dir, kept)
}
