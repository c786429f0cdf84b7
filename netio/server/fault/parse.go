package fault

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// Parse reads the text form of a script: one rule a line, empty lines and lines
// that begin with # are skipped.
//
//	on VERB [ARGUMENT] [N | N-M | N-]: ACTION [; ACTION]...
//
// VERB is a command, * for every command, or connect for the greeting. ARGUMENT
// is a wildcard, in double quotes if it holds blanks, a colon or looks like a
// count. Without a count the rule is due every time. The actions:
//
//	delay DURATION          wait first (Go notation: 200ms, 2s)
//	silence                 no reply
//	reply CODE TEXT         instead of carrying the command out
//	raw "BYTES"             the same with exact bytes (Go string notation)
//	clear "BYTES"           the same with bytes that go out below TLS
//	garbage N               the same with N bytes that are no reply
//	endless-line            the same with a line that never ends
//	endless-reply           the same with a multi-line reply that never ends
//	preliminary CODE TEXT   replaces the 1xx reply; "preliminary none" leaves it out
//	final CODE TEXT         replaces the last reply; "final none" leaves it out
//	drip [DURATION]         replies go out one byte at a time
//	defer                   a command sent during a transfer is answered after it
//	cut N [orderly]         data connection reset (or ended in order) after N bytes
//	stall N                 data connection stands still after N bytes
//	rate N                  N payload bytes a second
//	corrupt N               payload byte N (from 0) is changed
//	payload "BYTES"         sent instead of the file or listing
//	size N                  every size that is told is N; package rewrite only
//	clear-data              the data connection is not TLS though it was agreed to be
//	short N                 a READ of SFTP is answered with N bytes at most
//	late N                  an answer of SFTP goes out behind N others, or a moment later
//	wrong-id                a request of SFTP is answered under another's id
//	refuse                  no data connection can be made
//	no-connect              the data connection is promised and never made
//	address [HOST][:PORT]   what PASV and EPSV announce instead of the truth
//	close                   close the control connection afterwards
//	reset                   the same with a TCP reset
//
// A TEXT runs to the end of the line or to the next semicolon; one between double
// quotes does not count. A rule without actions lets its occurrences pass.
func Parse(text string) (*Script, error) {
	var rules []Rule
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		rule, err := parseRule(line)
		if err != nil {
			return nil, fmt.Errorf("fault script, line %d: %w", i+1, err)
		}
		rules = append(rules, rule)
	}
	return New(rules...), nil
}

func parseRule(line string) (Rule, error) {
	head, tail, ok := cutOutsideQuotes(line, ":")
	if !ok {
		return Rule{}, fmt.Errorf("expected a colon after the command, found %q", line)
	}
	words, err := splitWords(head)
	if err != nil {
		return Rule{}, err
	}
	if len(words) < 2 || len(words) > 4 || words[0].text != "on" {
		return Rule{}, fmt.Errorf(`expected "on VERB [ARGUMENT] [COUNT]", found %q`, head)
	}
	rule := Rule{Verb: strings.ToUpper(words[1].text)}
	rest := words[2:]
	if n := len(rest); n > 0 && !rest[n-1].quoted {
		if from, to, ok := parseCount(rest[n-1].text); ok {
			rule.From, rule.To, rest = from, to, rest[:n-1]
		}
	}
	switch len(rest) {
	case 0:
	case 1:
		rule.Argument = rest[0].text
		if _, err := path.Match(rule.Argument, ""); err != nil {
			return Rule{}, fmt.Errorf("argument %q: %w", rule.Argument, err)
		}
	default:
		return Rule{}, fmt.Errorf("expected a count, found %q", rest[1].text)
	}
	for tail = strings.TrimSpace(tail); tail != ""; {
		var action string
		action, tail, _ = cutOutsideQuotes(tail, ";")
		if err := parseAction(strings.TrimSpace(action), &rule.Effect); err != nil {
			return Rule{}, err
		}
		tail = strings.TrimSpace(tail)
	}
	return rule, nil
}

// parseCount reads "3", "2-5" or "2-".
func parseCount(s string) (from, to int, ok bool) {
	first, last, isRange := strings.Cut(s, "-")
	from, err := strconv.Atoi(first)
	if err != nil || from < 1 {
		return 0, 0, false
	}
	if !isRange {
		return from, from, true
	}
	if last == "" {
		return from, 0, true
	}
	to, err = strconv.Atoi(last)
	return from, to, err == nil && to >= from
}

func parseAction(action string, e *Effect) error {
	name, argument, _ := strings.Cut(action, " ")
	argument = strings.TrimSpace(argument)
	parse, ok := actions()[name]
	if !ok {
		return fmt.Errorf("unknown action %q", name)
	}
	if err := parse(argument, e); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// actions is the table of the text form: what each word sets in an Effect.
func actions() map[string]func(argument string, e *Effect) error {
	return map[string]func(string, *Effect) error{
		"delay":         func(a string, e *Effect) (err error) { e.Delay, err = time.ParseDuration(a); return err },
		"silence":       flag(func(e *Effect) { e.Silence = true }),
		"reply":         func(a string, e *Effect) error { return replyLine(a, &e.Reply) },
		"raw":           func(a string, e *Effect) (err error) { e.Raw, err = strconv.Unquote(a); return err },
		"clear":         func(a string, e *Effect) (err error) { e.Clear, err = strconv.Unquote(a); return err },
		"garbage":       func(a string, e *Effect) error { n, err := count(a); e.Garbage = int(n); return err },
		"endless-line":  flag(func(e *Effect) { e.EndlessLine = true }),
		"endless-reply": flag(func(e *Effect) { e.EndlessReply = true }),
		"preliminary": func(a string, e *Effect) error {
			if a == "none" {
				e.NoPreliminary = true
				return nil
			}
			return replyLine(a, &e.Preliminary)
		},
		"final": func(a string, e *Effect) error {
			if a == "none" {
				e.NoFinal = true
				return nil
			}
			return replyLine(a, &e.Final)
		},
		"drip": func(a string, e *Effect) (err error) {
			e.Drip = true
			if a != "" {
				e.DripPause, err = time.ParseDuration(a)
			}
			return err
		},
		"defer": flag(func(e *Effect) { e.Defer = true }),
		"cut":   cut,
		"stall": func(a string, e *Effect) (err error) { e.Stall = true; e.CutAt, err = count(a); return err },
		"rate":  func(a string, e *Effect) (err error) { e.Rate, err = count(a); return err },
		"corrupt": func(a string, e *Effect) (err error) {
			e.Corrupt = true
			e.CorruptAt, err = count(a)
			return err
		},
		"payload": func(a string, e *Effect) error {
			s, err := strconv.Unquote(a)
			e.Payload = []byte(s)
			return err
		},
		"size": func(a string, e *Effect) (err error) {
			e.Sized = true
			e.Size, err = count(a)
			return err
		},
		"clear-data": flag(func(e *Effect) { e.ClearData = true }),
		"short":      func(a string, e *Effect) (err error) { e.Short, err = count(a); return err },
		"late":       func(a string, e *Effect) error { n, err := count(a); e.Late = int(n); return err },
		"wrong-id":   flag(func(e *Effect) { e.WrongID = true }),
		"refuse":     flag(func(e *Effect) { e.Refuse = true }),
		"no-connect": flag(func(e *Effect) { e.NoConnect = true }),
		"address":    address,
		"close":      flag(func(e *Effect) { e.Close = true }),
		"reset":      flag(func(e *Effect) { e.Reset = true }),
	}
}

func flag(set func(*Effect)) func(string, *Effect) error {
	return func(a string, e *Effect) error {
		if a != "" {
			return fmt.Errorf("takes no argument, found %q", a)
		}
		set(e)
		return nil
	}
}

func cut(a string, e *Effect) (err error) {
	number, how, _ := strings.Cut(a, " ")
	switch strings.TrimSpace(how) {
	case "":
	case "orderly":
		e.Orderly = true
	default:
		return fmt.Errorf(`expected "orderly" or nothing, found %q`, how)
	}
	e.Cut = true
	e.CutAt, err = count(number)
	return err
}

func address(a string, e *Effect) error {
	host, port, hasPort := a, "", false
	if i := strings.LastIndexByte(a, ':'); i >= 0 {
		host, port, hasPort = a[:i], a[i+1:], true
	}
	if hasPort {
		n, err := count(port)
		if err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("expected a port from 1 to 65535, found %q", port)
		}
		e.AddressPort = int(n)
	}
	if host == "" && !hasPort {
		return fmt.Errorf("expected HOST, :PORT or HOST:PORT")
	}
	e.AddressHost = host
	return nil
}

// count reads a number of bytes, not negative.
func count(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("expected a number of bytes, found %q", s)
	}
	return n, nil
}

// replyLine insists on three digits, so that a forgotten code is not taken for
// a fault; "raw" is there for replies that are none.
func replyLine(a string, into *string) error {
	if len(a) < 3 || strings.Trim(a[:3], "0123456789") != "" || len(a) > 3 && a[3] != ' ' && a[3] != '-' {
		return fmt.Errorf("expected a code of three digits and a text, found %q", a)
	}
	*into = a
	return nil
}

type word struct {
	text   string
	quoted bool
}

func splitWords(s string) ([]word, error) {
	var words []word
	for s = strings.TrimLeft(s, " \t"); s != ""; s = strings.TrimLeft(s, " \t") {
		if s[0] != '"' {
			end := strings.IndexAny(s, " \t")
			if end < 0 {
				end = len(s)
			}
			words, s = append(words, word{text: s[:end]}), s[end:]
			continue
		}
		quoted, err := strconv.QuotedPrefix(s)
		if err != nil {
			return nil, fmt.Errorf("a quotation mark has no partner in %q", s)
		}
		text, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", quoted, err)
		}
		words, s = append(words, word{text, true}), s[len(quoted):]
	}
	return words, nil
}

// cutOutsideQuotes is strings.Cut that does not look into "quoted parts".
func cutOutsideQuotes(s, separator string) (before, after string, found bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && s[i] == separator[0]:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}
