package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
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

// screen is what something is printed on.
type screen struct {
	// width is the number of columns, 0 if there is no limit.
	width int
	// colours is true if the screen shows colours, and cursor if what is on it
	// can be written over.
	colours, cursor bool
}

// screenOf returns what w is: a terminal if it is one, else endless and plain.
func screenOf(w io.Writer) screen {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return screen{}
	}
	smart := os.Getenv("TERM") != "dumb"
	s := screen{colours: smart && os.Getenv("NO_COLOR") == "", cursor: smart}
	if width, _, err := term.GetSize(int(file.Fd())); err == nil {
		s.width = width
	}
	return s
}

// singleLine takes everything out of a text that would move the cursor or change
// the terminal: what charms say is printed among what we say.
func singleLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// cut shortens a text to a width of at least 1.
func cut(text string, width int) string {
	width = max(width, 1)
	if utf8.RuneCountInString(text) <= width {
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
