package main

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// cell is a word in a table.
type cell struct {
	text   string
	colour colour
}

// table is lines of columns, the header first. All lines have as many cells.
type table struct {
	rows [][]cell
	// right says which columns are aligned to the right, like numbers.
	right map[int]bool
	// spare are the columns to leave out on a screen that is too narrow, the
	// first to go first.
	spare []int
}

const (
	// gap is between two columns.
	gap = "  "
	// leastWidth is as narrow as a column is made to fit a screen, and leastLast
	// as narrow as the last one, which is the one to be read, is made before
	// others are left out.
	leastWidth = 6
	leastLast  = 14
)

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
	t.addCells(row...)
}

func (t *table) addCells(row ...cell) {
	for i := range row {
		row[i].text = singleLine(row[i].text)
	}
	t.rows = append(t.rows, row)
}

// print prints the table such that no line is wider than the screen: the last
// column is cut, spare ones are left out, and then the widest ones are cut.
func (t *table) print(w io.Writer) error {
	_, err := io.WriteString(w, t.layOut(screenOf(w)))
	return err
}

func (t *table) layOut(s screen) string {
	columns, widths := t.fit(s.width)
	var out strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		for at, i := range columns {
			text := cut(row[i].text, widths[i])
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if at > 0 {
				line.WriteString(gap)
			}
			if t.right[i] {
				line.WriteString(pad)
			}
			line.WriteString(paint(text, row[i].colour, s.colours))
			if !t.right[i] {
				line.WriteString(pad)
			}
		}
		out.WriteString(strings.TrimRight(line.String(), " "))
		out.WriteByte('\n')
	}
	return out.String()
}

// fit returns the columns to print on a screen, and the width of every column.
func (t *table) fit(width int) (columns, widths []int) {
	widths = make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text), 1)
		}
	}
	for i := range widths {
		columns = append(columns, i)
	}
	if width == 0 {
		return columns, widths
	}
	last := len(widths) - 1
	natural := widths[last]
	widths[last] = min(natural, leastLast)
	for _, i := range t.spare {
		if lineWidth(columns, widths) > width {
			columns = slices.DeleteFunc(columns, func(column int) bool { return column == i })
		}
	}
	widths[last] = min(natural, widths[last]+max(0, width-lineWidth(columns, widths)))
	for lineWidth(columns, widths) > width {
		widest := slices.MaxFunc(columns, func(a, b int) int { return widths[a] - widths[b] })
		if widths[widest] <= leastWidth {
			break
		}
		widths[widest]--
	}
	return columns, widths
}

func lineWidth(columns, widths []int) int {
	sum := len(gap) * (len(columns) - 1)
	for _, i := range columns {
		sum += widths[i]
	}
	return sum
}
