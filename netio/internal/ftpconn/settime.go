package ftpconn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// timeLayout is how MDTM, MFMT and SITE UTIME write a time, in UTC (RFC 3659, 2.3).
const timeLayout = "20060102150405"

// The two forms of SITE UTIME, as session.TimeSetters has them. ProFTPD and Pure-FTPd
// take both. The longer one says that it means UTC; what the shorter one means is the
// server's choice.
const (
	utimeUTC   = "SITE UTIME UTC"
	utimeShort = "SITE UTIME"
)

// SetModTime sets a modification time: by MFMT; where that is not there by the form of
// MDTM that sets (vsftpd, Serv-U); where neither is there by SITE UTIME.
func (s *Session) SetModTime(ctx context.Context, name string, t time.Time) error {
	return s.named(ctx, "setting the time of", name, func() error {
		if (s.setsTime == utimeUTC || s.setsTime == utimeShort) && s.feature("UTIME") != session.FeatureDisabled {
			known, err := s.setTimeByUTIME(s.setsTime, name, t)
			if known {
				return err
			}
			s.setsTime = "" // it is not known here any more
		}
		if s.has("MFMT") {
			known, err := s.setTimeBy("MFMT", name, t)
			if known {
				return err
			}
		}
		if s.mayDateByMDTM() {
			known, err := s.setTimeBy("MDTM", name, t)
			if err == nil || known && s.setsTime == "MDTM" || s.op.failure != nil {
				return err
			}
			// A server that has only the form that asks has looked for a file whose name
			// begins with the date. If the file is there, it was that.
			refusal := s.control.answer
			reply, e := s.exchange("MDTM " + name)
			if e != nil {
				return e
			}
			if !completed(reply.Code) {
				s.control.answer = refusal
				return errRefused
			}
			s.unknown[datingMDTM] = true
		}
		return s.utime(name, t)
	})
}

// utime sets a time by the form of SITE UTIME that the server takes.
func (s *Session) utime(name string, t time.Time) error {
	if s.feature("UTIME") == session.FeatureDisabled || s.unknown[utimeShort] && s.feature("UTIME") != session.FeatureEnabled {
		return cannotSetTimes()
	}
	_, err := s.setTimeByUTIME(utimeUTC, name, t)
	if err == nil || s.op.failure != nil {
		return err
	}
	_, err = s.setTimeByUTIME(utimeShort, name, t)
	if err == errRefused && s.unknown[utimeShort] {
		return cannotSetTimes()
	}
	return err
}

// setTimeByUTIME sets a time by one form of SITE UTIME. known is false where the
// server may not have that form.
func (s *Session) setTimeByUTIME(form, name string, t time.Time) (known bool, err error) {
	at := t.UTC().Format(timeLayout)
	line := fmt.Sprintf("SITE UTIME %s %s", at, name)
	if form == utimeUTC {
		line = fmt.Sprintf("SITE UTIME %s %s %s %s UTC", name, at, at, at)
	}
	reply, e := s.exchange(line)
	switch {
	case e != nil:
		return true, e
	case !completed(reply.Code):
		if form == utimeShort { // what has only this form calls the other one anything
			s.learnUnknown(utimeShort, reply.Code)
		}
		return reply.Code >= 550, errRefused
	case s.setsTime != form:
		// Some take the time for their own zone's, and some say 200 to whatever SITE is told.
		confirmed, err := s.isOf(name, t)
		if err != nil {
			return true, err
		}
		if !confirmed {
			s.unknown[utimeShort] = form == utimeShort
			return false, fault(session.NotSupported, errors.New("the server sets another time than it is told, as if it were in a zone of its own"))
		}
	}
	s.setsTime = form
	return true, nil
}

// isOf tells whether MDTM does not say another time of a file.
func (s *Session) isOf(name string, t time.Time) (bool, error) {
	if !s.may("MDTM") {
		return true, nil
	}
	reply, e := s.exchange("MDTM " + name)
	if e != nil {
		return false, e
	}
	told, isTime := parseTime(reply.Text)
	return !completed(reply.Code) || !isTime || told.Equal(t.Truncate(time.Second)), nil
}

// datingMDTM names the form of MDTM that sets among the commands that are not known.
const datingMDTM = "MDTM, setting"

func cannotSetTimes() *session.Error {
	return fault(session.NotSupported, errors.New("the server cannot set times"))
}

// setTimeBy sets a time by MFMT or MDTM. known is false where the server does not
// know it. A server that answers with another time was asked, and has set nothing.
func (s *Session) setTimeBy(verb, name string, t time.Time) (known bool, err error) {
	reply, e := s.exchange(verb + " " + t.UTC().Format(timeLayout) + " " + name)
	if e != nil {
		return true, e
	}
	if told, isTime := parseTime(reply.Text); completed(reply.Code) && (!isTime || told.Equal(t.Truncate(time.Second))) {
		s.setsTime = verb
		return true, nil
	}
	if verb == "MFMT" && s.learnUnknown(verb, reply.Code) {
		return false, errRefused
	}
	return true, errRefused
}

// mayDateByMDTM tells whether the form of MDTM that sets is worth trying. No server
// lists it.
func (s *Session) mayDateByMDTM() bool {
	return s.feature("MDTM") == session.FeatureEnabled || s.has("MDTM") && !s.unknown[datingMDTM]
}

// canSetTime tells whether SetModTime has a way that is known to work: a server that
// lists MFMT or SITE UTIME, one that has done it, and vsftpd, which lists nothing of it.
func (s *Session) canSetTime() bool {
	return s.has("MFMT") || s.feature("MDTM") == session.FeatureEnabled || s.setsTime != "" ||
		s.feature("UTIME") == session.FeatureEnabled || s.feature("UTIME") == session.FeatureAuto && s.has(utimeShort) ||
		s.mayDateByMDTM() && strings.Contains(strings.ToLower(s.greeting), "vsftpd")
}
