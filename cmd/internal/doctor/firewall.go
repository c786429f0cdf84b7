package doctor

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/sftpc/sftpc/netio/session"
)

// Opening is one rule for a firewall.
type Opening struct {
	Mode      string `json:"mode"`      // control, passive or active
	Side      string `json:"side"`      // client: this machine's firewall; server: the server's
	Direction string `json:"direction"` // out or in, seen from that side
	Local     string `json:"local"`     // address and ports on that side
	Remote    string `json:"remote"`    // and on the other
	Why       string `json:"why"`
}

const anyPort = "ports above 1024"

// openings are the rules that each mode needs on both sides. Only those that begin
// a connection matter to a firewall that keeps track of them; those for the answers
// are listed for the ones that do not.
func (p *patient) openings() []Opening {
	_, control, _ := net.SplitHostPort(p.endpoint.Address)
	if p.endpoint.Protocol == session.SFTP {
		return p.controlOpenings(control, "everything goes through this one connection")
	}
	all := p.controlOpenings(control, "the control connection")
	server, passive := p.serverName(), p.passiveRange()
	all = append(all,
		Opening{"passive", "client", "out", anyPort, server + " " + passive, "we connect for data"},
		Opening{"passive", "server", "in", passive, "anywhere, " + anyPort, "the client connects for data"},
		Opening{"passive", "server", "out", passive, anyPort, "answers, and data of downloads"},
	)
	if p.endpoint.Proxy != "" {
		return all
	}
	active, data := p.activeRange(), p.dataPort(control)
	return append(all,
		Opening{"active", "client", "in", active, server + " " + data, "the server connects for data"},
		Opening{"active", "client", "out", active, server + " " + data, "answers, and data of uploads"},
		Opening{"active", "server", "out", data, "the client's " + active, "the server connects for data"},
		Opening{"active", "server", "in", data, "the client's " + active, "answers, and data of uploads"},
	)
}

func (p *patient) controlOpenings(port, why string) []Opening {
	return []Opening{
		{"control", "client", "out", anyPort, p.serverName() + " port " + port, "we connect: " + why},
		{"control", "server", "in", "port " + port, "anywhere, " + anyPort, "the client connects"},
		{"control", "server", "out", "port " + port, anyPort, "answers"},
	}
}

// dataPort is the port that servers connect from in active mode: the one below the
// control port, as RFC 959 has it; those without the right to do so take any.
func (p *patient) dataPort(control string) string {
	const usual = "port 20"
	if control == "21" && len(p.seen.activePorts) == 0 {
		return usual
	}
	if slices.Equal(slices.Compact(slices.Clone(p.seen.activePorts)), []int{20}) {
		return usual + " (seen)"
	}
	if len(p.seen.activePorts) > 0 {
		return anyPort + seenPorts(p.seen.activePorts)
	}
	return usual + ", or the one below " + control + ", or any"
}

func (p *patient) serverName() string {
	host, _, _ := net.SplitHostPort(p.endpoint.Address)
	if p.endpoint.Proxy == "" && p.seen.peer != "" && p.seen.peer != host {
		return host + " (" + p.seen.peer + ")"
	}
	return host
}

// passiveRange is what the server announced, as far as seen: its real range is in
// its configuration.
func (p *patient) passiveRange() string {
	return anyPort + seenPorts(p.seen.passivePorts)
}

// seenPorts are ports as a remark, "" for none.
func seenPorts(ports []int) string {
	if len(ports) == 0 {
		return ""
	}
	ports = slices.Clone(ports)
	slices.Sort(ports)
	var texts []string
	for _, port := range slices.Compact(ports) {
		texts = append(texts, fmt.Sprint(port))
	}
	return " (seen: " + strings.Join(texts, ", ") + ")"
}

// activeRange is where we listen.
func (p *patient) activeRange() string {
	mode, system := p.options.Mode, p.options.AnyPorts
	switch {
	case mode.PortFrom > 0:
		return fmt.Sprintf("ports %d-%d", mode.PortFrom, mode.PortTo)
	case system[0] > 0:
		return fmt.Sprintf("ports %d-%d (what this system gives)", system[0], system[1])
	}
	return anyPort
}

// writeOpenings writes them as tables, a mode and a side at a time.
func writeOpenings(b *strings.Builder, openings []Opening) {
	heading := ""
	for _, o := range openings {
		side := "on this machine's side"
		if o.Side == "server" {
			side = "on the server's side"
		}
		if now := o.Mode + ", " + side; now != heading {
			heading = now
			fmt.Fprintf(b, "\n  firewall: %s\n", heading)
		}
		way := "to"
		if o.Direction == "in" {
			way = "from"
		}
		fmt.Fprintf(b, "    %-4s %s %s %s\n         %s\n", o.Direction, o.Local, way, o.Remote, o.Why)
	}
	if len(openings) > 0 && openings[len(openings)-1].Mode == "active" {
		b.WriteString("\n  SETACTIVEPORTS(from, to) narrows the ports of active mode; a firewall that keeps track\n" +
			"  of connections needs no rule for answers. It cannot read an encrypted control\n" +
			"  connection, so FTPS needs the data ports open as they stand here.\n")
	}
}
