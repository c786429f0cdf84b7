package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sftpc/sftpc/builtins"
	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm/diag"
)

type trustVerb struct {
	Protocol    string        `enum:"SFTP,FTPS,FTPS_EXPLICIT,FTPS_IMPLICIT" default:"SFTP" help:"what the server speaks: SFTP shows host keys, FTPS and FTPS_IMPLICIT a certificate (${enum})"`
	Target      app.Word      `arg:"" name:"host" help:"the server: HOST, HOST:PORT, [ADDRESS]:PORT"`
	Yes         bool          `help:"record what is not known, without asking"`
	Proxy       app.Word      `placeholder:"URL" help:"reach the server through this proxy"`
	Timeout     time.Duration `default:"20s" placeholder:"DURATION" help:"how long to wait for the server"`
	NoSSHConfig bool          `name:"no-ssh-config" help:"do not read ~/.ssh/config and /etc/ssh/ssh_config"`
}

// do shows what a server proves itself with, says what is known of it, and records
// it when told so. Nothing is sent that the server does not have anyway.
func (v *trustVerb) do(p *app.Process) int {
	ctx, stop := app.WithSignals(context.Background())
	defer stop()
	host, port, err := builtins.SplitHost(string(v.Target))
	if err != nil {
		return p.Refuse(app.StatusUsage, err)
	}
	if v.Timeout <= 0 {
		return p.Refuse(app.StatusUsage, fmt.Errorf("--timeout %s: expected a time above zero", v.Timeout))
	}
	if v.Protocol != "SFTP" {
		return v.certificate(ctx, p, host, port)
	}
	files, _ := p.KnownServers()
	login := session.Login{SSH: p.SSHFiles(!v.NoSSHConfig), Agent: p.SSHAgent()} // for hosts on the way
	login.SSH.PortGiven = port != 0
	if port == 0 {
		port = 22
	}
	endpoint := session.Endpoint{
		Protocol: session.SFTP, Host: host, Address: net.JoinHostPort(host, strconv.Itoa(port)), Proxy: string(v.Proxy), Login: login,
		Trust: session.Trust{KnownHosts: files, Notice: func(text string) {
			fmt.Fprintln(p.Stderr, "warning:", diag.Escape(text))
		}},
	}
	at, keys, err := netio.ShowHostKeys(ctx, endpoint, session.Settings{Timeouts: session.Timeouts{Connect: v.Timeout, Reply: v.Timeout}})
	if err != nil {
		return v.refuse(p, err)
	}
	unknown, bad := v.show(p, at, keys)
	switch {
	case bad:
		return app.StatusFound
	case unknown == 0:
		return app.StatusGood
	case len(files) == 0 || files[0] == "":
		return p.Refuse(app.StatusFound, errors.New("there is no file to record host keys in, since this user has no home"))
	case !v.Yes && !confirm(p, fmt.Sprintf("Record %s?", count(unknown, "key"))):
		fmt.Fprintf(p.Stderr, "%s not recorded; --yes records them\n", count(unknown, "key"))
		return app.StatusFound
	}
	file, recorded, err := netio.RecordHostKeys(endpoint, keys, time.Now())
	if err != nil {
		return p.Refuse(app.StatusFound, err)
	}
	fmt.Fprintf(p.Stderr, "%s recorded in %s\n", count(recorded, "key"), diag.Escape(file))
	return app.StatusGood
}

func (v *trustVerb) refuse(p *app.Process, err error) int {
	status := p.Refuse(app.StatusFound, err)
	var e *session.Error
	if errors.As(err, &e) && e.Hint != "" {
		fmt.Fprintln(p.Stderr, diag.EscapeLines(e.Hint))
	}
	return status
}

// show writes the keys and what is known of them; bad tells of a key that must not be
// recorded.
func (v *trustVerb) show(p *app.Process, at string, keys []netio.HostKey) (unknown int, bad bool) {
	fmt.Fprintf(p.Stdout, "%s\n", diag.Escape(at))
	table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	for _, key := range keys {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", key.Type, key.Fingerprint, diag.Escape(key.Verdict.String()))
	}
	table.Flush()
	for _, key := range keys {
		switch key.Verdict.State {
		case netio.HostKeyUnknown:
			unknown++
		case netio.HostKeyChanged:
			bad = true
			fmt.Fprintf(p.Stderr, "the %s key is not the one that is known: somebody may be in between, or its owner replaced it: ask.\nIf it was replaced, delete %s and run this again.\n",
				key.Type, diag.Escape(key.Verdict.Place))
		case netio.HostKeyRevoked:
			bad = true
			fmt.Fprintf(p.Stderr, "the %s key is revoked: whoever has it is not to be believed\n", key.Type)
		}
	}
	if unknown > 0 {
		fmt.Fprintf(p.Stdout, "\nas lines of known_hosts:\n")
		for _, key := range keys {
			if key.Verdict.State == netio.HostKeyUnknown {
				fmt.Fprintf(p.Stdout, "  %s\n", diag.Escape(key.Line))
			}
		}
	}
	return unknown, bad
}

// confirm asks a person; without one the answer is no.
func confirm(p *app.Process, question string) bool {
	if !p.StdinTerminal || !p.StderrTerminal {
		return false
	}
	fmt.Fprintf(p.Stderr, "\nDoes the owner of the server say the same?\n%s [y/N] ", diag.Escape(question))
	answer, err := bufio.NewReader(p.Stdin).ReadString('\n')
	if err != nil && answer == "" {
		fmt.Fprintln(p.Stderr)
		return false
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}
