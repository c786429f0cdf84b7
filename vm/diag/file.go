package diag

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// Span is a part of a file's text, as byte offsets; End is behind the last byte.
// Start == End marks a place between two characters.
type Span struct{ Start, End int }

// To returns the span from the start of s to the end of other.
func (s Span) To(other Span) Span { return Span{s.Start, other.End} }

// File is a named text with an index of its lines. It never changes.
type File struct {
	name  string
	text  string
	lines []int // offset of the first byte of each line
}

// NewFile makes a File of a decoded text. Lines end with LF, CRLF or CR; the name
// is shown as given.
func NewFile(name string, source string) *File {
	lines := make([]int, 1, 1+strings.Count(source, "\n"))
	for i := 0; i < len(source); i++ {
		switch source[i] {
		case '\n':
			lines = append(lines, i+1)
		case '\r':
			if i+1 < len(source) && source[i+1] == '\n' {
				i++
			}
			lines = append(lines, i+1)
		}
	}
	return &File{name: name, text: source, lines: lines}
}

// Name is the name as given to NewFile.
func (f *File) Name() string { return f.name }

// Text is the whole text.
func (f *File) Text() string { return f.text }

// Lines is the number of lines, at least 1; a text that ends with a line end has
// an empty last line.
func (f *File) Lines() int { return len(f.lines) }

// Position returns line and column of a byte offset, both from 1; the column
// counts characters (code points, and a byte that is not UTF-8 as one). Offsets
// outside of the text are taken to its nearest end.
func (f *File) Position(offset int) (line, column int) {
	offset = min(max(offset, 0), len(f.text))
	line = sort.SearchInts(f.lines, offset+1)
	return line, utf8.RuneCountInString(f.text[f.lines[line-1]:offset]) + 1
}

// Line returns the text of line n, from 1, without its line end; "" if there is
// no such line.
func (f *File) Line(n int) string {
	start, end := f.LineSpan(n)
	return f.text[start:end]
}

// LineSpan returns the offsets of line n without its line end; 0, 0 if there is
// no such line.
func (f *File) LineSpan(n int) (start, end int) {
	if n < 1 || n > len(f.lines) {
		return 0, 0
	}
	start, end = f.lines[n-1], len(f.text)
	if n < len(f.lines) {
		end = f.lines[n]
		end -= len(f.text[start:end]) - len(strings.TrimRight(f.text[start:end], "\r\n"))
	}
	return start, end
}
