package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Colours of the terminal; none is the plain one.
type colour string

const (
	plain  colour = ""
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	grey   colour = "90"
)

// cell is a word in a table.
type cell struct {
	text   string
	colour colour
}

// table is lines of columns that are as wide as they must be.
type table struct {
	rows [][]cell
	// right says which columns are aligned to the right, like numbers.
	right map[int]bool
}

func newTable(header ...string) *table {
	t := &table{right: map[int]bool{}}
	t.add(header...)
	return t
}

func (t *table) add(words ...string) {
	row := make([]cell, len(words))
	for i, word := range words {
		row[i].text = word
	}
	t.rows = append(t.rows, row)
}

func (t *table) addCells(row ...cell) { t.rows = append(t.rows, row) }

// screen is what a table is printed on.
type screen struct {
	// width is the number of columns, 0 if there is no limit.
	width int
	// colours is true if the screen shows colours.
	colours bool
}

// screenOf returns what w is: a terminal if it is one, else endless and plain.
func screenOf(w io.Writer) screen {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return screen{}
	}
	s := screen{colours: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if width, _, err := term.GetSize(int(file.Fd())); err == nil {
		s.width = width
	}
	return s
}

// progressLine shows how far something is, in a line that is written over, if w
// is a terminal.
type progressLine struct {
	w     io.Writer
	width int
}

func newProgressLine(w io.Writer) progressLine {
	return progressLine{w, screenOf(w).width}
}

func (l progressLine) show(text string) {
	if l.width > 0 {
		fmt.Fprintf(l.w, "\r\x1b[K%s", cut(singleLine(text), l.width-1))
	}
}

func (l progressLine) clear() {
	if l.width > 0 {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}

// print prints the table. On a screen that it does not fit, the last column is
// cut.
func (t *table) print(w io.Writer) error {
	s := screenOf(w)
	widths := t.widths()
	var out strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		at := 0
		for i, c := range row {
			last := i == len(row)-1
			text := singleLine(c.text)
			if last && s.width > 0 {
				text = cut(text, s.width-at)
			}
			pad := strings.Repeat(" ", widths[i]-min(widths[i], utf8.RuneCountInString(text)))
			if t.right[i] {
				line.WriteString(pad)
			}
			line.WriteString(paint(text, c.colour, s.colours))
			if !t.right[i] && !last {
				line.WriteString(pad)
			}
			if !last {
				line.WriteString("  ")
				at += widths[i] + 2
			}
		}
		out.WriteString(strings.TrimRight(line.String(), " "))
		out.WriteByte('\n')
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (t *table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(singleLine(c.text)))
		}
	}
	return widths
}

func singleLine(text string) string {
	if !strings.ContainsAny(text, "\n\r\t\x1b") {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, text)
}

func cut(text string, width int) string {
	if width < 1 || utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

func paint(text string, c colour, colours bool) string {
	if !colours || c == plain || text == "" {
		return text
	}
	return fmt.Sprintf("\x1b[%sm%s\x1b[0m", c, text)
}
