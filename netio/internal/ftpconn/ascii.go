package ftpconn

// translator changes line ends between this system and the network, where a line
// ends in CR LF (RFC 959, 3.1.1.1). It keeps what it must remember from one piece
// to the next, so each transfer has its own.
type translator struct {
	out    []byte
	heldCR bool // a CR that ended the last piece: its LF may follow
	keepLF bool // this system's own lines end in CR LF
}

func newTranslator(system string) *translator {
	return &translator{keepLF: system == "windows"}
}

// toNetwork puts a CR before each LF that has none.
func (t *translator) toNetwork(in []byte) []byte {
	t.out = t.out[:0]
	for _, c := range in {
		if c == '\n' && !t.heldCR {
			t.out = append(t.out, '\r')
		}
		t.out = append(t.out, c)
		t.heldCR = c == '\r'
	}
	return t.out
}

// fromNetwork takes the CR of each CR LF away where lines end in LF alone. A CR at
// the end of a piece waits for the next; last lets it out.
func (t *translator) fromNetwork(in []byte, last bool) []byte {
	if t.keepLF {
		return in
	}
	t.out = t.out[:0]
	for _, c := range in {
		if t.heldCR && c != '\n' {
			t.out = append(t.out, '\r')
		}
		t.heldCR = c == '\r'
		if !t.heldCR {
			t.out = append(t.out, c)
		}
	}
	if last && t.heldCR {
		t.out = append(t.out, '\r')
		t.heldCR = false
	}
	return t.out
}
