package diag

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

const (
	window   = 80   // columns of a source line that are shown
	reach    = 1000 // bytes to either side of the span that are looked at
	tabWidth = 4
)

// WriteText writes diagnostics for people:
//
//	deploy.ftp:12:7: error E0202: unknown command GETFLIE
//	   12 | $ok = GETFLIE("a.txt")
//	      |       ^^^^^^^ did you mean GETFILE?
//
// Tabs are expanded alike in both lines, wide characters count two columns, a
// long line is cut around the span, and what a terminal might obey is escaped. A
// hint that does not fit behind the caret stands under it.
func WriteText(w io.Writer, list List, color bool) error {
	var b bytes.Buffer
	for _, d := range list {
		writeOne(&b, d, palette(color))
		if _, err := w.Write(b.Bytes()); err != nil {
			return err
		}
		b.Reset()
	}
	return nil
}

type palette bool

func (p palette) paint(sgr, text string) string {
	if !p || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

func writeOne(b *bytes.Buffer, d Diagnostic, p palette) {
	mark := "1;31"
	if d.Severity == Warning {
		mark = "1;33"
	}
	fmt.Fprintf(b, "%s%s: %s\n", p.paint("1", d.place()), p.paint(mark, d.label()), p.paint("1", Escape(d.Message)))
	hints := strings.Split(EscapeLines(d.Hint), "\n")
	if d.Hint == "" {
		hints = nil
	}
	if d.File == nil {
		for _, h := range hints {
			fmt.Fprintf(b, "  %s\n", h)
		}
		return
	}
	line, _ := d.Position()
	source, before, width := excerpt(d.File, line, d.Span)
	gutter := fmt.Sprintf("%5d | ", line)
	empty := strings.Repeat(" ", len(gutter)-2) + "| "
	fmt.Fprintf(b, "%s%s\n", p.paint("34", gutter), source)
	carets := strings.Repeat(" ", before) + p.paint(mark, strings.Repeat("^", width))
	if len(hints) == 1 && before+width+1+columns(hints[0]) <= window {
		carets += " " + hints[0]
		hints = nil
	}
	fmt.Fprintf(b, "%s%s\n", p.paint("34", empty), carets)
	for _, h := range hints {
		fmt.Fprintf(b, "%s%s\n", p.paint("34", empty), strings.TrimRight(h, " "))
	}
}

// cell is a character as it is shown.
type cell struct {
	text  string
	width int
}

// excerpt returns the line as it is shown, how many columns stand before the
// carets, and how many carets there are: at least one.
func excerpt(f *File, line int, span Span) (shown string, before, carets int) {
	start, end := f.LineSpan(line)
	at := min(max(span.Start, start), end)
	to := min(max(span.End, at), end) // a span over several lines is marked on its first
	low, high := start, end
	if at-reach > start {
		for low = at - reach; low < at && !utf8.RuneStart(f.text[low]); {
			low++
		}
	}
	if at+reach < end {
		for high = at + reach; high > at && !utf8.RuneStart(f.text[high]); {
			high--
		}
		to = min(to, high)
	}
	var cells []cell
	column, first, last := 0, 0, 0
	for i := low; i < high; {
		if i == at {
			first = column
		}
		r, size := utf8.DecodeRuneInString(f.text[i:high])
		c := show(r, f.text[i:i+size], column)
		cells = append(cells, c)
		column += c.width
		i += size
		if i <= to {
			last = column
		}
	}
	if at >= high {
		first = column
	}
	last = max(last, first+1)
	return cut(cells, column, first, last, low > start, high < end)
}

// cut chooses the columns that are shown so that the span from first to last is
// among them, and marks with … where something is left out.
func cut(cells []cell, total, first, last int, cutBefore, cutAfter bool) (shown string, before, carets int) {
	left := 0
	if total > window || cutBefore || cutAfter {
		context := (window - min(last-first, window/2)) / 2
		left = max(0, min(first-context, total-window+1))
	}
	right := left + window
	var b strings.Builder
	column, skipped := 0, 0
	if left > 0 || cutBefore {
		b.WriteString("…")
		skipped = -1
	}
	for _, c := range cells {
		switch {
		case column < left:
			skipped += c.width
		case column+c.width > right:
			cutAfter = true
		default:
			b.WriteString(c.text)
		}
		column += c.width
		if column > right {
			break
		}
	}
	if cutAfter || total > right {
		b.WriteString("…")
	}
	return strings.TrimRight(b.String(), " "), first - skipped, min(last, max(right, first+1)) - first
}

// show returns how a character of a source line is drawn at a column.
func show(r rune, raw string, column int) cell {
	switch {
	case r == '\t':
		n := tabWidth - column%tabWidth
		return cell{"    "[:n], n}
	case r < 0x7f && r >= ' ':
		return cell{raw, 1}
	}
	if text := escapeRune(r, raw); text != raw {
		return cell{text, len(text)}
	}
	return cell{raw, widths().RuneWidth(r)}
}

// columns is the width of a text that is escaped already.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += widths().RuneWidth(r)
	}
	return n
}

// widths measures characters without regard to the environment, so that the same
// list gives the same text everywhere.
func widths() *runewidth.Condition { return &runewidth.Condition{StrictEmojiNeutral: true} }
