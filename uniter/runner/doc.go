// Package runner runs one hook of a charm as a process and says how it ended.
//
// [Run] finds what to run (dispatch, or the hook's own script), starts it in a
// process group of its own, in the charm's directory, with exactly the
// environment that it is given ([Environment] makes it), hands its output on
// line by line, and returns when it is over.
//
// # What becomes of a hook's children
//
// A hook's process group ends with the hook. When the hook's process has
// exited, and its output has ended or [pipeWait] is over, whatever is left of
// the group is killed. A daemon that shall stay leaves the group first, as
// daemons do, with setsid or through the system's service manager.
//
// # What becomes of a hook when its agent is killed
//
// The kernel kills the hook's process with the agent (PR_SET_PDEATHSIG), but
// not the children of that process. So who runs hooks that must not overlap
// records the [Process] that Invocation.OnStart reports, and passes it to
// [EndOrphan] before it runs another one.
//
// # Not promised
//
// The order of lines of standard output among those of standard error: they
// come through two pipes. That a hook ends by itself: there is no time limit on
// hooks. That a process which changed its environment and whose group lost its
// leader is found by EndOrphan.
package runner
