package server

import (
	"bytes"
	"io"
)

// TYPE A carries lines with CR LF at their ends (RFC 959, 3.1.1.1); files here
// have LF. Every LF becomes CR LF on the wire, also one that has a CR before it,
// and every CR LF becomes LF: so each file comes back as it went.

const asciiBuffer = 32 << 10

// toWire reads source with its line ends made CR LF.
type toWire struct {
	source io.Reader
	raw    [asciiBuffer]byte
	out    bytes.Buffer
	err    error
}

func (w *toWire) Read(p []byte) (int, error) {
	for w.out.Len() == 0 {
		if w.err != nil {
			return 0, w.err
		}
		var n int
		n, w.err = w.source.Read(w.raw[:])
		for rest := w.raw[:n]; len(rest) > 0; {
			line := rest
			if i := bytes.IndexByte(rest, '\n'); i >= 0 {
				line = rest[:i]
				w.out.Write(line)
				w.out.WriteString("\r\n")
				rest = rest[i+1:]
				continue
			}
			w.out.Write(line)
			break
		}
	}
	return w.out.Read(p)
}

// fromWire reads source with its CR LF made LF. A CR without LF stays.
type fromWire struct {
	source io.Reader
	raw    [asciiBuffer]byte
	out    bytes.Buffer
	held   bool // the last byte was a CR whose successor is not known yet
	err    error
}

func (w *fromWire) Read(p []byte) (int, error) {
	for w.out.Len() == 0 {
		if w.err != nil {
			return 0, w.err
		}
		var n int
		n, w.err = w.source.Read(w.raw[:])
		w.take(w.raw[:n])
		if w.err == io.EOF && w.held {
			w.out.WriteByte('\r')
			w.held = false
		}
	}
	return w.out.Read(p)
}

func (w *fromWire) take(chunk []byte) {
	for _, b := range chunk {
		if w.held && b != '\n' {
			w.out.WriteByte('\r')
		}
		w.held = b == '\r'
		if !w.held {
			w.out.WriteByte(b)
		}
	}
}
