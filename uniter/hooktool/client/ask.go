package client

import (
	"errors"
	"io"
	"strconv"
	"syscall"
)

// ask puts the call to the agent of the hook that the environment tells of. If it
// could not be asked, problem says why.
func ask(tool string, args []string, stdin io.Reader) (answer Answer, problem string) {
	contextID, _ := syscall.Getenv("JUJU_CONTEXT_ID")
	if contextID == "" {
		return Answer{}, "JUJU_CONTEXT_ID not set"
	}
	address, _ := syscall.Getenv("JUJU_AGENT_SOCKET_ADDRESS")
	if address == "" {
		return Answer{}, "JUJU_AGENT_SOCKET_ADDRESS not set"
	}
	if network, _ := syscall.Getenv("JUJU_AGENT_SOCKET_NETWORK"); network != "" && network != "unix" {
		return Answer{}, "JUJU_AGENT_SOCKET_NETWORK is " + strconv.Quote(network) + `, expected "unix"`
	}
	conn, err := dial(address)
	if err != nil {
		return Answer{}, "cannot reach the unit's agent at " + address + ": " + err.Error()
	}
	defer conn.close()
	answer, err = exchange(conn, Call{ContextID: contextID, Tool: tool, Args: args}, stdin)
	switch {
	case err == nil:
		return answer, ""
	case hungUp(err):
		return Answer{}, "the unit's agent ended before it answered " + tool
	default:
		return Answer{}, err.Error()
	}
}

func exchange(conn io.ReadWriter, call Call, stdin io.Reader) (Answer, error) {
	sent := WriteFrame(conn, KindCall, call.Payload())
	if errors.Is(sent, ErrFrameTooLarge) {
		return Answer{}, errors.New("arguments are longer than " + strconv.Itoa(MaxPayload) + " bytes")
	}
	for {
		kind, payload, err := ReadFrame(conn)
		if err != nil {
			// An agent that refuses a call may answer and hang up without reading all of it, so
			// a failed write counts only if no answer came.
			if sent != nil {
				err = sent
			}
			return Answer{}, err
		}
		switch kind {
		case KindAnswer:
			return ParseAnswer(payload)
		case KindWantInput:
			name := string(payload)
			input, err := readInput(name, stdin)
			if err != nil {
				return Answer{}, errors.New("cannot read " + name + ": " + err.Error())
			}
			sent = WriteFrame(conn, KindInput, input)
		default:
			return Answer{}, ErrNotAFrame
		}
	}
}

func readInput(name string, stdin io.Reader) ([]byte, error) {
	from := stdin
	if name != Stdin {
		f, err := open(name, syscall.O_RDONLY)
		if err != nil {
			return nil, err
		}
		defer f.close()
		from = f
	}
	input, err := io.ReadAll(io.LimitReader(from, MaxPayload+1))
	if err == nil && len(input) > MaxPayload {
		err = errors.New("it is longer than " + strconv.Itoa(MaxPayload) + " bytes")
	}
	return input, err
}

// hungUp says that the peer went away, rather than that something failed here.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}
