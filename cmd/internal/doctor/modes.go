package doctor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

// attempt is one listing over a data connection made in one way.
type attempt struct {
	listing session.Listing
	err     error
	data    *session.DataConn // the last one that was made or tried
	made    bool
	notes   []string
}

// try lists the directory of the login in the given mode.
func (p *patient) try(ctx context.Context, mode session.DataMode, features map[string]session.Feature) attempt {
	if err := p.open(ctx); err != nil {
		return attempt{err: err}
	}
	p.use(mode, features)
	p.wire.mark()
	limited, stop := p.step(ctx)
	defer stop()
	var a attempt
	unresumed := false
	a.listing, a.err = p.session.List(limited, "")
	for _, w := range p.wire.all() {
		switch w.Kind {
		case session.WireData:
			a.data, a.made = w.Data, true
			unresumed = false // a refused one before it may have taught which session to resume
		case session.WireNote:
			a.notes = append(a.notes, w.Text)
			unresumed = unresumed || strings.Contains(w.Text, "does not resume the TLS session")
		}
	}
	if e, ok := a.err.(*session.Error); ok && e.Data != nil {
		a.data = e.Data
	}
	if a.err == nil {
		p.seen.unresumed = unresumed
	}
	if a.err == nil && a.made && p.seen.listing == nil {
		p.seen.listing = &a.listing
	}
	if a.data != nil {
		if local, err := netip.ParseAddrPort(a.data.Local); err == nil {
			p.seen.local = local.Addr().Unmap()
		}
		if host, port, err := net.SplitHostPort(a.data.Remote); err == nil {
			n, _ := strconv.Atoi(port)
			switch {
			case a.data.Active:
				p.seen.activePorts = append(p.seen.activePorts, n)
			default:
				p.seen.passivePorts = append(p.seen.passivePorts, n)
			}
			if a.made {
				p.seen.peer = host
			}
		}
	}
	p.dropIfLost(ctx, a.err)
	return a
}

// worked is the finding for a way that did.
func (a attempt) worked(id string) Finding {
	names := len(a.listing.Entries)
	detail := fmt.Sprintf("%d names through %s", names, a.data.Remote)
	if names == 1 {
		detail = "1 name through " + a.data.Remote
	}
	if a.data.Active {
		detail += " to " + a.data.Local
		if a.data.Listen != "" && a.data.Listen != a.data.Local {
			detail += ", announced as " + a.data.Listen
		}
	}
	return Finding{ID: id, State: Works, Detail: detail}
}

// dataConnections tries every way to make one, each by a listing.
func (p *patient) dataConnections(ctx context.Context) {
	if p.session == nil || !p.session.Caps().DataConnections {
		return
	}
	p.passive(ctx)
	p.active(ctx)
	p.resumption()
	passive, active := p.seen.worked["EPSV"] || p.seen.worked["PASV"], p.seen.worked["PORT"] || p.seen.worked["EPRT"]
	for i := range p.Findings {
		f := &p.Findings[i]
		if f.State != Fails {
			continue
		}
		switch f.ID {
		case "data.epsv":
			// A refusal costs nothing; a dead port costs half the connect time-out in
			// every session.
			f.Matters = f.Matters && p.seen.worked["PASV"]
			if f.Matters {
				f.Script = []string{"SETFEATURE(EPSV, DISABLED)"}
				f.Hint = "without this line each session waits for it once before it takes PASV"
			} else {
				f.Hint = "" // that of PASV is enough
			}
		case "data.pasv":
			f.Matters = !passive
			if !passive && active {
				f.Script = append([]string{"SETPASSIVE(DISABLED)"}, p.activeLines()...)
			}
			switch {
			case passive:
				f.Hint = ""
			case !active:
				f.Hint = "no way works: a firewall has to let one of the modes through, and --firewall names the openings"
			}
		}
	}
}

// activeLines say in a script what active mode was tried with here.
func (p *patient) activeLines() []string {
	var lines []string
	mode := p.options.Mode
	if mode.PortFrom > 0 {
		lines = append(lines, fmt.Sprintf("SETACTIVEPORTS(%d, %d)", mode.PortFrom, mode.PortTo))
	}
	if mode.Announce.IsValid() {
		lines = append(lines, fmt.Sprintf("SETACTIVEADDRESS(%q)", mode.Announce))
	}
	if !p.seen.worked["PORT"] && !p.seen.local.Is6() { // over IPv6 EPRT is what is used anyway
		lines = append(lines, "SETFEATURE(EPRT, ENABLED)")
	}
	return lines
}

func (p *patient) passive(ctx context.Context) {
	p.tell("passive mode, EPSV")
	mode := p.options.Mode
	mode.Active = false
	a := p.try(ctx, mode, map[string]session.Feature{"EPSV": session.FeatureEnabled})
	switch {
	case a.err == nil && a.made:
		p.seen.worked["EPSV"] = true
		p.add(a.worked("data.epsv"))
	case a.err == nil:
		p.add(noData("data.epsv"))
	default:
		f := failed("data.epsv", a.data != nil && a.data.Remote != "", a.err)
		if !f.Matters {
			f.Hint = ""
		}
		p.add(f)
	}

	p.tell("passive mode, PASV")
	if p.seen.local.Is6() {
		p.add(Finding{ID: "data.pasv", State: Skipped, Detail: "the connection is IPv6, of which PASV knows nothing"})
		return
	}
	a = p.try(ctx, mode, map[string]session.Feature{"EPSV": session.FeatureDisabled})
	switch {
	case a.err == nil && a.made:
		p.seen.worked["PASV"] = true
		p.add(a.worked("data.pasv"))
	case a.err == nil:
		p.add(noData("data.pasv"))
	default:
		p.add(failed("data.pasv", true, a.err))
	}
	p.passiveAddress(a)
}

// foreign finds the address in the note about a 227 that names another host.
var foreign = regexp.MustCompile(`^the 227 reply names (\S+); connecting to (\S+) `)

// passiveAddress tells of a 227 that names another host than the one that was
// connected to, which is not believed.
func (p *patient) passiveAddress(a attempt) {
	for _, note := range a.notes {
		found := foreign.FindStringSubmatch(note)
		if found == nil {
			continue
		}
		named, err := netip.ParseAddr(found[1])
		f := Finding{ID: "data.passive-address", State: Note, Detail: fmt.Sprintf("the server names %s; sftpc connects to %s all the same", found[1], found[2])}
		if a.err != nil && err == nil && named.IsGlobalUnicast() && !named.IsPrivate() {
			f.Detail = fmt.Sprintf("the server names %s, and %s does not answer there", found[1], found[2])
			f.Hint = "if that server really has its data elsewhere, SETPASSIVEADDRESS(SERVER) believes it"
		}
		p.add(f)
		return
	}
}

func (p *patient) active(ctx context.Context) {
	if p.endpoint.Proxy != "" {
		for _, id := range []string{"data.port", "data.eprt"} {
			p.add(Finding{ID: id, State: Skipped, Detail: "no server can connect to us through a proxy"})
		}
		return
	}
	mode := p.options.Mode
	mode.Active = true
	p.tell("active mode, PORT")
	a := p.try(ctx, mode, map[string]session.Feature{"EPRT": session.FeatureDisabled})
	if a.data != nil && a.data.Command == "EPRT" {
		p.add(Finding{ID: "data.port", State: Skipped, Detail: "the connection is IPv6, of which PORT knows nothing"})
		p.activeFinding("EPRT", a)
		return
	}
	p.activeFinding("PORT", a)
	p.tell("active mode, EPRT")
	a = p.try(ctx, mode, map[string]session.Feature{"EPRT": session.FeatureEnabled})
	if a.data != nil && a.data.Command == "PORT" {
		// The session has gone on with PORT.
		p.add(Finding{ID: "data.eprt", State: Fails, Detail: "the server refuses it", Reply: p.wire.replyTo("EPRT")})
		return
	}
	p.activeFinding("EPRT", a)
}

func (p *patient) activeFinding(command string, a attempt) {
	id := "data." + strings.ToLower(command)
	switch {
	case a.err == nil && a.made:
		p.seen.worked[command] = true
		p.add(a.worked(id))
	case a.err == nil:
		p.add(noData(id))
	default:
		p.add(failed(id, false, a.err))
	}
}

// noData is the finding for a directory that the server says is not there or is
// empty without a data connection.
func noData(id string) Finding {
	return Finding{ID: id, State: Note, Detail: "the server lists nothing and makes no data connection for it: a directory with a file in it would tell more"}
}
