package client

import "errors"

// Call is one start of a hook tool, as the agent gets it.
type Call struct {
	ContextID string
	Tool      string
	Args      []string
}

// Answer is what the tool prints, and its exit code.
type Answer struct {
	Code   byte
	Stdout []byte
	Stderr []byte
	// OutputFile is the file that the tool writes Stdout to, if not empty; it is
	// written even if Stdout is empty.
	OutputFile string
}

// Stdin is the name of standard input in a WantInput.
const Stdin = "-"

// maxFields bounds a call's arguments. It is far above what a command line of Linux's
// default size can carry.
const maxFields = 1 << 19

var (
	errCutShort  = errors.New("hook tool message is cut short")
	errTooMany   = errors.New("hook tool call has too many arguments")
	errFewFields = errors.New("hook tool call lacks its context id or tool")
	errTrailing  = errors.New("hook tool answer has more than an answer in it")
)

// Payload encodes the call as a KindCall frame carries it.
func (c Call) Payload() []byte {
	size := 4*2 + len(c.ContextID) + len(c.Tool)
	for _, arg := range c.Args {
		size += 4 + len(arg)
	}
	b := make([]byte, 0, size)
	b = appendField(b, c.ContextID)
	b = appendField(b, c.Tool)
	for _, arg := range c.Args {
		b = appendField(b, arg)
	}
	return b
}

// ParseCall decodes what Call.Payload made. It refuses anything else.
func ParseCall(payload []byte) (Call, error) {
	rest := payload
	var fields []string
	for len(rest) > 0 {
		field, after, err := cutField(rest)
		if err != nil {
			return Call{}, err
		}
		if len(fields) == maxFields {
			return Call{}, errTooMany
		}
		fields = append(fields, string(field))
		rest = after
	}
	if len(fields) < 2 {
		return Call{}, errFewFields
	}
	return Call{ContextID: fields[0], Tool: fields[1], Args: fields[2:]}, nil
}

// Payload encodes the answer as a KindAnswer frame carries it.
func (a Answer) Payload() []byte {
	b := make([]byte, 0, 1+4*3+len(a.Stdout)+len(a.Stderr)+len(a.OutputFile))
	b = append(b, a.Code)
	b = appendField(b, a.Stdout)
	b = appendField(b, a.Stderr)
	return appendField(b, a.OutputFile)
}

// ParseAnswer decodes what Answer.Payload made. It refuses anything else. The answer
// shares the payload's memory.
func ParseAnswer(payload []byte) (Answer, error) {
	if len(payload) == 0 {
		return Answer{}, errCutShort
	}
	answer := Answer{Code: payload[0]}
	var output []byte
	rest := payload[1:]
	for _, field := range []*[]byte{&answer.Stdout, &answer.Stderr, &output} {
		var err error
		if *field, rest, err = cutField(rest); err != nil {
			return Answer{}, err
		}
	}
	if len(rest) > 0 {
		return Answer{}, errTrailing
	}
	answer.OutputFile = string(output)
	return answer, nil
}

// A field is its length as four bytes (big-endian), and its bytes.

func appendField[T string | []byte](b []byte, field T) []byte {
	b = appendUint32(b, len(field))
	return append(b, field...)
}

func cutField(b []byte) (field, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, errCutShort
	}
	size := uint32At(b)
	b = b[4:]
	if uint64(size) > uint64(len(b)) {
		return nil, nil, errCutShort
	}
	return b[:size], b[size:], nil
}
