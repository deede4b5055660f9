package uniter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/juju/charm/v12/hooks"
	"gopkg.in/tomb.v2"

	"github.com/unit-agent/unit-agent/internal/durable"
	"github.com/unit-agent/unit-agent/model"
	"github.com/unit-agent/unit-agent/statedir"
	"github.com/unit-agent/unit-agent/uniter/hook"
	"github.com/unit-agent/unit-agent/uniter/relation"
)

// unitRelations are a unit's relations: their state on disk, and for each that
// has been created a schedule that offers its hooks. Only the uniter's loop uses
// it.
type unitRelations struct {
	unit   string
	dir    string
	model  *model.Model
	logger *slog.Logger

	// offers delivers the heads of all schedules. round counts the hooks that
	// have run: a head that was looked at before the last one may be out of date.
	offers chan offer
	round  atomic.Int64
	byId   map[int]*unitRelation
	turn   uint64
}

// unitRelation is one of them. Invariant: offer is nil or came from schedule.
type unitRelation struct {
	state    *statedir.StateDir
	created  bool
	entered  bool
	left     bool
	schedule *schedule
	offer    relation.Peek
	info     hook.Info
	// turn is when the relation began to wait for its next hook; 0 if it does not.
	turn uint64
}

func openRelations(config Config) (*unitRelations, error) {
	dir := config.Home.RelationsDir()
	dirs, err := statedir.ReadAllStateDirs(dir)
	if err != nil {
		return nil, err
	}
	relations := &unitRelations{
		unit:   config.Unit,
		dir:    dir,
		model:  config.Model,
		logger: config.Logger,
		offers: make(chan offer),
		byId:   make(map[int]*unitRelation),
	}
	for id, state := range dirs {
		relations.byId[id] = &unitRelation{state: state, created: true}
	}
	return relations, nil
}

// get returns the relation with the id, known or new.
func (rs *unitRelations) get(id int) (*unitRelation, error) {
	if r, ok := rs.byId[id]; ok {
		return r, nil
	}
	state, err := statedir.ReadStateDir(rs.dir, id)
	if err != nil {
		return nil, err
	}
	r := &unitRelation{state: state}
	rs.byId[id] = r
	return r, nil
}

// snapshot describes the relations for Next.
func (rs *unitRelations) snapshot() map[int]LocalRelation {
	all := make(map[int]LocalRelation, len(rs.byId))
	for id, r := range rs.byId {
		local := LocalRelation{Created: r.created, Entered: r.entered, Left: r.left, Turn: r.turn}
		if r.offer != nil {
			local.Offer = &r.info
		}
		all[id] = local
	}
	return all
}

// accept takes an offer in, unless its schedule has been replaced since, or it
// was made before a hook ran and may be out of date: the schedule then makes
// another. It returns the error that ended the schedule, if that is what it was
// told.
func (rs *unitRelations) accept(o offer) error {
	r, ok := rs.byId[o.relationId]
	if !ok || r.schedule != o.schedule {
		return nil
	}
	if o.peek != nil && o.round != rs.round.Load() {
		o.peek.Reject()
		return nil
	}
	if model.IsNotFound(o.err) {
		// The news that the relation is gone is on its way. Until it is here the
		// ended schedule stays in place.
		rs.logger.Debug("a relation's schedule ended", "relation", o.relationId, "error", o.err)
		return nil
	}
	if o.err != nil {
		return fmt.Errorf("relation %d: %w", o.relationId, o.err)
	}
	r.offer, r.info = o.peek, o.peek.HookInfo()
	if r.turn == 0 {
		rs.turn++
		r.turn = rs.turn
	}
	return nil
}

// rejectAll gives every offer back but that of the relation whose hook is still
// pending, so that each schedule can take changes in before it offers again.
func (rs *unitRelations) rejectAll(pending *hook.Info) {
	for id, r := range rs.byId {
		if r.offer == nil || pending != nil && isRelationHook(pending.Kind) && pending.RelationId == id {
			continue
		}
		r.offer.Reject()
		r.offer = nil
	}
}

// reconcile gives every created relation the schedule that its life asks for. A
// relation with a pending hook is left alone until that hook is committed.
func (rs *unitRelations) reconcile(remote Remote, pending *hook.Info) error {
	for id, r := range rs.byId {
		wanted, known := remote.Relations[id]
		if !known {
			if !r.created {
				rs.stopSchedule(r)
				delete(rs.byId, id)
			}
			continue
		}
		if !r.created || pending != nil && isRelationHook(pending.Kind) && pending.RelationId == id {
			continue
		}
		dying := wanted.Life != model.Alive || remote.Life != model.Alive
		if r.schedule != nil && r.schedule.dying == dying || !dying && !r.entered {
			continue
		}
		if err := rs.startSchedule(id, r, dying); err != nil {
			return err
		}
	}
	return nil
}

func (rs *unitRelations) startSchedule(id int, r *unitRelation, dying bool) error {
	rs.stopSchedule(r)
	var source relation.HookSource
	if dying {
		source = relation.NewDyingHookSource(r.state.State())
	} else {
		watcher, err := rs.model.WatchRelationUnits(id, rs.unit)
		if err != nil {
			return fmt.Errorf("relation %d: cannot watch its units: %w", id, err)
		}
		source = relation.NewLiveHookSource(r.state.State(), watcher)
	}
	r.schedule = newSchedule(id, dying, relation.NewPeeker(source), rs)
	return nil
}

func (rs *unitRelations) stopSchedule(r *unitRelation) {
	if r.schedule == nil {
		return
	}
	r.schedule.Kill()
	if err := r.schedule.Wait(); err != nil {
		rs.logger.Debug("relation schedule ended", "error", err)
	}
	r.schedule, r.offer, r.turn = nil, nil, 0
}

// stop ends all schedules.
func (rs *unitRelations) stop() {
	for _, r := range rs.byId {
		rs.stopSchedule(r)
	}
}

// check refuses a hook that would break the relation's order guarantees.
func (rs *unitRelations) check(info hook.Info) error {
	r, err := rs.get(info.RelationId)
	if err != nil {
		return err
	}
	return r.state.Validate(info)
}

// commit writes the relation's state after the hook and lets its schedule go on.
func (rs *unitRelations) commit(info hook.Info) error {
	r, err := rs.get(info.RelationId)
	if err != nil {
		return err
	}
	if err := r.state.Write(info); err != nil {
		return fmt.Errorf("relation %d: %w", info.RelationId, err)
	}
	switch info.Kind {
	case hooks.RelationCreated:
		r.created = true
		return nil
	case hooks.RelationBroken:
		r.created = false
		rs.stopSchedule(r)
		return nil
	}
	if r.offer == nil {
		// The hook is one that an earlier process of the agent began.
		rs.stopSchedule(r)
		return nil
	}
	r.offer.Consume()
	r.offer, r.turn = nil, 0
	return nil
}

// reflected reports whether the relation's state already has the hook's effect.
func (rs *unitRelations) reflected(info hook.Info) (bool, error) {
	r, err := rs.get(info.RelationId)
	if err != nil {
		return false, err
	}
	return r.state.Reflects(info)
}

// enter makes the unit's settings visible to the other side.
func (rs *unitRelations) enter(ctx context.Context, id int, settings map[string]string) error {
	r, err := rs.get(id)
	if err != nil {
		return err
	}
	err = rs.model.EnterScope(ctx, id, rs.unit, settings)
	switch {
	case err == nil:
		r.entered = true
	case errors.Is(err, model.ErrDying), model.IsNotFound(err):
		// The news that the relation or the unit ends is on its way, and nobody
		// has seen the unit there.
		r.left = true
	default:
		return fmt.Errorf("relation %d: %w", id, err)
	}
	return nil
}

// leave takes the unit's settings away from the other side.
func (rs *unitRelations) leave(ctx context.Context, id int) error {
	r, err := rs.get(id)
	if err != nil {
		return err
	}
	if err := rs.model.LeaveScope(ctx, id, rs.unit); err != nil {
		return fmt.Errorf("relation %d: %w", id, err)
	}
	r.left = true
	return nil
}

// forget drops what is known of a relation that is gone from the model.
func (rs *unitRelations) forget(id int) error {
	rs.stopSchedule(rs.byId[id])
	delete(rs.byId, id)
	return durable.RemoveAll(fmt.Sprintf("%s/%d", rs.dir, id))
}

// offer is the head of one relation's schedule, or the error that ended it.
type offer struct {
	relationId int
	schedule   *schedule
	peek       relation.Peek
	round      int64
	err        error
}

// schedule is a worker that owns a relation's Peeker and passes on what it
// offers.
type schedule struct {
	tomb       tomb.Tomb
	relationId int
	dying      bool
	peeker     relation.Peeker
	out        chan<- offer
	round      *atomic.Int64
}

func newSchedule(id int, dying bool, peeker relation.Peeker, rs *unitRelations) *schedule {
	s := &schedule{relationId: id, dying: dying, peeker: peeker, out: rs.offers, round: &rs.round}
	s.tomb.Go(s.loop)
	return s
}

func (s *schedule) Kill()       { s.tomb.Kill(nil) }
func (s *schedule) Wait() error { return s.tomb.Wait() }

func (s *schedule) loop() error {
	for {
		round := s.round.Load()
		select {
		case <-s.tomb.Dying():
			return s.peeker.Stop()
		case peek, ok := <-s.peeker.Peeks():
			next := offer{relationId: s.relationId, schedule: s, peek: peek, round: round}
			if !ok {
				if next.err = s.peeker.Stop(); next.err == nil {
					return nil
				}
			}
			select {
			case <-s.tomb.Dying():
				return s.peeker.Stop()
			case s.out <- next:
			}
			if next.err != nil {
				return next.err
			}
		}
	}
}
