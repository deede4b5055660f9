package safety

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	a, b = "mysql/0", "mysql/1"
	sec  = int64(time.Second)
)

// sound is a history with nothing wrong: a leads, writes, gives up; b leads, and a's last write is refused.
func sound() ([]entry, *history) {
	return []entry{
			{Kind: led, Unit: a, Call: 1 * sec, Answered: 1*sec + 1, Return: 1*sec + 2, Until: 2 * sec, Token: 10},
			{Kind: tried, Unit: a, Call: 1*sec + 3, Until: 2 * sec, Token: 10, Value: "a1"},
			{Kind: landed, Unit: a, Call: 1*sec + 3, Return: 1*sec + 4, Until: 2 * sec, Token: 10, Value: "a1", Revision: 11},
			{Kind: stillLed, Unit: a, Call: 1*sec + 5, Return: 1*sec + 6},
			{Kind: tried, Unit: a, Call: 1*sec + 7, Token: 10, Value: "a2"}, // nobody knows; it did not land
			{Kind: tried, Unit: a, Call: 1*sec + 8, Token: 10, Value: "a3"}, // nobody knows; it landed
			{Kind: gaveUp, Unit: a, Call: 1*sec + 20},
			{Kind: led, Unit: b, Call: 1*sec + 21, Answered: 1*sec + 22, Return: 1*sec + 23, Until: 2*sec + 21, Token: 14},
			{Kind: read, Unit: "witness", Call: 1*sec + 21, Return: 1*sec + 24, Value: "a3", Revision: 14},
			{Kind: tried, Unit: b, Call: 1*sec + 25, Token: 14, Value: "b1"},
			{Kind: landed, Unit: b, Call: 1*sec + 25, Return: 1*sec + 27, Token: 14, Value: "b1", Revision: 15},
			{Kind: tried, Unit: a, Call: 1*sec + 26, Token: 10, Value: "a4"},
			{Kind: fenced, Unit: a, Call: 1*sec + 26, Return: 1*sec + 28, Token: 10, Value: "a4", Revision: 15},
		}, &history{
			terms:  []term{{token: 10, holder: a, end: 13}, {token: 14, holder: b}},
			writes: []landing{{written{a, 10, "a1"}, 11}, {written{a, 10, "a3"}, 12}, {written{b, 14, "b1"}, 15}},
		}
}

func TestSoundHistoryIsSound(t *testing.T) {
	if v := check(sound()); v.count != 0 {
		t.Errorf("got %q", v.wrong)
	}
}

// Whatever the safety test is to find is found.
func TestEachDefectIsFound(t *testing.T) {
	at := func(entries []entry, kind kind, unit string) *entry {
		i := slices.IndexFunc(entries, func(e entry) bool { return e.Kind == kind && e.Unit == unit })
		return &entries[i]
	}
	for _, test := range []struct {
		name, want string
		spoil      func(entries []entry, h *history) []entry
	}{
		{"guarantee goes on after the next began", "guarantees of mysql/0 and mysql/1 overlap", func(entries []entry, h *history) []entry {
			at(entries, gaveUp, a).Call += sec / 2
			return entries
		}},
		{"guarantee within a longer one", "guarantees of mysql/0 and mysql/1 overlap", func(entries []entry, h *history) []entry {
			e := *at(entries, led, b)
			e.Call, e.Answered, e.Return, e.Until = 1*sec+8, 1*sec+9, 1*sec+9, 1*sec+10
			return append(entries, e)
		}},
		{"nothing given up", "guarantees of mysql/0 and mysql/1 overlap", func(entries []entry, h *history) []entry {
			at(entries, gaveUp, a).Kind = "nothing"
			return entries
		}},
		{"old ticket", "an old ticket of mysql/0 said true while mysql/1", func(entries []entry, h *history) []entry {
			e := at(entries, stillLed, a)
			e.Call, e.Return = 1*sec+30, 1*sec+31
			return entries
		}},
		{"leader who does not hold the lease", "mysql/1: not held though", func(entries []entry, h *history) []entry {
			at(entries, led, b).Kind = notHeld
			return entries
		}},
		{"leader whose write is refused", "mysql/0: fenced though", func(entries []entry, h *history) []entry {
			at(entries, fenced, a).Until = 2 * sec
			return entries
		}},
		{"write after its term", "a write of an ex-leader landed", func(entries []entry, h *history) []entry {
			h.terms[0].end = 12
			return entries
		}},
		{"write before its term", "a write of an ex-leader landed", func(entries []entry, h *history) []entry {
			h.writes[2].revision = 14
			return entries
		}},
		{"write in another's term", "but mysql/1 held the lease", func(entries []entry, h *history) []entry {
			h.writes[2].Unit = a
			return entries
		}},
		{"write with no term", "whose fence names no term", func(entries []entry, h *history) []entry {
			h.writes[2].Token = 13
			return entries
		}},
		{"write of an earlier term", "after one of a later term", func(entries []entry, h *history) []entry {
			h.writes[1], h.writes[2] = h.writes[2], h.writes[1]
			return entries
		}},
		{"terms that overlap", "began before", func(entries []entry, h *history) []entry {
			h.terms[0].end = 15
			return entries
		}},
		{"term that never ended", "began before", func(entries []entry, h *history) []entry {
			h.terms[0].end = 0
			return entries
		}},
		{"write that is lost", "a write that landed is not there", func(entries []entry, h *history) []entry {
			h.writes = h.writes[1:]
			return entries
		}},
		{"write that landed twice", "a write landed twice", func(entries []entry, h *history) []entry {
			h.writes = append(h.writes, h.writes[2])
			return entries
		}},
		{"write that was refused and landed", "a write that was refused is there", func(entries []entry, h *history) []entry {
			h.writes[1].Value = "a4"
			return entries
		}},
		{"write of nobody", "nobody tried what landed", func(entries []entry, h *history) []entry {
			h.writes[1].Value = "x"
			return entries
		}},
		{"another's token", `mysql/1 was given the term of "mysql/0"`, func(entries []entry, h *history) []entry {
			at(entries, led, b).Token = 10
			return entries
		}},
		{"stale read", "not linear", func(entries []entry, h *history) []entry {
			e := at(entries, read, "witness")
			e.Call, e.Return = 1*sec+30, 1*sec+31
			return entries
		}},
		{"term found after a later one", "not linear", func(entries []entry, h *history) []entry {
			e := *at(entries, led, a)
			e.Call, e.Return = 1*sec+30, 1*sec+31
			return append(entries, e)
		}},
		{"write refused in its own term", "not linear", func(entries []entry, h *history) []entry {
			e := *at(entries, tried, a)
			e.Call, e.Value = 1*sec+1, "a0"
			r := e
			r.Kind, r.Return, r.Until = fenced, 1*sec+2, 0
			return append(entries, e, r)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			entries, h := sound()
			v := check(test.spoil(entries, h), h)
			if !strings.Contains(strings.Join(v.wrong, "\n"), test.want) {
				t.Errorf("got %q, want one that says %q", v.wrong, test.want)
			}
		})
	}
}

// A journal keeps all that was written to it before the process was killed, and is none the worse for a line cut short.
func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, err := openJournal(path)
	ok(t, err)
	want, _ := sound()
	for _, e := range want {
		j.note(e)
	}
	_, err = j.file.WriteString(`{"kind":"le`)
	ok(t, err)
	ok(t, j.file.Close())
	got, err := readJournal(path)
	ok(t, err)
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// What a node sends while either end is cut off is held, not lost, and arrives when it is healed.
func TestNetwork(t *testing.T) {
	n := newNetwork()
	defer n.close()
	far, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer far.Close()
	door, err := n.door("door", "", "server")
	ok(t, err)
	n.lead("door", far.Addr().String())
	conn, err := net.Dial("tcp", door)
	ok(t, err)
	defer conn.Close()
	head := "GET / HTTP/1.1\r\nX-Server-From: f00\r\n\r\n"
	_, err = conn.Write([]byte(head))
	ok(t, err)
	accepted, err := far.Accept()
	ok(t, err)
	defer accepted.Close()
	hear := func(want string) {
		t.Helper()
		ok(t, accepted.SetReadDeadline(time.Now().Add(watchdog)))
		got := make([]byte, len(want))
		for read := 0; read < len(got); {
			size, err := accepted.Read(got[read:])
			ok(t, err)
			read += size
		}
		if string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	hear(head)
	for _, node := range []string{"f00", "server"} {
		n.cut(node)
		_, err := conn.Write([]byte(node))
		ok(t, err)
		ok(t, accepted.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
		if size, err := accepted.Read(make([]byte, 1)); size != 0 || err == nil {
			t.Errorf("%d bytes passed while %s was cut off", size, node)
		}
		n.heal(node)
		hear(node)
	}
}
