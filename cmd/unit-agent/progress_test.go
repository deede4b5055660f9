package main

import (
	"io"
	"strings"
	"testing"
)

func TestProgressLine(t *testing.T) {
	var out strings.Builder
	l := &progressLine{w: &out, screen: screen{width: 12, cursor: true}}
	steps := func(do ...func()) string {
		out.Reset()
		for _, step := range do {
			step()
		}
		return strings.ReplaceAll(out.String(), "\r\x1b[K", "<")
	}
	show := func(text string) func() { return func() { l.show(text) } }
	log := func() { io.WriteString(l, "a line\n") }
	for _, test := range []struct{ about, got, want string }{
		{"what is shown is written over", steps(show("one"), show("two"), l.clear), "<one<two<"},
		{"a line takes its place", steps(show("one"), log, log, show("two"), l.clear), "<one<a line\na line\n<two<"},
		{"nothing shown, nothing removed", steps(log, l.clear), "a line\n"},
		{"removed once", steps(show("one"), l.clear, l.clear), "<one<"},
		{"it stays on its line", steps(show("a text\nthat is long"), l.clear), "<a text tha…<"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", test.about, test.got, test.want)
		}
	}
}

func TestProgressLineWhereThereIsNoTerminal(t *testing.T) {
	var out strings.Builder
	l := newProgressLine(&out)
	l.show("one")
	io.WriteString(l, "a line\n")
	l.clear()
	if out.String() != "a line\n" {
		t.Errorf("got %q", out.String())
	}
}
