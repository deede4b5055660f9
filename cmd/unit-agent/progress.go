package main

import (
	"fmt"
	"io"
	"sync"
)

// progressLine shows how far something is, in a line that is written over, if its
// writer is a terminal. What else goes to that writer meanwhile is written through
// the progressLine, so that each stays on lines of its own.
type progressLine struct {
	w io.Writer
	screen

	mu    sync.Mutex
	shown bool
}

func newProgressLine(w io.Writer) *progressLine {
	return &progressLine{w: w, screen: screenOf(w)}
}

func (l *progressLine) show(text string) {
	if !l.cursor {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, "\r\x1b[K%s", cut(singleLine(text), l.width-1))
	l.shown = true
}

func (l *progressLine) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove()
}

func (l *progressLine) remove() {
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
		l.shown = false
	}
}

// Write writes whole lines in place of the progress.
func (l *progressLine) Write(lines []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove()
	return l.w.Write(lines)
}
