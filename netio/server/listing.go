package server

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// entry is one line of a listing.
type entry struct {
	name   string // as it is shown
	info   fs.FileInfo
	target string // of a symbolic link
}

func (s *session) list(c *command) {
	if text, found := s.server.options.Listings[s.resolve(dropFlags(c.argument))]; found {
		s.sendText(c, text)
		return
	}
	s.sendListing(c, dropFlags(c.argument), s.unixLine)
}

func (s *session) nlst(c *command) {
	argument := dropFlags(c.argument)
	prefix := ""
	if info, err := s.statFile(s.resolve(argument)); err == nil && info.IsDir() && argument != "" {
		// The names must be of use to the client as they are (RFC 1123, 4.1.2.7).
		prefix = strings.TrimSuffix(argument, "/") + "/"
	}
	s.sendListing(c, argument, func(e entry) string { return prefix + e.name })
}

// dropFlags takes "-a" and "-l" off, which many clients send as they would to
// ls. All names are always shown.
func dropFlags(argument string) string {
	for strings.HasPrefix(argument, "-") {
		_, argument, _ = strings.Cut(argument, " ")
		argument = strings.TrimLeft(argument, " ")
	}
	return argument
}

func (s *session) sendListing(c *command, argument string, line func(entry) string) {
	if !s.hasData(c) {
		return
	}
	entries, err := s.entries(argument)
	if err != nil {
		s.dropData()
		s.refuse(c, err)
		return
	}
	s.sendLines(c, entries, line)
}

// sendText answers with a listing that was written beforehand.
func (s *session) sendText(c *command, text string) {
	if !s.hasData(c) {
		return
	}
	s.begin(&transfer{
		command: c, payload: bytes.NewBufferString(strings.ReplaceAll(text, "\n", "\r\n")),
		preliminary: "Here comes the listing",
		final:       "Listing complete",
	})
}

func (s *session) sendLines(c *command, entries []entry, line func(entry) string) {
	var b bytes.Buffer
	for _, e := range entries {
		b.WriteString(line(e))
		b.WriteString("\r\n")
	}
	s.begin(&transfer{
		command: c, payload: &b,
		preliminary: "Here comes the listing",
		final:       fmt.Sprintf("Listing complete, %d names", len(entries)),
	})
}

// entries reads a directory, or the one file that the argument names, or the
// names that its last component matches as a wildcard.
func (s *session) entries(argument string) ([]entry, error) {
	virtual := s.resolve(argument)
	info, err := s.statFile(virtual)
	switch {
	case err == nil && info.IsDir():
		return s.readDir(virtual)
	case err == nil:
		return []entry{s.entry(virtual, argument, info)}, nil
	case !errors.Is(err, fs.ErrNotExist) || !strings.ContainsAny(path.Base(virtual), "*?"):
		if info, err := s.lstat(virtual); err == nil {
			return []entry{s.entry(virtual, argument, info)}, nil // a dangling link
		}
		return nil, err
	}
	found, err := s.readDir(path.Dir(virtual))
	if err != nil {
		return nil, err
	}
	pattern := strings.NewReplacer("[", `\[`, `\`, `\\`).Replace(path.Base(virtual))
	prefix := argument[:strings.LastIndexByte(argument, '/')+1]
	matching := found[:0]
	for _, e := range found {
		if ok, _ := path.Match(pattern, e.name); ok {
			e.name = prefix + e.name
			matching = append(matching, e)
		}
	}
	return matching, nil
}

// readDir reads a directory in the order of the names' bytes. Names that would
// break a listing are left out, also those that go away meanwhile.
func (s *session) readDir(virtual string) ([]entry, error) {
	dir, err := s.server.root.Open(local(virtual))
	if err != nil {
		return nil, err
	}
	names, err := dir.Readdirnames(-1)
	dir.Close()
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	entries := make([]entry, 0, len(names))
	for _, name := range names {
		if strings.ContainsAny(name, "\r\n") {
			continue
		}
		child := path.Join(virtual, name)
		info, err := s.server.root.Lstat(local(child))
		if err != nil {
			continue
		}
		entries = append(entries, s.entry(child, name, info))
	}
	return entries, nil
}

func (s *session) entry(virtual, name string, info fs.FileInfo) entry {
	e := entry{name: name, info: info}
	if info.Mode()&fs.ModeSymlink != 0 {
		e.target, _ = s.server.root.Readlink(local(virtual))
	}
	return e
}

// unixLine is a line as `ls -l` writes it, the form that every client reads.
func (s *session) unixLine(e entry) string {
	now, changed := time.Now().Add(s.options.ClockOffset), s.told(e.info).In(s.options.Zone)
	when := changed.Format("Jan _2 15:04")
	// As ls does: the year instead of the time for what is older than half a year
	// or lies in the future.
	if age := now.Sub(changed); age > 182*24*time.Hour || age < -time.Minute {
		when = changed.Format("Jan _2  2006")
	}
	name := e.name
	if e.target != "" && !strings.ContainsAny(e.target, "\r\n") {
		name += " -> " + e.target
	}
	links := 1
	if e.info.IsDir() {
		links = 2
	}
	return fmt.Sprintf("%s %3d ftp      ftp      %12d %s %s", unixMode(e.info.Mode()), links, e.info.Size(), when, name)
}

func unixMode(mode fs.FileMode) string {
	kind := byte('-')
	for _, k := range []struct {
		bit    fs.FileMode
		letter byte
	}{{fs.ModeDir, 'd'}, {fs.ModeSymlink, 'l'}, {fs.ModeNamedPipe, 'p'}, {fs.ModeSocket, 's'}, {fs.ModeCharDevice, 'c'}, {fs.ModeDevice, 'b'}} {
		if mode&k.bit != 0 {
			kind = k.letter
			break
		}
	}
	b := []byte(mode.Perm().String())
	b[0] = kind
	special := func(bit fs.FileMode, at int, with, without byte) {
		if mode&bit != 0 {
			b[at] = with
			if mode.Perm()&(1<<(9-at)) == 0 {
				b[at] = without
			}
		}
	}
	special(fs.ModeSetuid, 3, 's', 'S')
	special(fs.ModeSetgid, 6, 's', 'S')
	special(fs.ModeSticky, 9, 't', 'T')
	return string(b)
}

// told is the time of a file as this server tells it.
func (s *session) told(info fs.FileInfo) time.Time {
	return info.ModTime().Truncate(s.options.Grain).Add(s.options.ClockOffset).UTC()
}

// The facts of MLSD and MLST (RFC 3659, 7.5), each a bit of session.facts.
const (
	factType uint8 = 1 << iota
	factSize
	factModify
	factPerm
	factMode
	allFacts = factType | factSize | factModify | factPerm | factMode
)

// factNames are in the order of the bits.
func factNames() []string { return []string{"type", "size", "modify", "perm", "UNIX.mode"} }

// factList is FEAT's list, the chosen facts with an asterisk.
func (s *session) factList() string {
	var b strings.Builder
	for i, name := range factNames() {
		b.WriteString(name)
		if s.facts&(1<<i) != 0 {
			b.WriteString("*")
		}
		b.WriteString(";")
	}
	return b.String()
}

func (s *session) chooseFacts(list string) {
	s.facts = 0
	for fact := range strings.SplitSeq(list, ";") {
		for i, name := range factNames() {
			if strings.EqualFold(strings.TrimSpace(fact), name) {
				s.facts |= 1 << i
			}
		}
	}
}

// machineLine is a line of MLSD. kind overrides the type ("cdir", "pdir").
func (s *session) machineLine(e entry, kind string) string {
	var b strings.Builder
	mode := e.info.Mode()
	fact := func(bit uint8, name, value string) {
		if s.facts&bit != 0 {
			b.WriteString(name + "=" + value + ";")
		}
	}
	if kind == "" {
		kind = machineType(mode, e.target)
	}
	fact(factType, "type", kind)
	if mode.IsRegular() {
		fact(factSize, "size", fmt.Sprint(e.info.Size()))
	}
	fact(factModify, "modify", s.told(e.info).Format("20060102150405"))
	fact(factPerm, "perm", s.permissions(mode))
	fact(factMode, "UNIX.mode", fmt.Sprintf("0%03o", mode.Perm()))
	return b.String() + " " + e.name
}

func machineType(mode fs.FileMode, target string) string {
	switch {
	case mode.IsDir():
		return "dir"
	case mode.IsRegular():
		return "file"
	case mode&fs.ModeSymlink != 0 && target != "" && !strings.ContainsAny(target, ";\r\n "):
		return "OS.unix=slink:" + target
	case mode&fs.ModeSymlink != 0:
		return "OS.unix=symlink" // a value must not hold a semicolon or a blank
	case mode&fs.ModeDevice != 0:
		return "OS.unix=dev"
	case mode&fs.ModeNamedPipe != 0:
		return "OS.unix=fifo"
	}
	return "OS.unix=other"
}

// permissions are the letters of RFC 3659, 7.5.5.
func (s *session) permissions(mode fs.FileMode) string {
	dir := mode.IsDir()
	switch {
	case dir && s.options.ReadOnly:
		return "el"
	case dir:
		return "cdeflmp"
	case s.options.ReadOnly:
		return "r"
	}
	return "adfrw"
}

func (s *session) mlsd(c *command) {
	if !s.hasData(c) {
		return
	}
	virtual := s.resolve(c.argument)
	info, err := s.statFile(virtual)
	if err == nil && !info.IsDir() {
		s.dropData()
		s.reply(c, 501, "MLSD is for directories")
		return
	}
	var entries []entry
	if err == nil {
		entries, err = s.readDir(virtual)
	}
	if err != nil {
		s.dropData()
		s.refuse(c, err)
		return
	}
	entries = append([]entry{{name: ".", info: info}}, entries...)
	if above, err := s.statFile(path.Dir(virtual)); err == nil && virtual != "/" {
		entries = append(entries, entry{name: "..", info: above})
	}
	s.sendLines(c, entries, func(e entry) string {
		kind := map[string]string{".": "cdir", "..": "pdir"}[e.name]
		return s.machineLine(e, kind)
	})
}

func (s *session) mlst(c *command) {
	virtual := s.resolve(c.argument)
	info, err := s.lstat(virtual)
	if err != nil {
		s.refuse(c, err)
		return
	}
	e := s.entry(virtual, virtual, info)
	s.replyLines(c, 250, "Listing", []string{s.machineLine(e, "")}, "End")
}

// stat tells about the connection, about a running transfer, or lists a name
// over the control connection.
func (s *session) stat(c *command) {
	if c.argument == "" {
		var lines []string
		lines = append(lines, fmt.Sprintf("Connected from %s", s.peer), fmt.Sprintf("Logged in: %t", s.loggedIn))
		if s.transfer != nil {
			lines = append(lines, s.transfer.progress())
		}
		s.replyLines(c, 211, "Status:", lines, "End of status")
		return
	}
	if !s.loggedIn {
		s.reply(c, 530, "Please log in with USER and PASS")
		return
	}
	argument := dropFlags(c.argument)
	entries, err := s.entries(argument)
	if err != nil {
		s.refuse(c, err)
		return
	}
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = s.unixLine(e)
	}
	code := 213
	if info, err := s.statFile(s.resolve(argument)); err == nil && info.IsDir() {
		code = 212
	}
	s.replyLines(c, code, "Status of "+argument+":", lines, "End of status")
}
