package ftpconn

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/internal/listing"
	"github.com/sftpc/sftpc/netio/session"
)

// deepestParent bounds how far up Stat looks for the directory that is missing.
const deepestParent = 32

// Stat asks for one name: by MLST; else a file by SIZE and MDTM; else it looks for
// the name in the listing of its directory. The Name of the entry is the one that
// was asked for.
func (s *Session) Stat(ctx context.Context, name string) (entry session.Entry, err error) {
	err = s.named(ctx, "asking for", name, func() error {
		entry, err = s.stat(name, 0)
		return err
	})
	if err != nil {
		return session.Entry{}, err
	}
	return entry, nil
}

// Glance asks for one name by MLST, or by SIZE and MDTM, and makes no data
// connection.
func (s *Session) Glance(ctx context.Context, name string) (entry session.Entry, found bool, err error) {
	err = s.named(ctx, "asking for", name, func() error {
		entry, found, err = s.glance(name)
		return err
	})
	if session.CauseOf(err) == session.NoSuchRemoteFile {
		err = nil
	}
	return entry, found && err == nil, err
}

// Pick asks for the size or the time of a file by one command, and by all that Stat has
// where that does not tell.
func (s *Session) Pick(ctx context.Context, name string, a session.Aspect) (entry session.Entry, err error) {
	err = s.named(ctx, "asking for", name, func() error {
		entry, err = s.pick(name, a)
		return err
	})
	if err != nil {
		return session.Entry{}, err
	}
	return entry, nil
}

func (s *Session) pick(name string, a session.Aspect) (session.Entry, error) {
	if s.namesDirectory(name) || s.usesMLSD() && !s.unknown["MLST"] {
		return s.stat(name, 0)
	}
	entry := session.Entry{Name: name, Kind: session.KindFile, Size: -1}
	if a == session.AspectTime {
		dated, err := s.dated(entry)
		if err != nil || dated.Exact {
			return dated, err
		}
		return s.stat(name, 0)
	}
	entry, found, err := s.sizeOf(entry)
	if err != nil || found {
		return entry, err
	}
	return s.stat(name, 0)
}

// missing says that the server has no such name.
func (s *Session) missing(name string) *session.Error {
	e := fault(session.NoSuchRemoteFile, nil)
	if negative(s.control.answer.Code) {
		e.Reply = s.control.answer
	} else {
		e.Err = errors.New(name + " is not in the listing of its directory")
	}
	return e
}

func (s *Session) stat(name string, depth int) (session.Entry, error) {
	entry, found, err := s.glance(name)
	if err != nil || found {
		return entry, err
	}
	if s.namesDirectory(name) {
		if err := s.within(name, func() error { return nil }); err != nil {
			return session.Entry{}, err
		}
		return session.Entry{Name: name, Kind: session.KindDir, Size: -1}, nil
	}
	return s.findInParent(name, depth)
}

// glance is what the commands tell that are about one name.
func (s *Session) glance(name string) (entry session.Entry, found bool, err error) {
	if s.usesMLSD() && !s.unknown["MLST"] {
		reply, e := s.exchange("MLST " + name)
		if e != nil {
			return session.Entry{}, false, e
		}
		if completed(reply.Code) {
			if entry, ok := factsIn(reply); ok {
				entry.Name = name
				if entry.Kind != session.KindLink {
					return entry, true, nil
				}
				// SIZE and MDTM follow a link, as RETR does.
				led, found, err := s.sizeAndTime(name)
				if err != nil || found {
					return led, found, err
				}
				return entry, true, nil
			}
		} else if !s.learnUnknown("MLST", reply.Code) {
			if refusal, certain := ofReply("MLST", reply, false); certain {
				return session.Entry{}, false, refusal
			}
		}
	}
	if s.namesDirectory(name) {
		return session.Entry{}, false, nil
	}
	return s.sizeAndTime(name)
}

// factsIn reads the line of facts in a reply to MLST, which stands between the
// first and the last, as a rule behind a blank.
func factsIn(reply session.Reply) (session.Entry, bool) {
	lines := strings.Split(reply.Text, "\n")
	for i, line := range lines {
		if i == 0 || i == len(lines)-1 || strings.TrimSpace(line) == "" {
			continue
		}
		entry, err := listing.ParseMLST(line)
		return entry, err == nil
	}
	return session.Entry{}, false
}

func splitName(name string) (dir, base string) {
	cut := strings.LastIndexByte(name, '/')
	switch {
	case cut < 0:
		return "", name
	case cut == 0:
		return "/", name[1:]
	}
	return name[:cut], name[cut+1:]
}

// sizeAndTime asks SIZE, which only files have, and MDTM.
func (s *Session) sizeAndTime(name string) (entry session.Entry, found bool, err error) {
	entry, found, err = s.sizeOf(session.Entry{Name: name, Kind: session.KindFile, Size: -1})
	if err != nil || !found || !s.may("MDTM") {
		return entry, found, err
	}
	reply, e := s.exchange("MDTM " + name)
	if e != nil {
		return entry, false, e
	}
	if !s.learnUnknown("MDTM", reply.Code) && completed(reply.Code) {
		if t, ok := parseTime(reply.Text); ok {
			entry.Time, entry.Exact = t, true
		}
	}
	return entry, true, nil
}

// sizeOf asks SIZE.
func (s *Session) sizeOf(entry session.Entry) (_ session.Entry, found bool, err error) {
	if !s.may("SIZE") {
		return entry, false, nil
	}
	if err := s.ensureType(session.TypeBinary); err != nil { // the size in TYPE A is another number
		return entry, false, err
	}
	size, err := s.library.FileSize(entry.Name)
	if err != nil {
		if s.op.failure != nil {
			return entry, false, err
		}
		s.learnUnknown("SIZE", s.control.answer.Code)
		return entry, false, nil
	}
	if size < 0 {
		return entry, false, protocolFault("a size of %d", size)
	}
	entry.Size = size
	return entry, true, nil
}

// parseTime reads the time of a 213, whose fraction of a second is dropped.
func parseTime(text string) (time.Time, bool) {
	text, _, _ = strings.Cut(strings.TrimSpace(text), ".")
	t, err := time.Parse(timeLayout, text)
	return t, err == nil
}

// findInParent looks for name in the listing of its directory.
func (s *Session) findInParent(name string, depth int) (session.Entry, error) {
	dir, base := s.split(name)
	command, self := "LIST", &selfSeen{}
	var l session.Listing
	var err error
	if s.usesMLSD() {
		l, err = s.list(dir)
	} else {
		if strings.HasPrefix(base, ".") {
			command = "LIST -a"
		}
		l, err = s.listPlainly(dir, command, self)
	}
	if err != nil {
		err = s.noParent(dir, err, depth)
		if session.CauseOf(err) == session.NoSuchRemoteFile && s.askPathsAgain(name) {
			return s.findInParent(name, depth+1)
		}
		return session.Entry{}, err
	}
	at, told := findName(l, base)
	if at >= 0 {
		if l.Entries[at].Kind != session.KindFile {
			entries, err := s.datedEntries(dir, l) // MDTM may know files only
			if err != nil {
				return session.Entry{}, err
			}
			l.Entries = entries
		}
		entry := l.Entries[at]
		entry.Name = name
		return s.dated(entry)
	}
	hidden := strings.HasPrefix(base, ".") && l.Source == "LIST" && !self.seen
	if l.Unknown > 0 || l.Hostile > 0 || hidden || !told {
		return session.Entry{}, fault(session.NotSupported, errors.New("the server's listing does not tell whether there is "+name))
	}
	return session.Entry{}, s.missing(name)
}

// findName looks for what a name means on the system that wrote the listing, -1 if
// nothing. told is false where the name may mean what its listings do not show: a
// version on VMS; on z/OS a member in brackets, or a whole name in quotes.
func findName(l session.Listing, base string) (at int, told bool) {
	at = slices.IndexFunc(l.Entries, func(e session.Entry) bool { return e.Name == base })
	if at >= 0 {
		return at, true
	}
	switch l.Dialect {
	case "VMS":
		if strings.ContainsRune(base, ';') {
			return -1, false
		}
	case "z/OS", "":
		if strings.ContainsAny(base, "'(") && l.Source == "LIST" {
			return -1, false
		}
	case "z/VM", "Guardian", "IBM i":
	default:
		return -1, true
	}
	// These systems take letters in any case.
	return slices.IndexFunc(l.Entries, func(e session.Entry) bool { return strings.EqualFold(e.Name, base) }), true
}

// dated asks for the time of a file of which a listing told it only roughly.
func (s *Session) dated(entry session.Entry) (session.Entry, error) {
	if entry.Kind != session.KindFile || entry.Exact || !s.may("MDTM") {
		return entry, nil
	}
	reply, e := s.exchange("MDTM " + entry.Name)
	if e != nil {
		return session.Entry{}, e
	}
	if t, ok := parseTime(reply.Text); !s.learnUnknown("MDTM", reply.Code) && completed(reply.Code) && ok {
		entry.Time, entry.Exact, entry.Grain = t, true, 0
	}
	return entry, nil
}

// noParent turns the refusal to list a directory into what it means for a name in
// it: where the directory itself is missing, so is the name.
func (s *Session) noParent(dir string, err error, depth int) error {
	if s.op.failure != nil || s.gone != nil || dir == "" || depth == deepestParent {
		return err
	}
	e, certain := s.verdict(err)
	if certain {
		return e
	}
	reply := e.Reply
	if _, err := s.stat(dir, depth+1); session.CauseOf(err) == session.NoSuchRemoteFile {
		return err
	}
	e.Cause, e.Reply = session.NoRemotePermission, reply
	e.Class = e.Cause.Class()
	return e
}
