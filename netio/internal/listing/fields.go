package listing

import "math"

// fields walks over the blank-separated fields of a line without copying them.
type fields struct {
	line []byte
	at   int
}

// next returns the next field, nil at the end, and leaves the walk right behind
// it, on the blank.
func (f *fields) next() []byte {
	for f.at < len(f.line) && isBlank(f.line[f.at]) {
		f.at++
	}
	start := f.at
	for f.at < len(f.line) && !isBlank(f.line[f.at]) {
		f.at++
	}
	if start == f.at {
		return nil
	}
	return f.line[start:f.at]
}

// peek returns the next field without going past it.
func (f *fields) peek() []byte {
	ahead := *f
	return ahead.next()
}

// rest returns what follows the one blank behind the last field: a name, with
// all blanks of its own. ok is false where nothing follows.
func (f *fields) rest() (name []byte, ok bool) {
	if f.at >= len(f.line)-1 {
		return nil, false
	}
	return f.line[f.at+1:], true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// decimal reads digits only, always in base ten.
func decimal(text []byte) (n int64, ok bool) {
	if len(text) == 0 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		digit := int64(c - '0')
		if n > (math.MaxInt64-digit)/10 {
			return 0, false
		}
		n = n*10 + digit
	}
	return n, true
}

// small reads a number of least to most digits.
func small(text []byte, least, most int) (n int, ok bool) {
	if len(text) < least || len(text) > most {
		return 0, false
	}
	wide, ok := decimal(text)
	return int(wide), ok
}
