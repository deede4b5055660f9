package store

import (
	"context"
	"errors"
	"fmt"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// keepRevisions bounds the history that is kept, whatever its age. Etcd itself drops what is
// older than ten minutes (see embedConfig), but a program that is started often would never
// see ten minutes pass.
const keepRevisions = 100_000

// space is what housekeeping found.
type space struct {
	size, used, quota int64 // bytes
	full              bool  // etcd refuses writes
}

// short reports whether more than 80 percent of the quota is taken.
func (s space) short() bool { return s.full || s.size > s.quota/5*4 }

func (s *server) space() space {
	e := s.etcd.Server
	e.Backend().ForceCommit() // sizes are as of the last commit
	found := space{size: e.Backend().Size(), used: e.Backend().SizeInUse(), quota: s.quota}
	for _, a := range e.Alarms() {
		found.full = found.full || a.Alarm == pb.AlarmType_NOSPACE
	}
	return found
}

// housekeep trims history and, in a shortage, makes what room it can. It returns what it
// leaves. With thorough it goes to greater lengths to find room, because the caller is
// about to complain.
func (s *server) housekeep(ctx context.Context, thorough bool) (space, error) {
	if err := s.trim(ctx, keepRevisions); err != nil {
		return s.space(), fmt.Errorf("cannot trim history: %w", err)
	}
	if found := s.space(); !found.short() {
		return found, nil
	}
	if err := s.makeRoom(ctx, thorough); err != nil {
		return s.space(), fmt.Errorf("cannot make room in the store: %w", err)
	}
	return s.space(), nil
}

// trim drops all but the newest revisions. To be worth it, a tenth must be beyond what is kept.
func (s *server) trim(ctx context.Context, keep int64) error {
	kv := s.etcd.Server.KV()
	now := kv.Rev()
	if now-kv.FirstRev() <= keep+keep/10 {
		return nil
	}
	_, err := s.etcd.Server.Compact(ctx, &pb.CompactionRequest{Revision: now - keep, Physical: true})
	if errors.Is(err, mvcc.ErrCompacted) {
		return nil // etcd's own compaction was faster
	}
	return err
}

// defragmentationHelps reports whether it is worth holding up all calls for.
func (s *server) defragmentationHelps(found space, thorough bool) bool {
	if thorough || found.full {
		// What is used is known only some commits later, and in a full store there may be none.
		// Anything that was trimmed since the last time may be room.
		return s.etcd.Server.KV().FirstRev() != s.defragmented
	}
	return found.size-found.used > found.quota/10
}

// makeRoom drops all history, gives the room it took back to the file system, and lets writes
// in again if they were refused.
func (s *server) makeRoom(ctx context.Context, thorough bool) error {
	e := s.etcd.Server
	if err := s.trim(ctx, 0); err != nil {
		return err
	}
	found := s.space()
	if s.defragmentationHelps(found, thorough) {
		s.logger.Info("defragmenting the store", "size", found.size, "used", found.used)
		if err := e.Defragment(); err != nil {
			return err
		}
		s.defragmented = e.KV().FirstRev()
		found = s.space()
	}
	if !found.full || found.size > found.quota/10*9 {
		return nil
	}
	_, err := e.Alarm(ctx, &pb.AlarmRequest{
		MemberID: uint64(e.MemberID()),
		Action:   pb.AlarmRequest_DEACTIVATE,
		Alarm:    pb.AlarmType_NOSPACE,
	})
	if err == nil {
		s.logger.Info("the store has room again", "size", found.size, "quota", found.quota)
	}
	return err
}
