package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/store"
)

// session is a command's way to the model.
type session struct {
	*model.Model
	store *store.Store
}

// open reaches the store and the model in it. Should the process that serves the
// store die meanwhile, this one takes its place, so that a command ends what it
// has begun.
func (p *program) open(ctx context.Context) (*session, error) {
	// A store that is being started cannot be stopped half-way, so it is not begun.
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	config := store.Config{Standby: true, Logger: p.storeLogger()}
	if err := p.cluster.configure(&config); err != nil {
		return nil, err
	}
	if len(config.Endpoints) == 0 {
		config.Dir = filepath.Join(p.dataDir, "etcd")
		if err := os.MkdirAll(p.dataDir, 0o755); err != nil {
			return nil, fmt.Errorf("cannot make the data directory: %w: give another with --data-dir", err)
		}
	}
	s, err := store.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	limits := s.Limits()
	m, err := model.Open(ctx, model.Config{
		Client:          s.Client(),
		Logger:          p.logger,
		MaxTxnOps:       limits.MaxTxnOps,
		MaxRequestBytes: limits.MaxRequestBytes,
	})
	if err != nil {
		s.Kill()
		return nil, errors.Join(err, s.Wait())
	}
	return &session{Model: m, store: s}, nil
}

// storeLogger keeps what etcd says of its daily work out of even a verbose log.
func (p *program) storeLogger() *slog.Logger {
	return slog.New(slog.NewTextHandler(p.progress, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// close ends the session. Its error matters only to those who wrote something.
func (s *session) close() error {
	s.store.Kill()
	return s.store.Wait()
}

// with opens a session for one short piece of work.
func (p *program) with(ctx context.Context, work func(*session) error) error {
	s, err := p.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(work(s), s.close())
}

// machineId returns the id that this data directory has as a machine of the
// model. The first call registers it.
func (p *program) machineId(ctx context.Context, m *model.Model) (string, error) {
	dir := filepath.Join(p.dataDir, "machines")
	if err := durable.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("cannot make the data directory: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return "", fmt.Errorf("cannot lock the machine's id: %w", err)
	}
	defer lock.Close()
	path := filepath.Join(dir, m.UUID())
	data, err := os.ReadFile(path)
	if err == nil {
		id := strings.TrimSpace(string(data))
		if _, err := m.Machine(ctx, id); err == nil {
			return id, nil
		} else if !model.IsNotFound(err) {
			return "", err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("cannot read the machine's id: %w", err)
	}
	machine, err := describeMachine()
	if err != nil {
		return "", err
	}
	id, err := m.AddMachine(ctx, machine)
	if err != nil {
		return "", err
	}
	if err := durable.WriteFile(path, []byte(id+"\n"), 0o644); err != nil {
		return "", fmt.Errorf("cannot keep the machine's id: %w", err)
	}
	return id, nil
}

// lockFile waits for the lock that one process at a time has of the file at path.
// It ends when the file is closed.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}
