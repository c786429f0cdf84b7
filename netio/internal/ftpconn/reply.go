package ftpconn

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

// protocolError is a server that said what no server may say.
type protocolError struct{ what string }

func (e *protocolError) Error() string { return e.what }

func protocolFault(format string, args ...any) error {
	return &protocolError{fmt.Sprintf(format, args...)}
}

// replyReader takes replies from a stream that nobody has vouched for: the length
// of a line and the number of lines are bounded, and anything that does not begin
// with a code is refused instead of being guessed at.
type replyReader struct {
	lines    *bufio.Reader // its buffer is the limit of one line
	maxLines int
	observe  func(line string)
}

func newReplyReader(r io.Reader, limits session.Limits, observe func(string)) *replyReader {
	return &replyReader{
		lines:    bufio.NewReaderSize(r, limits.ReplyLine),
		maxLines: limits.ReplyLines,
		observe:  observe,
	}
}

// line returns the next line without its end.
func (r *replyReader) line() (string, error) {
	raw, err := r.lines.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", protocolFault("a reply line is longer than %d bytes", r.lines.Size())
	case err == io.EOF && len(raw) > 0:
		return "", io.ErrUnexpectedEOF
	case err != nil:
		return "", err
	}
	line := strings.TrimRight(string(raw), "\r\n")
	r.observe(line)
	return line, nil
}

// next reads one whole reply.
func (r *replyReader) next() (session.Reply, error) {
	first, err := r.line()
	if err != nil {
		return session.Reply{}, err
	}
	code, ok := replyCode(first)
	if !ok {
		return session.Reply{}, protocolFault("not a reply: %q", clip(first))
	}
	reply := session.Reply{Code: code, Text: afterCode(first)}
	if len(first) == 3 || first[3] != '-' {
		return reply, nil
	}
	var text strings.Builder
	text.WriteString(reply.Text)
	for count := 2; ; count++ {
		if count > r.maxLines {
			return session.Reply{}, protocolFault("a reply has more than %d lines", r.maxLines)
		}
		line, err := r.line()
		if err != nil {
			return session.Reply{}, err
		}
		text.WriteByte('\n')
		if line == first[:3] || strings.HasPrefix(line, first[:3]+" ") {
			text.WriteString(afterCode(line))
			reply.Text = text.String()
			return reply, nil
		}
		text.WriteString(line)
	}
}

// replyCode reads the three digits that a reply's first line begins with.
func replyCode(line string) (int, bool) {
	if len(line) < 3 || line[0] < '1' || line[0] > '6' {
		return 0, false
	}
	if len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		return 0, false
	}
	code, err := strconv.Atoi(line[:3])
	return code, err == nil
}

func afterCode(line string) string {
	if len(line) <= 4 {
		return ""
	}
	return line[4:]
}

// render writes a reply as the library reads it.
func render(r session.Reply) string {
	lines := strings.Split(r.Text, "\n")
	if len(lines) == 1 {
		return fmt.Sprintf("%d %s\r\n", r.Code, r.Text)
	}
	var b strings.Builder
	last := len(lines) - 1
	fmt.Fprintf(&b, "%d-%s\r\n", r.Code, lines[0])
	for _, line := range lines[1:last] {
		b.WriteString(line + "\r\n")
	}
	fmt.Fprintf(&b, "%d %s\r\n", r.Code, lines[last])
	return b.String()
}

// clip bounds what an error quotes.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

func preliminary(code int) bool { return code/100 == 1 }
func completed(code int) bool   { return code/100 == 2 }
func negative(code int) bool    { return code >= 400 }
