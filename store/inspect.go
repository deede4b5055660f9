package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
)

// Where etcd keeps its files, below the data directory.
const (
	memberDir    = "member"
	databaseFile = "member/snap/db"
	logDir       = "member/wal"
)

// damageError says that a part of a data directory cannot be used as it is.
type damageError struct {
	part  string // below the data directory
	cause error
}

func (e *damageError) Error() string { return fmt.Sprintf("%s is damaged: %v", e.part, e.cause) }
func (e *damageError) Unwrap() error { return e.cause }

// inspect looks for damage that etcd would meet with an exit of the process, or
// not notice until writes had been lost. It changes nothing. It reports whether the store
// in dir has ever taken a write.
func inspect(dir string) (begun bool, err error) {
	db, err := inspectDatabase(filepath.Join(dir, databaseFile))
	if err != nil {
		return false, err
	}
	log, err := inspectLog(filepath.Join(dir, logDir))
	if err != nil {
		return false, err
	}
	switch {
	case log.files == 0 && db.applied > 0:
		return true, &damageError{logDir, errors.New("it is missing, though the database is there")}
	case db.applied > log.last:
		// Etcd would go on below what the database has, and take new writes for old ones.
		return true, &damageError{logDir, fmt.Errorf("it ends at entry %d, before entry %d that the database has", log.last, db.applied)}
	case db.applied < log.snapshot:
		return true, &damageError{databaseFile, fmt.Errorf("it ends at entry %d, and the log begins only at entry %d", db.applied, log.snapshot)}
	}
	return log.committed > 0 || db.applied > 0, nil
}

// logState is what inspectLog finds out.
type logState struct {
	files     int
	last      uint64 // index of the last entry
	committed uint64 // index of the last entry that is known to count
	snapshot  uint64 // index of the last snapshot: entries up to it may be gone
}

func inspectLog(dir string) (logState, error) {
	var found logState
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return found, err
	}
	var files []fileutil.FileReader
	for _, e := range entries { // sorted, which is the log's order
		if !isLogName(e.Name()) {
			continue
		}
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return found, err
		}
		defer f.Close()
		files = append(files, fileutil.NewFileReader(f))
	}
	found.files = len(files)
	if len(files) == 0 {
		return found, nil
	}
	if err := found.read(wal.NewDecoder(files...)); err != nil {
		return found, &damageError{logDir, err}
	}
	return found, nil
}

func isLogName(name string) bool {
	var seq, index uint64
	n, err := fmt.Sscanf(name, "%016x-%016x.wal", &seq, &index)
	return err == nil && n == 2 && strings.HasSuffix(name, ".wal")
}

// read reads the log to its end. A record cut short at the end is no damage: it was never
// acknowledged, and etcd drops it.
func (s *logState) read(d wal.Decoder) error {
	var rec walpb.Record
	var snapshots []uint64
	identified := false
	err := d.Decode(&rec)
	for ; err == nil; err = d.Decode(&rec) {
		switch rec.Type {
		case wal.MetadataType:
			identified = identified || len(rec.Data) > 0
		case wal.CrcType:
			// Ties each file to the one before it.
			if crc := d.LastCRC(); crc != 0 && rec.Validate(crc) != nil {
				return wal.ErrCRCMismatch
			}
			d.UpdateCRC(rec.Crc)
		case wal.EntryType:
			var e raftpb.Entry
			if err := e.Unmarshal(rec.Data); err != nil {
				return err
			}
			s.last = e.Index
		case wal.StateType:
			var st raftpb.HardState
			if err := st.Unmarshal(rec.Data); err != nil {
				return err
			}
			s.committed = st.Commit
		case wal.SnapshotType:
			var snap walpb.Snapshot
			if err := snap.Unmarshal(rec.Data); err != nil {
				return err
			}
			snapshots = append(snapshots, snap.Index)
		}
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if !identified {
		return errors.New("it does not begin as a log does")
	}
	for _, index := range snapshots {
		if index <= s.committed { // else its taking was not finished
			s.snapshot = max(s.snapshot, index)
		}
	}
	s.last = max(s.last, s.snapshot)
	return nil
}
