package model

import (
	"context"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// WatchAll returns a channel that says that something which Status shows has changed, without saying what; several
// changes may be told as one. It says so once at the beginning, when no later change can be missed, so that who
// calls Status each time sees everything. The channel is closed, and the goroutine behind it gone, when the context
// ends or the store refuses.
func (m *Model) WatchAll(ctx context.Context) <-chan struct{} {
	changes := make(chan struct{}, 1)
	go func() {
		defer close(changes)
		w := watchAll{m: m, changes: changes, leaders: map[string]string{}}
		if err := m.persist(ctx, func() (bool, error) { return w.watch(ctx) }); err != nil {
			m.logger.Error("cannot watch the model", "error", err)
		}
	}()
	return changes
}

type watchAll struct {
	m       *Model
	changes chan struct{}
	// leaders holds the holder of each leadership lease, because a renewal is nothing that Status shows.
	leaders map[string]string
}

func (w *watchAll) watch(ctx context.Context) (bool, error) {
	response, err := w.m.client.Get(ctx, w.m.keys.meta())
	if err != nil {
		return false, fmt.Errorf("cannot read the model: %w", err)
	}
	// What happened before is in what Status shows from now on.
	poke(w.changes)
	return w.m.watch(ctx, string(w.m.keys), response.Header.Revision+1, func(events []*clientv3.Event) error {
		for _, event := range events {
			if w.shown(strings.TrimPrefix(string(event.Kv.Key), string(w.m.keys)), event.Kv.Value) {
				poke(w.changes)
			}
		}
		return nil
	})
}

// shown tells whether a change of a key is one of what Status shows. Settings are not, and of relations what
// matters is in the applications' indexes.
func (w *watchAll) shown(rest string, value []byte) bool {
	kind, within, _ := strings.Cut(rest, "/")
	switch kind + "/" {
	case appsInfix:
		_, suffix, _ := splitPart(within, 1)
		if !strings.HasPrefix(suffix, leasesInfix) {
			return suffix != configSuffix
		}
		holder := leaderHolder(value)
		if suffix != leaderSuffix || w.leaders[within] == holder {
			return false
		}
		w.leaders[within] = holder
		return true
	case unitsInfix, machinesInfix:
		return true
	}
	return false
}
