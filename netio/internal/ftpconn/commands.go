package ftpconn

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

// errRefused says that the newest reply is a refusal; verdict reads which.
var errRefused = errors.New("refused")

// CurrentDir asks for the current directory.
func (s *Session) CurrentDir(ctx context.Context) (dir string, err error) {
	err = s.do(ctx, "asking for the current directory", "", func() error {
		s.directory = ""
		dir, err = s.currentDir()
		return err
	})
	return dir, err
}

// currentDir asks unless the answer is known.
func (s *Session) currentDir() (string, error) {
	if s.directory != "" {
		return s.directory, nil
	}
	reply, e := s.exchange("PWD")
	if e != nil {
		return "", e
	}
	if !completed(reply.Code) {
		return "", errRefused
	}
	dir, ok := quotedPath(reply.Text)
	if !ok {
		return "", protocolFault("a reply to PWD without a directory: %q", clip(reply.Text))
	}
	s.directory = dir
	s.learnPaths(pathsOfDirectory(dir))
	return dir, nil
}

// quotedPath reads the name at the beginning of a 257: in quotes, a quote within
// it doubled (RFC 959, appendix II); or bare, as some old servers have it, a path from
// the root or one of VMS, DISK:[JANE].
// Pure-FTPd doubles nothing, but is known by the words behind.
func quotedPath(text string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(text, " "), `"`)
	if path, pure := strings.CutSuffix(rest, `" is your current location`); ok && pure {
		return path, path != "" && !badLine(path)
	}
	if !ok {
		word, _, _ := strings.Cut(strings.TrimLeft(text, " "), " ")
		return word, strings.HasPrefix(word, "/") || strings.HasSuffix(word, "]") && strings.Contains(word, ":[")
	}
	var path strings.Builder
	for {
		end := strings.IndexByte(rest, '"')
		if end < 0 {
			return "", false
		}
		path.WriteString(rest[:end])
		rest = rest[end+1:]
		if !strings.HasPrefix(rest, `"`) {
			return path.String(), path.Len() > 0 && !badLine(path.String())
		}
		path.WriteByte('"')
		rest = rest[1:]
	}
}

// named runs a command about one name.
func (s *Session) named(ctx context.Context, op, name string, command func() error) error {
	return s.do(ctx, op+" "+name, name, func() error {
		if err := checkName(name); err != nil {
			return err
		}
		return command()
	})
}

// ChangeDir makes dir the current directory.
func (s *Session) ChangeDir(ctx context.Context, dir string) error {
	return s.named(ctx, "changing to directory", dir, func() error {
		s.directory = ""
		return s.library.ChangeDir(dir)
	})
}

// MakeDir makes a directory.
func (s *Session) MakeDir(ctx context.Context, dir string) error {
	return s.named(ctx, "making directory", dir, func() error { return s.library.MakeDir(dir) })
}

// RemoveDir removes an empty directory.
func (s *Session) RemoveDir(ctx context.Context, dir string) error {
	return s.named(ctx, "removing directory", dir, func() error { return s.library.RemoveDir(dir) })
}

// Remove deletes a file.
func (s *Session) Remove(ctx context.Context, name string) error {
	return s.named(ctx, "deleting", name, func() error { return s.library.Delete(name) })
}

// Chmod sets permission bits by SITE CHMOD.
func (s *Session) Chmod(ctx context.Context, name string, mode uint32) error {
	return s.named(ctx, "changing the mode of", name, func() error {
		if mode > 0o7777 {
			return fault(session.BadArgument, fmt.Errorf("%o is no file mode", mode))
		}
		reply, e := s.exchange(fmt.Sprintf("SITE CHMOD %03o %s", mode, name))
		if e != nil {
			return e
		}
		if s.learnUnknown("SITE CHMOD", reply.Code) || !completed(reply.Code) {
			return errRefused
		}
		return nil
	})
}

// Raw sends one line as it is.
func (s *Session) Raw(ctx context.Context, line string) (reply session.Reply, err error) {
	err = s.do(ctx, "sending "+masked(clip(line)), "", func() error {
		if badLine(line) {
			return fault(session.BadArgument, errors.New("a command line cannot hold CR, LF or NUL"))
		}
		verb := verbOf(line)
		switch {
		case !isWord(verb):
			return fault(session.BadArgument, fmt.Errorf("%q is no command", clip(verb)))
		case carriesState(verb):
			return fault(session.Denied, fmt.Errorf("%s changes the session or its data connections, which are the program's own", verb))
		}
		s.directory = "" // CWD, CDUP and SITE may change it
		s.op.raw = true
		var e *session.Error
		if reply, e = s.exchange(line); e != nil {
			return e
		}
		return nil
	})
	return reply, err
}

func isWord(verb string) bool {
	for _, c := range []byte(verb) {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return verb != ""
}

// carriesState lists the commands that Raw must not carry: login, protection,
// representation, data connections, and the end of the session.
func carriesState(verb string) bool {
	switch verb {
	case "USER", "PASS", "ACCT", "REIN", "QUIT", "HOST",
		"AUTH", "ADAT", "PBSZ", "PROT", "CCC", "MIC", "CONF", "ENC",
		"TYPE", "STRU", "MODE", "OPTS", "REST", "RANG",
		"PORT", "EPRT", "LPRT", "PASV", "EPSV", "LPSV", "SPSV", "PRET",
		"RETR", "STOR", "STOU", "APPE", "LIST", "NLST", "MLSD", "ABOR":
		return true
	}
	return false
}
