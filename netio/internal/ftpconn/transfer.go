package ftpconn

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"

	"github.com/jlaffaye/ftp"

	"github.com/sftpc/sftpc/netio/session"
)

// Download copies name from offset on to w. In TYPE A line ends become this
// system's; the returned count is of bytes on the wire.
func (s *Session) Download(ctx context.Context, name string, offset int64, w io.Writer) (n int64, err error) {
	untouched := func() bool { return n == 0 }
	err = s.doAgain(ctx, "downloading "+name, name, untouched, func() error {
		if err := checkName(name); err != nil {
			return err
		}
		if err := s.checkOffset(offset); err != nil {
			return err
		}
		if err := s.ensureType(s.wantedType); err != nil {
			return err
		}
		response, err := s.library.RetrFrom(name, uint64(offset))
		if err != nil {
			if s.op.verb == "REST" && s.learnUnknown("REST", s.control.answer.Code) {
				return fault(session.NotSupported, errors.New("the server cannot begin in the middle of a file"))
			}
			return err
		}
		data := s.op.data
		stop := s.watch(data, false)
		n, _ = data.receive(w, endpointOf(w, s.translator()))
		stop()
		return response.Close()
	})
	return n, err
}

func (s *Session) checkOffset(offset int64) error {
	switch {
	case offset < 0:
		return fault(session.BadArgument, errors.New("an offset cannot be negative"))
	case offset == 0:
		return nil
	case s.wantedType != session.TypeBinary:
		return fault(session.NotSupported, errors.New("only a binary transfer can begin in the middle of a file"))
	case !s.may("REST"):
		return fault(session.NotSupported, errors.New("the server cannot begin in the middle of a file"))
	}
	return nil
}

// upload is what the library copies from; dataConn.ReadFrom knows it.
type upload struct {
	source io.Reader
	end    endpoint
	sent   int64
	begun  bool // something was read of the source, or may have been
}

func (u *upload) untouched() bool { return !u.begun }

// Read is there for the library's signature. The library leaves the copying to
// ReadFrom of the data connection.
func (u *upload) Read([]byte) (int, error) {
	return 0, errors.New("an upload is read by its data connection")
}

// ReadFrom sends an upload.
func (d *dataConn) ReadFrom(r io.Reader) (int64, error) {
	up, ok := r.(*upload)
	if !ok {
		return 0, errors.New("not an upload of this session")
	}
	stop := d.s.watch(d, true)
	n, err := d.send(up)
	stop()
	up.sent = n
	if err == nil && d.hasty.Load() {
		d.s.op.broken = errConfirmedEarly
	}
	return n, err
}

// Upload sends r's bytes as name. With StoreUnique the server chooses the name and
// says it in its 150, which Observe sees.
func (s *Session) Upload(ctx context.Context, name string, mode session.StoreMode, r io.Reader) (n int64, err error) {
	up := &upload{source: r}
	err = s.doAgain(ctx, "uploading "+name, name, up.untouched, func() error {
		if err := checkName(name); err != nil && mode != session.StoreUnique {
			return err
		}
		if err := s.ensureType(s.wantedType); err != nil {
			return err
		}
		up.end = endpointOf(r, s.translator())
		switch mode {
		case session.StoreAppend:
			return s.library.Append(name, up)
		case session.StoreUnique:
			s.stored, s.control.promise = "", session.Reply{}
			s.op.rewrite = func(string) string { return "STOU" }
			err := s.library.Stor("unique", up)
			s.stored = uniqueName(s.control.promise.Text, s.control.answer.Text)
			return err
		case session.StoreReplace:
			return s.library.Stor(name, up)
		}
		return fault(session.BadArgument, errors.New("no such way to store"))
	})
	return up.sent, err
}

// StoredName is the name that the server chose for the newest upload with
// StoreUnique, "" if it did not say.
func (s *Session) StoredName() string {
	s.running.Lock()
	defer s.running.Unlock()
	return s.stored
}

// uniqueName reads the name out of the replies to STOU. RFC 1123, 4.1.2.9 wants
// "FILE: name" in the 1xx; others say it in brackets in the last one.
func uniqueName(promise, answer string) string {
	for _, text := range []string{promise, answer} {
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			lower := strings.ToLower(line)
			if name, found := strings.CutPrefix(lower, "file: "); found && name != "" {
				return line[len("file: "):]
			}
			at := strings.Index(lower, uniqueMark)
			if at < 0 {
				continue
			}
			name, _, closed := strings.Cut(line[at+len(uniqueMark):], ")")
			if name = strings.TrimSpace(strings.TrimPrefix(name, ":")); closed && name != "" {
				return name
			}
		}
	}
	return ""
}

const uniqueMark = "(unique file name"

// UploadFrom sends r's bytes behind the first offset bytes of name: REST and STOR.
func (s *Session) UploadFrom(ctx context.Context, name string, offset int64, r io.Reader) (n int64, err error) {
	up := &upload{source: r}
	err = s.doAgain(ctx, "uploading the rest of "+name, name, up.untouched, func() error {
		if err := checkName(name); err != nil {
			return err
		}
		if err := s.checkOffset(offset); err != nil {
			return err
		}
		if err := s.ensureType(s.wantedType); err != nil {
			return err
		}
		up.end = endpointOf(r, nil)
		err := s.library.StorFrom(name, up, uint64(offset))
		if err != nil && s.op.verb == "REST" && s.learnUnknown("REST", s.control.answer.Code) {
			return fault(session.NotSupported, errors.New("the server cannot begin in the middle of a file"))
		}
		return err
	})
	return up.sent, err
}

// SetType says how the bytes of the following transfers are represented.
func (s *Session) SetType(ctx context.Context, t session.Type) error {
	return s.do(ctx, "setting the transfer type", "", func() error {
		if err := s.ensureType(t); err != nil {
			return err
		}
		s.wantedType = t
		return nil
	})
}

// ensureType sends TYPE where the server is in another one.
func (s *Session) ensureType(t session.Type) error {
	if s.actualType == t {
		return nil
	}
	letters := map[session.Type]ftp.TransferType{
		session.TypeBinary: ftp.TransferTypeBinary, session.TypeASCII: ftp.TransferTypeASCII, session.TypeEBCDIC: "E"}
	letter, ok := letters[t]
	if !ok {
		return fault(session.BadArgument, errors.New("no such transfer type"))
	}
	if err := s.library.Type(letter); err != nil {
		if code := s.control.answer.Code; s.op.failure == nil && code >= 500 && code < 510 {
			e := fault(session.NotSupported, nil)
			e.Reply = s.control.answer
			return e
		}
		return err
	}
	s.actualType = t
	return nil
}

func (s *Session) translator() *translator {
	if s.wantedType != session.TypeASCII {
		return nil
	}
	return newTranslator(runtime.GOOS)
}

// checkName refuses what cannot stand on a command line.
func checkName(name string) error {
	switch {
	case name == "":
		return fault(session.BadArgument, errors.New("an empty name"))
	case badLine(name):
		return fault(session.BadArgument, errors.New("a name cannot hold CR, LF or NUL"))
	}
	return nil
}
