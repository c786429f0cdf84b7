package doctor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sftpc/sftpc/builtins"
	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm/diag"
)

// Format is the version of the report's JSON. Fields and identifiers are only ever
// added under the same number.
const Format = 1

// State is what came of a check.
type State string

const (
	Works   State = "works"
	Fails   State = "fails"
	Note    State = "note"    // neither good nor bad
	Skipped State = "skipped" // it means nothing here
)

// Finding is what one check found.
type Finding struct {
	ID    string `json:"id"` // one of Checks
	State State  `json:"state"`
	// Matters says that a script meets this unless something is done about it; the
	// exit status depends on it.
	Matters bool     `json:"matters"`
	Title   string   `json:"title"`
	Detail  string   `json:"detail,omitempty"`
	Cause   string   `json:"cause,omitempty"` // a result's name, as in spec/results.md
	Reply   string   `json:"reply,omitempty"` // the server's, that decided it
	Hint    string   `json:"hint,omitempty"`
	Script  []string `json:"script,omitempty"` // lines for the script
}

// Subject is a machine or a host with what was found.
type Subject struct {
	Kind     string    `json:"kind"` // machine or host
	Name     string    `json:"name"`
	Protocol string    `json:"protocol,omitempty"`
	Address  string    `json:"address,omitempty"` // host:port that was connected to
	User     string    `json:"user,omitempty"`
	Findings []Finding `json:"findings"`
	Script   []string  `json:"script,omitempty"`   // the findings' lines, each once
	Openings []Opening `json:"openings,omitempty"` // with --firewall

	hide func(text string) string // takes secrets out of what servers say; nil where there are none
}

// Report is everything that a run of the doctor found.
type Report struct {
	Format   int       `json:"format"`
	Good     bool      `json:"good"` // no finding matters
	Subjects []Subject `json:"subjects"`
}

// Check is a row of the table of what is looked at.
type Check struct{ ID, Title string }

// Checks are all identifiers, in the order in which they are reported.
func Checks() []Check {
	return []Check{
		{"machine.clock", "clock"},
		{"machine.zone", "time zone"},
		{"machine.names", "name resolution"},
		{"machine.state", "state folder"},
		{"machine.known-hosts", "known hosts"},
		{"machine.agent", "SSH agent"},
		{"machine.umask", "file mode mask"},
		{"machine.drives", "drives"},
		{"machine.proxy", "proxies of the environment"},
		{"host.name", "name"},
		{"host.connection", "connection"},
		{"host.encryption", "encryption"},
		{"host.trust", "key or certificate"},
		{"host.login", "login"},
		{"host.server", "server"},
		{"host.features", "features"},
		{"host.limits", "limits of SFTP"},
		{"host.remembered", "remembered"},
		{"data.epsv", "passive mode, EPSV"},
		{"data.pasv", "passive mode, PASV"},
		{"data.passive-address", "address in passive mode"},
		{"data.port", "active mode, PORT"},
		{"data.eprt", "active mode, EPRT"},
		{"data.resumption", "TLS sessions of data"},
		{"list.mlsd", "exact listings"},
		{"list.unknown", "lines of listings"},
		{"time.zone", "times in listings"},
		{"time.clock", "the server's clock"},
		{"file.hash", "hashes"},
		{"host.connections", "connections at a time"},
	}
}

// titleOf is the title of a check; an identifier that is not in the table is a
// defect that a test finds.
func titleOf(id string) string {
	for _, c := range Checks() {
		if c.ID == id {
			return c.Title
		}
	}
	return id
}

// add makes a finding of what was seen. Texts may be a server's.
func (s *Subject) add(f Finding) {
	f.Title = titleOf(f.ID)
	if s.hide != nil {
		f.Detail, f.Reply, f.Hint = s.hide(f.Detail), s.hide(f.Reply), s.hide(f.Hint)
	}
	for _, text := range []*string{&f.Detail, &f.Reply} {
		*text = diag.Escape(short(*text))
	}
	f.Hint = diag.EscapeLines(f.Hint)
	s.Findings = append(s.Findings, f)
}

// short bounds what a server can make us tell.
func short(text string) string {
	const most = 800
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// failed is the finding for an error.
func failed(id string, matters bool, err error) Finding {
	f := Finding{ID: id, State: Fails, Matters: matters, Detail: err.Error()}
	var e *session.Error
	if !errors.As(err, &e) {
		return f
	}
	f.Cause = builtins.ResultOf(e).Name
	// The hints of failures send people here.
	f.Hint, _, _ = strings.Cut(e.Hint, "\nsftpc doctor ")
	if e.Reply.Code != 0 {
		f.Reply = fmt.Sprintf("%d %s", e.Reply.Code, e.Reply.Text)
	}
	// What was being done says the title; what is left is why.
	if e.Err != nil {
		f.Detail = e.Err.Error()
	} else {
		f.Detail = builtins.ResultOf(e).Sentence
	}
	return f
}

// script collects what belongs into a script for this subject, each line once.
func (s *Subject) script() []string {
	var lines []string
	for _, f := range s.Findings {
		for _, line := range f.Script {
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// NewReport sums up.
func NewReport(subjects []Subject) Report {
	r := Report{Format: Format, Good: true, Subjects: subjects}
	for i := range subjects {
		s := &subjects[i]
		s.Script = s.script()
		for _, f := range s.Findings {
			r.Good = r.Good && !f.Matters
		}
	}
	return r
}

// WriteJSON writes the report as one JSON object.
func (r Report) WriteJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(r)
}

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for i := range r.Subjects {
		if i > 0 {
			b.WriteByte('\n')
		}
		r.Subjects[i].write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Subject) write(b *strings.Builder) {
	b.WriteString(s.Name)
	if s.Kind == "host" {
		fmt.Fprintf(b, ", %s", s.Protocol)
		if s.User != "" {
			fmt.Fprintf(b, ", as %s", s.User)
		}
	}
	b.WriteByte('\n')
	for _, f := range s.Findings {
		f.write(b)
	}
	if len(s.Script) > 0 {
		b.WriteString("\n  for the script\n")
		for _, line := range s.Script {
			fmt.Fprintf(b, "    %s\n", line)
		}
	}
	writeOpenings(b, s.Openings)
}

func (f Finding) write(b *strings.Builder) {
	mark := string(f.State)
	if f.State == Fails && !f.Matters {
		mark = "no" // it does not work, and need not
	}
	if f.State == Skipped {
		mark = "-"
	}
	line := fmt.Sprintf("  %-5s  %-26s %s", mark, f.Title, f.Detail)
	b.WriteString(strings.TrimRight(line, " "))
	b.WriteByte('\n')
	about := func(what, text string) {
		for _, line := range strings.Split(text, "\n") {
			if line != "" {
				fmt.Fprintf(b, "         %-7s%s\n", what, line)
			}
			what = ""
		}
	}
	about("reply", f.Reply)
	if f.State == Fails && f.Cause != "" && f.Matters {
		about("result", f.Cause)
	}
	about("try", f.Hint)
}
