// Package statedir keeps what a unit knows of its relations on disk: which
// remote units it has joined, and which version of their settings its hooks were
// last told of.
//
// # On disk
//
// A relation is a directory named for its id, and a member is a file in it:
//
//	<dir>/7/wordpress-0                change-version: 3
//	                                   changed-pending: true
//	<dir>/7/wordpress.application      change-version: 5
//
// The line changed-pending is there from the member's relation-joined to the
// relation-changed that must follow at once. An application's settings version is
// in a file of its own, whose name no unit file can have. This is the form of the
// Juju agents of 2012 to 2020, whose directories load as they are, plus the
// application files.
//
// Names count in their one true spelling only: "7" and not "007", "u-1" and not
// "u-01". All other names are ignored, temporary files that a crash has left
// among them. A file that counts and is empty, cut short, or holds anything else
// is an error that names it; it is kept as it is. Whoever removes a damaged unit file
// has the hooks of that unit run afresh, from its relation-joined on; a damaged
// application file, the relation-changed of that application.
//
// # What it promises
//
// Each Write is one atomic and durable step: after a crash of the process or the
// machine the state is the old or the new one. Its cost does not depend on how many
// members there are. Reading changes nothing on disk.
//
// # What it does not promise
//
// One goroutine at a time uses a StateDir, and one StateDir at a time a directory;
// nothing is locked. Reading is not a snapshot of a directory that somebody else
// is writing.
package statedir
