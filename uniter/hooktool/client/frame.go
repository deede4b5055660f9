package client

import (
	"errors"
	"io"
)

// Kind says what a frame carries.
type Kind byte

const (
	KindCall      Kind = 'C'
	KindWantInput Kind = 'W'
	KindInput     Kind = 'I'
	KindAnswer    Kind = 'A'
)

// MaxPayload is the greatest payload of a frame, in bytes. It leaves room for the
// longest command line that Linux takes by default (2 MiB) and for input well past
// what the shared model stores.
const MaxPayload = 16 << 20

const (
	magic      = "uht1"
	headerSize = 12
	firstRead  = 4 << 10
)

// Errors of ReadFrame for a peer that does not keep to the wire format. A connection
// that ends early gives io.EOF between frames and io.ErrUnexpectedEOF inside one.
var (
	ErrNotAFrame     = errors.New("not a hook tool message")
	ErrFrameTooLarge = errors.New("hook tool message is too large")
)

// WriteFrame writes a whole frame in one Write. A payload longer than MaxPayload is
// ErrFrameTooLarge, and nothing is written.
func WriteFrame(w io.Writer, kind Kind, payload []byte) error {
	if len(payload) > MaxPayload {
		return ErrFrameTooLarge
	}
	b := make([]byte, 0, headerSize+len(payload))
	b = append(b, magic...)
	b = append(b, byte(kind), 0, 0, 0)
	b = appendUint32(b, len(payload))
	_, err := w.Write(append(b, payload...))
	return err
}

// ReadFrame reads one frame. The length that a frame claims is not believed: memory
// grows with what arrives.
func ReadFrame(r io.Reader) (Kind, []byte, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, err
	}
	if string(header[:4]) != magic || header[5] != 0 || header[6] != 0 || header[7] != 0 {
		return 0, nil, ErrNotAFrame
	}
	size := uint32At(header[8:])
	if size > MaxPayload {
		return 0, nil, ErrFrameTooLarge
	}
	payload, err := readExactly(r, int(size))
	if err != nil {
		return 0, nil, err
	}
	return Kind(header[4]), payload, nil
}

func readExactly(r io.Reader, size int) ([]byte, error) {
	payload := make([]byte, min(size, firstRead))
	for have := 0; have < size; {
		if have == len(payload) {
			payload = append(payload, make([]byte, min(size-have, have))...)
		}
		n, err := io.ReadFull(r, payload[have:])
		have += n
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
	}
	return payload, nil
}

// encoding/binary would bring reflection into every start of a tool.

func appendUint32(b []byte, n int) []byte {
	return append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func uint32At(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}
