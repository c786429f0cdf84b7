package sshconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sftpc/sftpc/netio/internal/names"
)

// Question is which host is asked about, by whom.
type Question struct {
	Host      string // as the script has it
	User      string // "" if the script names none
	Home      string // what ~ and %d stand for
	LocalUser string // what %u stands for
}

// Answer is what the files say; the zero value is that they say nothing. Paths are
// absolute where Home is.
type Answer struct {
	HostName string
	Port     int
	User     string
	// IdentityFiles replace the keys that are tried by default; NoIdentity says that
	// there are to be none.
	IdentityFiles []string
	NoIdentity    bool
	// CertificateFiles are certificates of keys, wherever the keys are.
	CertificateFiles []string
	// IdentitiesOnly leaves out the keys of an agent that are none of IdentityFiles.
	IdentitiesOnly bool
	// KnownHosts replace the user's file of host keys, and GlobalKnownHosts the
	// system's. None of them says that there is to be none.
	KnownHosts       Files
	GlobalKnownHosts Files
	// RevokedHostKeys is the file of keys that no host may prove itself with.
	RevokedHostKeys Files
	// HostKeyAlias is the name that the host's keys are known by.
	HostKeyAlias string
	// IdentityAgent is where the agent is; "none", SSH_AUTH_SOCK and what begins with
	// $ stand as they are.
	IdentityAgent Files
	Jumps         []Jump // hosts on the way, the first one first
	// Unheeded is what would lead the connection elsewhere and is not obeyed.
	Unheeded []Unheeded
}

// Files are the values of a keyword that names files.
type Files struct {
	Paths []string
	None  bool   // it says that there are none
	Place string // where it stands, as file:line; "" if nothing is said
}

// Unheeded is a line that is not obeyed.
type Unheeded struct {
	What  string // the keyword as it is written in the manual, or a criterion of Match
	Place string // file:line
}

// Jump is a host on the way to another.
type Jump struct {
	User string // "" if it is not said
	Host string
	Port int // 0 if it is not said
}

const (
	mostDepth  = 16      // of files that include files, as with OpenSSH
	mostFile   = 1 << 20 // bytes of one file
	mostFiles  = 1000    // that are read for one answer
	mostValues = 1000    // of one keyword that adds up, and of what is not obeyed
)

// Lookup reads the files in the order of their precedence: the first value of a
// keyword holds, but for IdentityFile and CertificateFile, which add up. A missing file says nothing. The
// error is for a file that cannot be read or understood, and names it and the line.
func Lookup(files []string, q Question) (Answer, error) {
	r := &reading{q: q, seen: map[string]bool{}}
	for {
		for _, name := range files {
			// Includes are looked for beside the file that is the user's, or the system's.
			if err := r.file(name, filepath.Dir(name), 0, true); err != nil {
				return Answer{}, err
			}
		}
		if r.final || !r.wantsFinal {
			break
		}
		r.final, r.files = true, 0
	}
	r.expand()
	return r.answer, nil
}

// reading is one answer in the making.
type reading struct {
	q      Question
	answer Answer
	seen   map[string]bool // keywords that have a value
	files  int
	// Match final holds in a second reading, which there is where one asks for it.
	wantsFinal, final bool
	// doubt is the criterion for which the present block is passed over although it
	// may hold; nothing is what it would have said, until one of its lines counts.
	doubt Unheeded
}

func (r *reading) file(name, beside string, depth int, active bool) error {
	if depth > mostDepth {
		return fmt.Errorf("%s: files include each other more than %d deep", name, mostDepth)
	}
	if r.files++; r.files > mostFiles {
		return fmt.Errorf("%s: more than %d files are included", name, mostFiles)
	}
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close() // it was only read
	data, err := io.ReadAll(io.LimitReader(file, mostFile+1))
	if err != nil {
		return err
	}
	if len(data) > mostFile {
		return fmt.Errorf("%s: longer than %d KiB", name, mostFile>>10)
	}
	outer := active // a block of an included file matches only where its Include does
	for number := 1; len(data) > 0; number++ {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte("\n"))
		at := place{file: name, line: number, beside: beside, depth: depth}
		keyword, arguments, err := splitLine(string(line))
		if err != nil {
			return at.wrong("%v", err)
		}
		if keyword == "" {
			continue
		}
		if active, err = r.line(keyword, arguments, at, outer, active); err != nil {
			return err
		}
	}
	return nil
}

// place is where a line stands.
type place struct {
	file   string
	line   int
	beside string // the folder of files that are included without a path
	depth  int
}

func (p place) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

func (p place) wrong(format string, values ...any) error {
	return fmt.Errorf("%s: %s", p, fmt.Sprintf(format, values...))
}

// line obeys one line and returns whether the following ones hold.
func (r *reading) line(keyword string, arguments []string, at place, outer, active bool) (bool, error) {
	switch keyword {
	case "host":
		if len(arguments) == 0 {
			return false, at.wrong("Host names no pattern")
		}
		r.doubt = Unheeded{}
		return outer && matchList(arguments, r.q.Host), nil
	case "match":
		r.doubt = Unheeded{}
		matched, err := r.match(arguments, at)
		if !outer {
			r.doubt = Unheeded{}
		}
		return outer && matched, err
	case "include":
		if !active {
			r.suspect(keyword)
			return active, nil
		}
		return active, r.include(arguments, at)
	}
	if !active {
		r.suspect(keyword)
		return active, nil
	}
	return active, r.set(keyword, arguments, at)
}

// suspect tells of a block that may hold, and has a line that would count.
func (r *reading) suspect(keyword string) {
	if r.doubt.What != "" && (keyword == "include" || leads(keyword)) {
		r.unheeded(r.doubt)
		r.doubt = Unheeded{}
	}
}

func (r *reading) unheeded(u Unheeded) {
	if !slices.Contains(r.answer.Unheeded, u) && len(r.answer.Unheeded) < mostValues {
		r.answer.Unheeded = append(r.answer.Unheeded, u)
	}
}

// include reads further files; what they say holds where the Include does.
func (r *reading) include(patterns []string, at place) error {
	if len(patterns) == 0 {
		return at.wrong("Include names no file")
	}
	for _, pattern := range patterns {
		path := r.tilde(pattern)
		if !filepath.IsAbs(path) {
			path = filepath.Join(at.beside, path)
		}
		found, err := filepath.Glob(path)
		if err != nil {
			return at.wrong("Include %q is no pattern of names", pattern)
		}
		for _, name := range found {
			if err := r.file(name, at.beside, at.depth+1, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// match reads the criteria of Match, all of which must hold. Those that would run a
// program, or that ask what is not known here, never do.
func (r *reading) match(criteria []string, at place) (bool, error) {
	if len(criteria) == 0 {
		return false, at.wrong("Match names no criterion")
	}
	matched := true
	for i := 0; i < len(criteria); i++ {
		criterion, value, attached := strings.Cut(criteria[i], "=")
		criterion, negated := strings.CutPrefix(strings.ToLower(criterion), "!")
		holds := false
		switch criterion {
		case "all":
			holds = true
		case "final":
			r.wantsFinal = true
			holds = r.final
		case "canonical":
			// A name is never made canonical here.
		default:
			if !attached {
				if i++; i == len(criteria) {
					return false, at.wrong("Match %s names no value", criterion)
				}
				value = criteria[i]
			}
			subject, known := r.subject(criterion)
			if !known {
				if matched {
					r.doubt = Unheeded{What: "Match " + criterion, Place: at.String()}
				}
				return false, nil
			}
			holds = matchList(strings.Split(value, ","), subject)
		}
		if holds == negated {
			matched = false
		}
	}
	return matched, nil
}

// subject is what a criterion of Match is held against.
func (r *reading) subject(criterion string) (text string, known bool) {
	switch criterion {
	case "host":
		if r.answer.HostName != "" {
			return r.hostName(), true
		}
		return r.q.Host, true
	case "originalhost":
		return r.q.Host, true
	case "user":
		return r.user(), true
	case "localuser":
		return r.q.LocalUser, true
	}
	return "", false
}

// leads tells of the keywords that say where the host is, on what way, and by which
// keys it is known.
func leads(keyword string) bool {
	switch keyword {
	case "hostname", "port", "user", "proxyjump", "userknownhostsfile", "globalknownhostsfile", "revokedhostkeys", "hostkeyalias",
		"proxycommand", "bindaddress", "bindinterface", "addressfamily", "canonicalizehostname":
		return true
	}
	return false
}

// set takes the value of a keyword that is understood, if it is the first.
func (r *reading) set(keyword string, arguments []string, at place) error {
	switch keyword {
	case "identityfile", "identitiesonly", "identityagent", "certificatefile":
	default:
		if !leads(keyword) {
			return nil
		}
	}
	if len(arguments) == 0 || arguments[0] == "" {
		return at.wrong("%s has no value", keyword)
	}
	value, none := arguments[0], strings.EqualFold(arguments[0], "none")
	if keyword == "identityfile" {
		if none {
			r.answer.NoIdentity = true
		} else if len(r.answer.IdentityFiles) < mostValues && !slices.Contains(r.answer.IdentityFiles, value) {
			r.answer.IdentityFiles = append(r.answer.IdentityFiles, value)
		}
		return nil
	}
	if keyword == "certificatefile" {
		if files := r.answer.CertificateFiles; !none && len(files) < mostValues && !slices.Contains(files, value) {
			r.answer.CertificateFiles = append(files, value)
		}
		return nil
	}
	if r.seen[keyword] || keyword == "proxycommand" && r.seen["proxyjump"] || keyword == "proxyjump" && r.seen["proxycommand"] {
		return nil
	}
	r.seen[keyword] = true
	switch keyword {
	case "hostname":
		r.answer.HostName = value
	case "port":
		port, err := strconv.ParseUint(value, 10, 16)
		if err != nil || port == 0 {
			return at.wrong("Port %q is not a number from 1 to 65535", value)
		}
		r.answer.Port = int(port)
	case "user":
		r.answer.User = value
	case "identitiesonly":
		r.answer.IdentitiesOnly = strings.EqualFold(value, "yes") || strings.EqualFold(value, "true")
	case "proxycommand":
		if !none {
			r.unheeded(Unheeded{"ProxyCommand", at.String()})
		}
	case "bindaddress":
		r.unheeded(Unheeded{"BindAddress", at.String()})
	case "bindinterface":
		r.unheeded(Unheeded{"BindInterface", at.String()})
	case "addressfamily":
		if !strings.EqualFold(value, "any") {
			r.unheeded(Unheeded{"AddressFamily", at.String()})
		}
	case "canonicalizehostname":
		if !strings.EqualFold(value, "no") && !strings.EqualFold(value, "false") && !none {
			r.unheeded(Unheeded{"CanonicalizeHostname", at.String()})
		}
	case "hostkeyalias":
		r.answer.HostKeyAlias = value
	case "proxyjump":
		if none {
			return nil
		}
		for _, text := range strings.Split(value, ",") {
			jump, err := parseJump(text)
			if err != nil {
				return at.wrong("ProxyJump: %v", err)
			}
			r.answer.Jumps = append(r.answer.Jumps, jump)
		}
	case "userknownhostsfile":
		r.answer.KnownHosts = filesOf(arguments, at)
	case "globalknownhostsfile":
		r.answer.GlobalKnownHosts = filesOf(arguments, at)
	case "revokedhostkeys":
		r.answer.RevokedHostKeys = filesOf(arguments[:1], at)
	case "identityagent":
		r.answer.IdentityAgent = filesOf(arguments[:1], at)
	}
	return nil
}

func filesOf(arguments []string, at place) Files {
	if strings.EqualFold(arguments[0], "none") {
		return Files{None: true, Place: at.String()}
	}
	return Files{Paths: slices.Clone(arguments), Place: at.String()}
}

// parseJump reads [user@]host[:port], and the same behind ssh://.
func parseJump(text string) (Jump, error) {
	rest := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "ssh://"), "/")
	var jump Jump
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		jump.User, rest = rest[:at], rest[at+1:]
	}
	port := ""
	if inner, bracketed := strings.CutPrefix(rest, "["); bracketed {
		var closed bool
		jump.Host, rest, closed = strings.Cut(inner, "]")
		if !closed || rest != "" && rest[0] != ':' {
			return Jump{}, fmt.Errorf("%q is not [user@]host[:port]", text)
		}
		port = strings.TrimPrefix(rest, ":")
	} else if strings.Count(rest, ":") == 1 {
		jump.Host, port, _ = strings.Cut(rest, ":")
	} else {
		jump.Host = rest
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return Jump{}, fmt.Errorf("%q has a port that is not a number from 1 to 65535", text)
		}
		jump.Port = int(n)
	}
	if jump.Host == "" {
		return Jump{}, fmt.Errorf("%q names no host", text)
	}
	return jump, nil
}

// user is who logs in, as far as it is known.
func (r *reading) user() string {
	for _, user := range []string{r.q.User, r.answer.User, r.q.LocalUser} {
		if user != "" {
			return user
		}
	}
	return ""
}

// hostName is where the host is.
func (r *reading) hostName() string {
	if r.answer.HostName == "" {
		return r.q.Host
	}
	return replaceTokens(r.answer.HostName, map[byte]string{'h': r.q.Host, '%': "%"})
}

// expand puts in what tokens and ~ stand for.
func (r *reading) expand() {
	a := &r.answer
	host := r.hostName()
	if a.HostName != "" {
		a.HostName = host
	}
	port := a.Port
	if port == 0 {
		port = 22
	}
	tokens := map[byte]string{
		'%': "%", 'd': r.q.Home, 'h': host, 'n': r.q.Host, 'p': strconv.Itoa(port), 'r': r.user(), 'u': r.q.LocalUser,
	}
	for _, list := range [][]string{a.IdentityFiles, a.CertificateFiles, a.KnownHosts.Paths, a.GlobalKnownHosts.Paths, a.RevokedHostKeys.Paths, a.IdentityAgent.Paths} {
		for i, path := range list {
			list[i] = replaceTokens(r.tilde(path), tokens)
		}
	}
}

// tilde puts the user's folder in.
func (r *reading) tilde(path string) string {
	if path == "~" {
		return r.q.Home
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(r.q.Home, rest)
	}
	return path
}

// replaceTokens replaces % and a letter; one that is not known stays as it is.
func replaceTokens(text string, tokens map[byte]string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+1 < len(text) {
			if value, ok := tokens[text[i+1]]; ok {
				b.WriteString(value)
				i++
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// splitLine reads one line: a keyword in small letters, and its arguments. Blanks or
// one = stand between the two; double quotes keep blanks; # begins a comment where an
// argument would begin.
func splitLine(line string) (keyword string, arguments []string, err error) {
	const blanks = " \t\r\f"
	line = strings.Trim(line, blanks)
	if line == "" || line[0] == '#' {
		return "", nil, nil
	}
	end := strings.IndexAny(line, blanks+"=")
	if end < 0 {
		return strings.ToLower(line), nil, nil
	}
	keyword = strings.ToLower(line[:end])
	rest := strings.TrimLeft(line[end:], blanks)
	if after, ok := strings.CutPrefix(rest, "="); ok {
		rest = after
	}
	for {
		rest = strings.TrimLeft(rest, blanks)
		switch {
		case rest == "" || rest[0] == '#':
			return keyword, arguments, nil
		case rest[0] == '"':
			inner, after, closed := strings.Cut(rest[1:], `"`)
			if !closed {
				return "", nil, errors.New("a quote is not closed")
			}
			arguments, rest = append(arguments, inner), after
		default:
			end := strings.IndexAny(rest, blanks)
			if end < 0 {
				end = len(rest)
			}
			arguments, rest = append(arguments, rest[:end]), rest[end:]
		}
	}
}

// matchList reports whether one of the patterns matches and none that begins with !
// does. Names have no case.
func matchList(patterns []string, name string) bool {
	found := false
	for _, pattern := range patterns {
		pattern, negated := strings.CutPrefix(strings.ToLower(pattern), "!")
		if pattern == "" || !names.Glob(pattern, name, true) {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}
