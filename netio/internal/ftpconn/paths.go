package ftpconn

import (
	"slices"
	"strings"
)

// What session.PathStyles calls them.
const (
	pathsUnix = "Unix"
	pathsDOS  = "DOS"
	pathsVMS  = "VMS"
	pathsZOS  = "z/OS"
)

// pathStyle is how the server writes paths, "" if it does not say. What a PWD or a
// listing has told is believed, else SYST is asked, once.
func (s *Session) pathStyle() string {
	if s.paths != "" || s.askedSYST || s.unknown["SYST"] {
		return s.paths
	}
	s.askedSYST = true
	last := s.control.last
	s.nested(func() error {
		reply, e := s.exchange("SYST")
		if e != nil {
			return e
		}
		s.learnUnknown("SYST", reply.Code)
		if reply.Code == 215 {
			s.paths = pathsOfSystem(reply.Text)
		}
		return nil
	})
	s.control.last = last
	return s.paths
}

// pathsOfSystem reads the reply to SYST (RFC 943 has the names).
func pathsOfSystem(text string) string {
	word, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(text)), " ")
	switch {
	case strings.HasPrefix(word, "UNIX"):
		return pathsUnix
	case strings.HasPrefix(word, "WIN"), strings.HasPrefix(word, "MSDOS"), strings.HasPrefix(word, "OS/2"):
		return pathsDOS
	case word == "VMS", word == "OPENVMS":
		return pathsVMS
	case word == "MVS", word == "Z/OS", word == "OS/390":
		return pathsZOS
	}
	return ""
}

// learnPaths reads the style off a current directory or a listing, which know better
// than SYST: many servers say there that they are like Unix.
func (s *Session) learnPaths(style string) {
	if style != "" {
		s.paths, s.recalledPaths = style, false
	}
}

// askPathsAgain tells whether a name that was taken apart as an earlier session had it
// means something else, now that SYST has been asked again.
func (s *Session) askPathsAgain(name string) bool {
	if !s.recalledPaths || !dependsOnStyle(name) {
		return false
	}
	before := s.paths
	s.paths, s.recalledPaths = "", false
	return s.pathStyle() != before
}

func dependsOnStyle(name string) bool {
	return !strings.ContainsRune(name, '/') && strings.ContainsAny(name, `\]'(`)
}

// pathsOfDirectory is the style of a directory's name where nothing else looks so.
// A path with slashes is at home on more than one system.
func pathsOfDirectory(dir string) string {
	switch {
	case strings.HasSuffix(dir, "]") && strings.Contains(dir, ":["):
		return pathsVMS
	case strings.HasPrefix(dir, "'") && strings.HasSuffix(dir, "'"):
		return pathsZOS
	case len(dir) >= 3 && dir[1] == ':' && dir[2] == '\\':
		return pathsDOS
	}
	return ""
}

// pathsOfDialect is the style of a system that has a listing of its own.
func pathsOfDialect(dialect string) string {
	if slices.Contains([]string{pathsVMS, pathsZOS}, dialect) {
		return dialect
	}
	return ""
}

// split takes a name apart as its server would. All but z/OS take a slash; where there
// is none, signs that mean something on one system only are not looked at before it is
// known which that is.
func (s *Session) split(name string) (dir, base string) {
	if !dependsOnStyle(name) {
		return splitName(name)
	}
	style := s.pathStyle()
	switch {
	case style == pathsDOS && strings.ContainsRune(name, '\\'):
		at := strings.LastIndexByte(name, '\\')
		if at == 0 || at == 2 && name[1] == ':' {
			return name[:at+1], name[at+1:]
		}
		return name[:at], name[at+1:]
	case style == pathsVMS && strings.ContainsRune(name, ']'):
		at := strings.LastIndexByte(name, ']')
		return name[:at+1], name[at+1:]
	case style == pathsZOS:
		return splitDataSet(name)
	}
	return "", name
}

// splitDataSet takes a name of z/OS apart: 'A.B(C)' is member C of 'A.B', and 'A.B' is
// the data set B below the prefix 'A.'.
func splitDataSet(name string) (dir, base string) {
	quote := ""
	if strings.HasPrefix(name, "'") && strings.HasSuffix(name, "'") && len(name) > 2 {
		quote, name = "'", name[1:len(name)-1]
	}
	if open := strings.IndexByte(name, '('); open > 0 && strings.HasSuffix(name, ")") {
		return quote + name[:open] + quote, name[open+1 : len(name)-1]
	}
	at := strings.LastIndexByte(name, '.')
	if quote == "" || at <= 0 {
		return "", quote + name + quote
	}
	return quote + name[:at+1] + quote, name[at+1:]
}

// join is the name of what lies in a directory.
func (s *Session) join(dir, name string) string {
	switch {
	case s.paths == pathsVMS && strings.HasSuffix(dir, "]"):
		return dir + name
	case s.paths == pathsZOS && strings.HasSuffix(dir, ".'"):
		return strings.TrimSuffix(dir, "'") + name + "'"
	case s.paths == pathsZOS && strings.HasSuffix(dir, "'"):
		return strings.TrimSuffix(dir, "'") + "(" + name + ")'"
	}
	return joinName(dir, name)
}

// namesDirectory tells names that can only be a directory's and stand in no
// listing.
func (s *Session) namesDirectory(name string) bool {
	_, base := s.split(name)
	return base == "" || base == "." || base == ".."
}
