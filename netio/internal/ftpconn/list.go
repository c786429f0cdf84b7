package ftpconn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/internal/listing"
	"github.com/sftpc/sftpc/netio/session"
)

// List reads a directory: by MLSD where the server has it, else by LIST. What LIST
// shows is the server's choice; most leave out names that begin with a dot.
func (s *Session) List(ctx context.Context, dir string) (l session.Listing, err error) {
	op := "listing " + dir
	if dir == "" {
		op = "listing the current directory"
	}
	err = s.do(ctx, op, dir, func() error {
		if badLine(dir) {
			return checkName(dir)
		}
		l, err = s.list(dir)
		return err
	})
	if err != nil {
		return session.Listing{}, err
	}
	return l, nil
}

func (s *Session) usesMLSD() bool {
	if s.feature("MLSD") != session.FeatureAuto {
		return s.feature("MLSD") == session.FeatureEnabled
	}
	return (s.has("MLST") || s.has("MLSD")) && !s.unknown["MLSD"]
}

func (s *Session) list(dir string) (session.Listing, error) {
	if s.usesMLSD() {
		l, err := s.readListing("MLSD", listing.MLSD, sparedOptions(dir), nil)
		refusal := s.control.answer
		switch {
		case err == nil || s.op.failure != nil || s.op.broken != nil:
			return l, err
		case saysEmpty(refusal):
			if dir != "" {
				err = s.within(dir, func() error { return nil })
			} else {
				err = nil
			}
			return session.Listing{Source: "MLSD"}, err
		case s.feature("MLSD") == session.FeatureEnabled || !s.learnUnknown("MLSD", refusal.Code):
			return l, err
		}
		s.note("MLSD is not known here, LIST from now on")
	}
	return s.listByDialect(dir)
}

// listByDialect lists by LIST, and where the settings want hidden names too as ls
// does with -a. A server that takes the option for a name shows nothing of the
// directory, not even itself; then it is asked plainly.
func (s *Session) listByDialect(dir string) (session.Listing, error) {
	if s.feature("HIDDEN") == session.FeatureEnabled && !s.unknown["LIST -a"] {
		self := &selfSeen{}
		l, err := s.listPlainly(dir, "LIST -a", self)
		if err == nil && (self.seen || len(l.Entries) > 0) || s.op.failure != nil || s.op.broken != nil || s.gone != nil {
			return l, err
		}
		s.unknown["LIST -a"] = true
		s.note("LIST -a shows nothing here, LIST from now on")
	}
	return s.listPlainly(dir, "LIST", nil)
}

// listPlainly lists by LIST from within the directory. With the directory as an
// argument, servers take patterns and options out of names, and vsftpd answers a
// missing directory with an empty listing and 226.
func (s *Session) listPlainly(dir, command string, tap io.Writer) (l session.Listing, err error) {
	read := func() error {
		l, err = s.readListing(command, listing.LIST, "", tap)
		answer := s.control.answer
		switch {
		case s.op.failure != nil || s.op.broken != nil:
			return err
		case err != nil && saysEmpty(answer):
			l, err = session.Listing{Source: "LIST"}, nil
		case err == nil && len(l.Entries) == 0 && strings.Contains(answer.Text, "failed to open directory"):
			// vsftpd's way of saying that it may not read the directory
			e := fault(session.NoRemotePermission, nil)
			e.Reply = answer
			return e
		}
		return err
	}
	if dir == "" {
		err = read()
	} else {
		err = s.within(dir, read)
	}
	return l, err
}

// saysEmpty tells whether a refused listing means that there is nothing to list.
// It is asked only where the directory is known to be there.
func saysEmpty(reply session.Reply) bool {
	if reply.Code != 450 && reply.Code != 550 {
		return false
	}
	text := strings.ToLower(reply.Text)
	return contains(text, "no file", "no such file", "no data set", "no member", "is empty", "empty directory") &&
		!contains(text, "denied", "permi", "not allowed")
}

// readListing runs one listing command. The library sends and closes, the bytes
// go to the parser of netio/internal/listing; tap, if not nil, sees them too.
func (s *Session) readListing(command string, format listing.Format, dir string, tap io.Writer) (l session.Listing, err error) {
	s.nextTransfer()
	if s.actualType == session.TypeEBCDIC {
		if err := s.ensureType(session.TypeASCII); err != nil {
			return l, err
		}
	}
	s.op.rewrite = func(line string) string { return command + strings.TrimPrefix(line, "LIST") }
	s.op.consume = func(d *dataConn) error {
		defer s.watch(d, false)()
		if err := d.ready(false); err != nil {
			return d.ended(err)
		}
		bytes := &dataReader{d: d, pace: d.pace(), tap: tap}
		var err error
		l, err = listing.Read(bytes, format, listing.Options{Now: time.Now(), Zone: s.zone(), Limits: s.settings.Limits, System: s.namesFor})
		if err != nil && bytes.err == nil {
			s.fail(err)
			return err
		}
		return d.ended(err)
	}
	_, err = s.library.List(dir)
	if err == nil {
		s.learnPaths(pathsOfDialect(l.Dialect))
		s.learnEncoding(l.Entries)
	}
	if err == nil && l.Dialect != "" && l.Dialect != s.dialect {
		if s.dialect = l.Dialect; l.Dialect != "Unix" {
			s.note("LIST is written as on " + l.Dialect)
		}
	}
	return l, err
}

// nextTransfer makes an operation ready for a second data command.
func (s *Session) nextTransfer() {
	s.op.data, s.op.transfer, s.op.begun = nil, false, false
	s.op.rewrite, s.op.consume, s.op.mode = nil, nil, nil
	s.control.answer = session.Reply{}
}

// dataReader reads a data connection under the idle time-out.
type dataReader struct {
	d    *dataConn
	pace *pace
	tap  io.Writer
	err  error // what ended it, but for the natural end
}

func (r *dataReader) Read(p []byte) (int, error) {
	for {
		if r.err = r.pace.armRead(); r.err != nil {
			return 0, r.err
		}
		n, err := r.d.stream().Read(p)
		err = r.d.ofEnd(err)
		if r.tap != nil {
			r.tap.Write(p[:n])
		}
		if err == io.EOF {
			return n, err
		}
		if r.err = r.pace.judge(int64(n), err); r.err != nil || n > 0 {
			return n, r.err
		}
	}
}

// sparedOptions keeps a directory's name from being taken for options.
func sparedOptions(dir string) string {
	if strings.HasPrefix(dir, "-") {
		return "./" + dir
	}
	return dir
}

// within runs command as an operation of its own with dir as the current
// directory, and goes back. A session that cannot go back is given up, for in it
// every relative name would mean something else.
func (s *Session) within(dir string, command func() error) error {
	home, err := s.currentDir()
	if err != nil {
		return err
	}
	reply, e := s.exchange("CWD " + dir)
	if e != nil {
		return e
	}
	if !completed(reply.Code) {
		return errRefused
	}
	s.directory = ""
	failure := s.nested(command)
	if s.gone == nil {
		if err := s.goBack(home); err != nil {
			s.giveUp(fault(session.ConnectionLost, err))
			if failure == nil {
				return fault(session.ConnectionLost, err)
			}
		}
	}
	if failure != nil {
		return failure
	}
	return nil
}

// goBack returns to the directory that was current, also after a cancellation.
func (s *Session) goBack(home string) error {
	ctx, stop := s.op.ctx, func() {}
	if ctx.Err() != nil {
		ctx, stop = context.WithTimeout(context.WithoutCancel(ctx), abortGrace)
	}
	defer stop()
	last, answer, outer := s.control.last, s.control.answer, s.op
	defer func() { s.control.last, s.control.answer, s.op = last, answer, outer }()
	if s.owed.replies {
		return errors.New("the listing could not be ended in time to go back to " + home)
	}
	s.op = operation{ctx: ctx}
	reply, e := s.exchange("CWD " + home)
	switch {
	case e != nil:
		return e
	case !completed(reply.Code):
		return errors.New("the server does not let us back into " + home)
	}
	s.directory = home
	return nil
}

// selfSeen is a tap that looks for the directory's own entry "." in a listing: a
// server that shows it shows hidden names.
type selfSeen struct {
	tail []byte
	seen bool
}

func (t *selfSeen) Write(p []byte) (int, error) {
	if !t.seen {
		t.tail = append(t.tail, p...)
		t.seen = bytes.Contains(t.tail, []byte(" .\r\n")) || bytes.Contains(t.tail, []byte(" .\n"))
		if keep := 3; len(t.tail) > keep {
			t.tail = t.tail[len(t.tail)-keep:]
		}
	}
	return len(p), nil
}
