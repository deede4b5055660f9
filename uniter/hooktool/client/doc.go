// Package client is the side of a hook tool that a charm starts: it hands the
// call to the unit's agent over a unix socket and repeats the agent's answer.
//
// A charm starts a tool many times in every hook, so the package and all that it
// imports do next to no work at start-up: no fmt, no net, no reflection, no map or
// regexp built in an init. It imports the standard library only. The agent imports
// it too, for the wire format and the help texts, so that each is written once.
//
// # The wire
//
// Every message is a frame: the bytes "uht1", the kind, three zero bytes, the length
// of the payload as four bytes (big-endian), and the payload.
//
//	tool  -> agent  Call       context id, tool, arguments
//	agent -> tool   WantInput  a file name, or - for standard input (if the call reads one)
//	tool  -> agent  Input      its content
//	agent -> tool   Answer     exit code, standard output and where it goes, standard error
//
// A connection serves one call. Files that a call names are opened by the tool, never
// by the agent: so a relative name, /dev/stdin, a directory that only the charm sees and
// the charm's own permissions all mean what they mean to the charm. What a peer can make
// the other side hold in memory is bounded by MaxPayload, and grows only as bytes arrive.
package client
