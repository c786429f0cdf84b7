// Package doctor finds out what works between this machine and a server, and says
// what to put into a script and a firewall where something does not.
//
// It tries what a script would do, with the same sessions (netio.Dial), and changes
// nothing on a server: it logs in, asks, and lists the directory of the login. Its
// results are Findings with stable identifiers, which spec/doctor.md lists; they
// are rendered as text or JSON by report.go. Texts from servers are escaped when a
// finding is made, so nothing in a Report can harm a terminal.
//
// It touches the process through Machine's fields only, and must not know scripts:
// the lines that it proposes are texts.
//
// Read report.go first, then host.go for the order in which a server is asked;
// trust.go looks at keys and certificates before any login, modes.go tries the data connections, server.go what the server offers,
// firewall.go says the openings, machine.go looks at this machine.
package doctor
