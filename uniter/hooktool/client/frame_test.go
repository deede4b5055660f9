package client

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFrameRoundTrip(t *testing.T) {
	for _, size := range []int{0, 1, firstRead - 1, firstRead, firstRead + 1, 3*firstRead + 7, 1 << 20, MaxPayload} {
		payload := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
		var b bytes.Buffer
		if err := WriteFrame(&b, KindInput, payload); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		b.WriteString("next")
		kind, got, err := ReadFrame(&b)
		if err != nil || kind != KindInput || !bytes.Equal(got, payload) {
			t.Errorf("%d bytes: got kind %c, %d bytes, %v", size, kind, len(got), err)
		}
		if b.String() != "next" {
			t.Errorf("%d bytes: ReadFrame went past the frame", size)
		}
	}
}

func TestFrameInSmallPieces(t *testing.T) {
	var b bytes.Buffer
	if err := WriteFrame(&b, KindAnswer, []byte("some payload")); err != nil {
		t.Fatal(err)
	}
	kind, got, err := ReadFrame(iotest.OneByteReader(&b))
	if err != nil || kind != KindAnswer || string(got) != "some payload" {
		t.Errorf("got kind %c, %q, %v", kind, got, err)
	}
}

func TestWriteFrameTooLarge(t *testing.T) {
	var b bytes.Buffer
	err := WriteFrame(&b, KindCall, make([]byte, MaxPayload+1))
	if !errors.Is(err, ErrFrameTooLarge) || b.Len() != 0 {
		t.Errorf("got %v, and %d bytes written", err, b.Len())
	}
}

func TestReadFrameErrors(t *testing.T) {
	for _, test := range []struct {
		name, bytes string
		want        error
	}{
		{"nothing", "", io.EOF},
		{"half a header", "uht1C", io.ErrUnexpectedEOF},
		{"no payload", "uht1C\x00\x00\x00\x00\x00\x00\x05", io.ErrUnexpectedEOF},
		{"half a payload", "uht1C\x00\x00\x00\x00\x00\x00\x05abc", io.ErrUnexpectedEOF},
		{"end within a later read", "uht1C\x00\x00\x00\x00\x01\x00\x00" + strings.Repeat("x", firstRead), io.ErrUnexpectedEOF},
		{"another protocol", "GET / HTTP/1.1\r\n\r\n", ErrNotAFrame},
		{"another version", "uht2C\x00\x00\x00\x00\x00\x00\x00", ErrNotAFrame},
		{"reserved byte", "uht1C\x00\x01\x00\x00\x00\x00\x00", ErrNotAFrame},
		{"one byte too large", "uht1C\x00\x00\x00\x01\x00\x00\x01", ErrFrameTooLarge},
		{"greatest length", "uht1C\x00\x00\x00\xff\xff\xff\xff", ErrFrameTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, _, err := ReadFrame(strings.NewReader(test.bytes)); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// greedy records the largest buffer that it was asked to fill.
type greedy struct {
	io.Reader
	largest int
}

func (g *greedy) Read(b []byte) (int, error) {
	g.largest = max(g.largest, len(b))
	return g.Reader.Read(b)
}

func TestReadFrameDoesNotBelieveALength(t *testing.T) {
	r := &greedy{Reader: strings.NewReader("uht1C\x00\x00\x00\x01\x00\x00\x00" + strings.Repeat("x", 100))}
	if _, _, err := ReadFrame(r); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	if r.largest > firstRead {
		t.Errorf("room for %d bytes was made after 100", r.largest)
	}
}

func TestCallRoundTrip(t *testing.T) {
	for _, call := range []Call{
		{ContextID: "a", Tool: "b", Args: []string{}},
		{ContextID: "u/0-install-12", Tool: "juju-log", Args: []string{"-l", "", "\x00\xff", strings.Repeat("long", 1000)}},
	} {
		got, err := ParseCall(call.Payload())
		if err != nil || !reflect.DeepEqual(got, call) {
			t.Errorf("got %+v, %v, want %+v", got, err, call)
		}
	}
}

func TestParseCallErrors(t *testing.T) {
	many := Call{ContextID: "a", Tool: "b", Args: make([]string, maxFields)}
	for _, test := range []struct {
		name    string
		payload []byte
		want    error
	}{
		{"nothing", nil, errFewFields},
		{"one field", []byte("\x00\x00\x00\x01a"), errFewFields},
		{"half a length", []byte("\x00\x00"), errCutShort},
		{"length past the end", []byte("\x00\x00\x00\x05abc"), errCutShort},
		{"greatest length", []byte("\xff\xff\xff\xffabc"), errCutShort},
		{"too many", many.Payload(), errTooMany},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := ParseCall(test.payload); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestAnswerRoundTrip(t *testing.T) {
	for _, answer := range []Answer{
		{Code: 2, Stdout: []byte{}, Stderr: []byte("ERROR x\n")},
		{Code: 255, Stdout: []byte("out"), Stderr: []byte{}, OutputFile: "some/file"},
	} {
		got, err := ParseAnswer(answer.Payload())
		if err != nil || !reflect.DeepEqual(got, answer) {
			t.Errorf("got %+v, %v, want %+v", got, err, answer)
		}
	}
}

func TestParseAnswerErrors(t *testing.T) {
	whole := Answer{Stdout: []byte("out"), Stderr: []byte("err")}.Payload()
	for end := range whole {
		if _, err := ParseAnswer(whole[:end]); !errors.Is(err, errCutShort) {
			t.Errorf("first %d bytes: got %v", end, err)
		}
	}
	if _, err := ParseAnswer(append(whole, 0)); !errors.Is(err, errTrailing) {
		t.Errorf("a byte too many: got %v", err)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("uht1C\x00\x00\x00\x00\x00\x00\x03abc"))
	f.Add([]byte("uht1C\x00\x00\x00\xff\xff\xff\xffabc"))
	f.Add([]byte("GET / HTTP/1.1\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		kind, payload, err := ReadFrame(bytes.NewReader(data))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := WriteFrame(&b, kind, payload); err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(data, b.Bytes()) {
			t.Errorf("%q was read as kind %c, %q", data, kind, payload)
		}
	})
}

func FuzzParseCall(f *testing.F) {
	f.Add(Call{ContextID: "u/0-install-1", Tool: "relation-get", Args: []string{"-r", "db:1", "-"}}.Payload())
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		call, err := ParseCall(data)
		if err == nil && !bytes.Equal(call.Payload(), data) {
			t.Errorf("%q was read as %+v", data, call)
		}
	})
}

func FuzzParseAnswer(f *testing.F) {
	f.Add(Answer{Code: 1, Stdout: []byte("x"), Stderr: []byte("y"), OutputFile: "z"}.Payload())
	f.Add([]byte("\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		answer, err := ParseAnswer(data)
		if err == nil && !bytes.Equal(answer.Payload(), data) {
			t.Errorf("%q was read as %+v", data, answer)
		}
	})
}
