// Package durable writes, replaces and removes files so that a crash of the
// process or of the machine cannot hurt: it is the one place that fsyncs.
//
// # What it promises
//
// When a function returns nil, what it did is on disk. When the process or the
// machine dies before that, or the function returns an error, what it was to do
// has been done whole or not at all: a file has its old content or its new one,
// a tree is there or gone. WriteFile, Remove, RemoveDir, RemoveAll and Rename are
// each such a step; MkdirAll and SyncTree may stop half way, and go on when they
// are called again. Each of them makes durable, too, what a process that was
// killed had done just before and not yet synced, so the right thing to do about a
// call that was interrupted is always to repeat it.
//
// A killed process may leave a temporary file or directory behind. IsTemp knows
// them by name, readers ignore them, and SweepTemp removes them.
//
// # What it does not promise
//
// Nothing is locked: two writers of one path leave the file of either, whole.
// A disk that says that it has flushed, and has not, is beyond this package.
//
// # When an fsync fails
//
// The kernel may have dropped the pages that it could not write, and a second
// fsync would then succeed without them. So there is none: the error is one for
// which errors.Is(err, ErrSync) holds, and every later call on that file, or in
// that directory if it was the directory's fsync, is refused in this process. The
// process should stop; the next one reads what is there.
//
// # Why not renameio
//
// github.com/google/renameio/v2 was looked at as the base. It replaces a file
// atomically, and does not fsync the directory after the rename, so that the
// replacement may be undone by a power cut; it has no names for its
// steps either, so that a test could not fail one of them.
//
// # The seam
//
// Each protocol is a row of labelled steps, "write/create", "write/fsync" and so
// on, and Interpose lets a test stand between them. Package durabletest has a disk
// that fails a step, or loses power at one.
package durable
