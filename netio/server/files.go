package server

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func (s *session) pwd(c *command) {
	s.reply(c, 257, "%s is the current directory", quotePath(s.dir))
}

func (s *session) cwd(c *command) { s.changeDir(c, s.resolve(c.argument)) }

func (s *session) cdup(c *command) { s.changeDir(c, s.resolve("..")) }

func (s *session) changeDir(c *command, virtual string) {
	info, err := s.statFile(virtual)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err == nil {
		// A directory that cannot be entered is no place to be in.
		var dir fs.File
		if dir, err = s.server.root.Open(local(virtual)); err == nil {
			dir.Close()
		}
	}
	if err != nil {
		s.refuse(c, err)
		return
	}
	s.dir = virtual
	s.reply(c, 250, "Directory changed to %s", virtual)
}

func (s *session) mkd(c *command) {
	virtual := s.resolve(c.argument)
	err := checkName(virtual)
	if err == nil {
		err = s.server.root.Mkdir(local(virtual), 0o777)
	}
	if err != nil {
		s.refuse(c, err)
		return
	}
	s.reply(c, 257, "%s created", quotePath(virtual))
}

func (s *session) rmd(c *command) {
	virtual := s.resolve(c.argument)
	info, err := s.lstat(virtual)
	switch {
	case err != nil:
	case virtual == "/":
		err = fs.ErrPermission
	case !info.IsDir():
		err = syscall.ENOTDIR
	default:
		err = s.server.root.Remove(local(virtual))
		if errors.Is(err, fs.ErrExist) { // all that Windows says of one that is not empty
			err = syscall.ENOTEMPTY
		}
	}
	s.answer(c, err, 250, "Directory removed")
}

func (s *session) dele(c *command) {
	virtual := s.resolve(c.argument)
	info, err := s.lstat(virtual)
	switch {
	case err != nil:
	case info.IsDir():
		err = syscall.EISDIR
	default:
		err = s.server.root.Remove(local(virtual))
	}
	s.answer(c, err, 250, "File deleted")
}

// answer is the reply to a command that does one thing.
func (s *session) answer(c *command, err error, code int, text string) {
	if err != nil {
		s.refuse(c, err)
		return
	}
	s.reply(c, code, "%s", text)
}

func (s *session) rnfr(c *command) {
	virtual := s.resolve(c.argument)
	_, err := s.lstat(virtual)
	if err == nil && virtual == "/" {
		err = fs.ErrPermission
	}
	if err == nil {
		s.renameFrom = virtual
	}
	s.answer(c, err, 350, "Ready for RNTO")
}

func (s *session) rnto(c *command) {
	from := s.renameFrom
	s.renameFrom = ""
	if from == "" {
		s.reply(c, 503, "Send RNFR first")
		return
	}
	to := s.resolve(c.argument)
	err := checkName(to)
	if err == nil {
		err = s.server.root.Rename(local(from), local(to))
	}
	s.answer(c, err, 250, "Renamed")
}

func (s *session) size(c *command) {
	if s.ascii {
		// The size on the wire is known only after reading the whole file.
		s.reply(c, 550, "SIZE is not possible in TYPE A")
		return
	}
	info, err := s.statFile(s.resolve(c.argument))
	if err == nil && !info.Mode().IsRegular() {
		s.reply(c, 550, "Not a plain file")
		return
	}
	if err != nil {
		s.refuse(c, err)
		return
	}
	s.reply(c, 213, "%d", info.Size())
}

// mdtm tells the time of a file. "MDTM 20260102030405 name" sets it, as vsftpd
// and others have it, unless a file has that whole text for a name.
func (s *session) mdtm(c *command) {
	info, err := s.statFile(s.resolve(c.argument))
	if err == nil {
		s.reply(c, 213, "%s", s.told(info).Format("20060102150405"))
		return
	}
	stamp, name, two := strings.Cut(c.argument, " ")
	when, ok := parseStamp(stamp)
	if !two || !ok {
		s.refuse(c, err)
		return
	}
	if s.options.ReadOnly {
		s.reply(c, 550, "Permission denied: this server is read-only")
		return
	}
	s.answer(c, s.setTime(name, when), 213, "File modification time set")
}

func (s *session) mfmt(c *command) {
	stamp, name, two := strings.Cut(c.argument, " ")
	when, ok := parseStamp(stamp)
	if !two || !ok {
		s.reply(c, 501, "MFMT needs YYYYMMDDhhmmss and a name")
		return
	}
	s.answer(c, s.setTime(name, when), 213, "Modify="+when.Format("20060102150405")+"; "+s.resolve(name))
}

// parseStamp reads a time of RFC 3659, 2.3: UTC, fractions allowed.
func parseStamp(stamp string) (time.Time, bool) {
	if len(stamp) < 14 || strings.Trim(stamp[:14], "0123456789") != "" {
		return time.Time{}, false
	}
	when, err := time.ParseInLocation("20060102150405", stamp, time.UTC)
	return when, err == nil
}

func (s *session) setTime(name string, when time.Time) error {
	virtual := s.resolve(name)
	if _, err := s.statFile(virtual); err != nil {
		return err
	}
	when = when.Add(-s.options.ClockOffset)
	return s.server.root.Chtimes(local(virtual), when, when)
}

func (s *session) site(c *command) {
	name, argument, _ := strings.Cut(c.argument, " ")
	name = strings.ToUpper(name)
	switch {
	case s.server.disabled["SITE "+name]:
		s.reply(c, 502, "SITE %s is not implemented", name)
	case name == "CHMOD":
		s.chmod(c, argument)
	case name == "UTIME":
		s.utime(c, argument)
	case name == "HELP":
		s.replyLines(c, 214, "SITE commands:", []string{"CHMOD HELP UTIME"}, "End")
	default:
		s.reply(c, 500, "Unknown SITE command")
	}
}

// utime is SITE UTIME in the two forms of ProFTPD and Pure-FTPd: a time, to the minute
// or the second, and a name; or a name, the times of reading, writing and making it, and
// UTC. Both are UTC here.
func (s *session) utime(c *command, argument string) {
	stamp, name, _ := strings.Cut(argument, " ")
	if words := strings.Split(argument, " "); len(words) >= 5 && strings.EqualFold(words[len(words)-1], "UTC") {
		stamp, name = words[len(words)-3], strings.Join(words[:len(words)-4], " ")
	}
	if len(stamp) == len("YYYYMMDDhhmm") {
		stamp += "00"
	}
	when, ok := parseStamp(stamp)
	switch {
	case !ok || name == "":
		s.reply(c, 501, "SITE UTIME needs YYYYMMDDhhmm[ss] and a name")
	case s.options.ReadOnly:
		s.reply(c, 550, "Permission denied: this server is read-only")
	default:
		s.answer(c, s.setTime(name, when), 200, "Time set")
	}
}

func (s *session) chmod(c *command, argument string) {
	digits, name, two := strings.Cut(argument, " ")
	mode, err := strconv.ParseUint(digits, 8, 16)
	switch {
	case !two || name == "" || err != nil || mode > 0o7777:
		s.reply(c, 501, "SITE CHMOD needs an octal mode and a name")
		return
	case s.options.ReadOnly:
		s.reply(c, 550, "Permission denied: this server is read-only")
		return
	}
	virtual := s.resolve(name)
	if err = checkName(virtual); err == nil {
		err = s.server.root.Chmod(local(virtual), fileMode(mode))
	}
	s.answer(c, err, 200, "Mode of "+path.Base(virtual)+" changed")
}

// fileMode turns the bits of chmod(2) into those of package fs.
func fileMode(bits uint64) fs.FileMode {
	mode := fs.FileMode(bits & 0o777)
	if bits&0o4000 != 0 {
		mode |= fs.ModeSetuid
	}
	if bits&0o2000 != 0 {
		mode |= fs.ModeSetgid
	}
	if bits&0o1000 != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}
