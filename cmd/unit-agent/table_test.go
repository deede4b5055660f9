package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func exampleTable() *table {
	t := newTable("Name", "Count", "Note")
	t.right = map[int]bool{1: true}
	t.addCells(cell{"mysql/0", green}, cell{text: "7"}, cell{text: ""})
	t.addCells(cell{text: "é"}, cell{text: "1234567"}, cell{text: "something that is long"})
	return t
}

func TestTable(t *testing.T) {
	for _, test := range []struct {
		about string
		s     screen
		want  string
	}{
		{"no terminal", screen{}, `
Name       Count  Note
mysql/0        7
é        1234567  something that is long
`},
		{"a wide terminal", screen{width: 80, colours: true}, `
Name       Count  Note
` + "\x1b[32mmysql/0\x1b[0m" + `        7
é        1234567  something that is long
`},
		{"the last column is cut", screen{width: 38}, `
Name       Count  Note
mysql/0        7
é        1234567  something that is l…
`},
		{"then the widest", screen{width: 24}, `
Name      Count  Note
mysql…        7
é       1234567  someth…
`},
	} {
		if got := "\n" + exampleTable().layOut(test.s); got != test.want {
			t.Errorf("%s: got %s\nwant %s", test.about, got, test.want)
		}
	}
}

func TestTableLeavesOutSpareColumns(t *testing.T) {
	table := newTable("First", "Second", "Third", "Note")
	table.add("1", "2", "3", "a note that is rather long to be read")
	table.spare = []int{1, 0}
	for width, want := range map[int]string{
		0:  "First  Second  Third  Note",
		60: "First  Second  Third  Note",
		36: "First  Second  Third  Note",
		35: "First  Third  Note",
		28: "First  Third  Note",
		27: "Third  Note",
	} {
		if got, _, _ := strings.Cut(table.layOut(screen{width: width}), "\n"); got != want {
			t.Errorf("width %d: got %q, want %q", width, got, want)
		}
	}
}

// TestTableFits holds that lines are no wider than the screen, as long as each
// column keeps a few characters, and that no text gets out of its line.
func TestTableFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.IntRange(1, 8).Draw(t, "columns")
		row := rapid.SliceOfN(rapid.String(), columns, columns)
		table := newTable(row.Draw(t, "header")...)
		table.spare = rapid.SliceOfDistinct(rapid.IntRange(0, columns-1), rapid.ID[int]).
			Filter(func(spare []int) bool { return len(spare) < columns }).Draw(t, "spare")
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			table.add(row.Draw(t, "row")...)
		}
		width := rapid.IntRange(columns*(leastWidth+len(gap)), 120).Draw(t, "width")
		out := table.layOut(screen{width: width})
		if lines := strings.Count(out, "\n"); lines != len(table.rows) {
			t.Fatalf("%d lines of %d rows", lines, len(table.rows))
		}
		for line := range strings.Lines(out) {
			if got := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); got > width {
				t.Fatalf("%d characters on a screen of %d: %q", got, width, line)
			}
		}
	})
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"short", 5, "short"}, {"longer", 5, "long…"}, {"äöü", 2, "ä…"}, {"ab", 1, "…"}, {"ab", 0, "…"}, {"", 1, ""},
	} {
		if got := cut(test.text, test.width); got != test.want {
			t.Errorf("%q to %d: got %q, want %q", test.text, test.width, got, test.want)
		}
	}
}
