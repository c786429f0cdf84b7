package ftpconn

import "github.com/sftpc/sftpc/netio/session"

// investigate finds out what a refusal means that does not say it. vsftpd answers
// "550 Failed to open file." whether a file is missing or forbidden, and has such
// a sentence for each command; whether the name is there tells the cases apart.
// The refusal stays what the error and LastReply show.
func (s *Session) investigate(e *session.Error, verb, name string) {
	if name == "" || badLine(name) || s.op.ctx.Err() != nil {
		return
	}
	last := s.control.last
	defer func() { s.control.last = last }()
	conclude := func(cause session.Cause) { e.Cause, e.Class = cause, cause.Class() }

	entry, there, known := s.probe(name)
	if !known {
		return
	}
	switch verb {
	case "RETR", "DELE", "RNFR", "MDTM", "MFMT", "SITE":
		switch {
		case !there:
			conclude(session.NoSuchRemoteFile)
		case entry.Kind != session.KindDir || verb == "SITE" || verb == "RNFR":
			conclude(session.NoRemotePermission)
		}
	case "CWD", "MLSD":
		switch {
		case !there:
			conclude(session.NoSuchRemoteFile)
		case entry.Kind == session.KindDir:
			conclude(session.NoRemotePermission)
		}
	case "RMD":
		switch {
		case !there:
			conclude(session.NoSuchRemoteFile)
		case entry.Kind == session.KindDir && s.holdsSomething(name):
			conclude(session.DirectoryNotEmpty)
		case entry.Kind == session.KindDir:
			conclude(session.NoRemotePermission)
		}
	case "MKD":
		switch {
		case there:
			conclude(session.RemoteExists)
		case s.lacksParent(name):
			conclude(session.NoSuchRemoteFile)
		default:
			conclude(session.NoRemotePermission)
		}
	case "STOR", "APPE":
		switch {
		case there && entry.Kind == session.KindDir:
		case !there && s.lacksParent(name):
			conclude(session.NoSuchRemoteFile)
		default:
			conclude(session.NoRemotePermission)
		}
	}
}

// probe asks whether name is there; known is false where the server does not tell.
func (s *Session) probe(name string) (entry session.Entry, there, known bool) {
	e := s.nested(func() (err error) {
		entry, err = s.stat(name, 0)
		return err
	})
	switch {
	case e == nil:
		return entry, true, true
	case e.Cause == session.NoSuchRemoteFile:
		return entry, false, true
	}
	return entry, false, false
}

func (s *Session) lacksParent(name string) bool {
	dir, _ := s.split(name)
	if dir == "" {
		return false
	}
	_, there, known := s.probe(dir)
	return known && !there
}

func (s *Session) holdsSomething(dir string) bool {
	var l session.Listing
	e := s.nested(func() (err error) {
		l, err = s.list(dir)
		return err
	})
	return e == nil && len(l.Entries)+l.Unknown+l.Hostile > 0
}
