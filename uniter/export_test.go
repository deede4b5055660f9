package uniter

import "context"

var (
	RetryDelay        = retryDelay
	UpdateStatusDelay = updateStatusDelay
)

// Relations are a unit's relations without its worker.
type Relations struct{ rs *unitRelations }

func OpenRelations(config Config) (Relations, error) {
	rs, err := openRelations(config)
	return Relations{rs}, err
}

func (r Relations) Enter(ctx context.Context, id int) error { return r.rs.enter(ctx, id, nil) }

func (r Relations) Reconcile(remote Remote) error { return r.rs.reconcile(remote, nil) }

// Accept waits for an offer and takes it in.
func (r Relations) Accept() error { return r.rs.accept(<-r.rs.offers) }

func (r Relations) Snapshot() map[int]LocalRelation { return r.rs.snapshot() }

// Schedule identifies what offers a relation's hooks.
func (r Relations) Schedule(id int) any { return r.rs.byId[id].schedule }

func (r Relations) Stop() { r.rs.stop() }
