package catalog

import "strings"

// Syntax writes how each form of the command is called, one line a form, in the
// order of Forms: PUTFILE(name [, SUBDIRS]). Square brackets hold what may be
// left out, a bar separates the bare words that may stand at a place, a dollar
// sign marks a variable that the command assigns, and dots say that the last
// argument may be repeated. Help and the pages of spec/commands show these lines.
func Syntax(c Command) []string {
	lines := make([]string, len(c.Forms))
	for i := range c.Forms {
		lines[i] = c.Forms[i].syntax(c.Name)
	}
	return lines
}

func (f *Form) syntax(name string) string {
	if len(f.Params) == 0 {
		return name
	}
	var b strings.Builder
	b.WriteString(name)
	b.WriteByte('(')
	open := 0
	for i := range f.Params {
		p := &f.Params[i]
		between := ""
		if i > 0 {
			between = ", "
		}
		if p.Optional {
			if i > 0 {
				between = " [, "
			} else {
				between = "["
			}
			open++
		}
		b.WriteString(between)
		b.WriteString(p.syntax())
	}
	b.WriteString(strings.Repeat("]", open))
	b.WriteByte(')')
	return b.String()
}

func (p *Param) syntax() string {
	var words []string
	switch p.Kind {
	case ParamConstant:
		words = p.Constants
	case ParamVariable:
		words = []string{"$" + p.Name}
	default:
		words = append([]string{p.Name}, p.Constants...)
	}
	s := strings.Join(words, " | ")
	if p.Variadic {
		s += ", ..."
	}
	return s
}

// String names the protocols as the pages do: "FTP, FTPS, SFTP", or "none" for
// a command that does not depend on a connection.
func (p Protocols) String() string {
	var names []string
	for _, known := range []struct {
		bit  Protocols
		name string
	}{{OnFTP, "FTP"}, {OnFTPS, "FTPS"}, {OnSFTP, "SFTP"}} {
		if p&known.bit != 0 {
			names = append(names, known.name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}
