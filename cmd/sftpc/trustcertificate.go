package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm/diag"
)

// certificate is what the verb does for a server of FTPS: it shows the certificate and
// says whether it is believed, and by whose word; one that is not may be recorded.
func (v *trustVerb) certificate(ctx context.Context, p *app.Process, host string, port int) int {
	endpoint := session.Endpoint{Protocol: session.FTPSExplicit, Host: host, Proxy: string(v.Proxy)}
	endpoint.Trust, _ = p.Identity()
	standard := 21
	if v.Protocol == "FTPS_IMPLICIT" {
		endpoint.Protocol, standard = session.FTPSImplicit, 990
	}
	if port == 0 {
		port = standard
	}
	endpoint.Address = net.JoinHostPort(host, strconv.Itoa(port))
	shown, err := netio.ShowCertificate(ctx, endpoint, session.Settings{Timeouts: session.Timeouts{Connect: v.Timeout, Reply: v.Timeout}})
	if err != nil {
		return v.refuse(p, err)
	}
	if shown.Leaf == nil {
		return p.Refuse(app.StatusFound, errors.New("the server shows no certificate"))
	}
	leaf := shown.Leaf
	names := append([]string(nil), leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	const day = "2006-01-02"
	fmt.Fprintf(p.Stdout, "%s\n  certificate  %s\n  for          %s\n  issued by    %s\n  valid        %s to %s\n", diag.Escape(endpoint.Address),
		shown.Fingerprint, diag.Escape(strings.Join(names, ", ")), diag.Escape(leaf.Issuer.String()),
		leaf.NotBefore.UTC().Format(day), leaf.NotAfter.UTC().Format(day))
	if shown.Verdict == nil {
		fmt.Fprintf(p.Stdout, "  believed\n")
		return app.StatusGood
	}
	fmt.Fprintf(p.Stdout, "  not believed\n\nas a line of a script:\n  SETCERTIFICATE(\"%s\")\n", shown.Fingerprint)
	fmt.Fprintln(p.Stderr, diag.Escape(shown.Verdict.Error()))
	file := endpoint.Trust.KnownCertificates
	switch {
	case session.CauseOf(shown.Verdict) == session.CertificateChanged:
		fmt.Fprintf(p.Stderr, "somebody may be in between, or its owner replaced it: ask.\nIf it was replaced, delete the line of %s in %s and run this again.\n",
			diag.Escape(endpoint.Address), diag.Escape(file))
		return app.StatusFound
	case file == "":
		return p.Refuse(app.StatusFound, errors.New("there is no file to record certificates in, since this user has no home"))
	case !v.Yes && !confirm(p, fmt.Sprintf("Record the certificate in %s?", file)):
		fmt.Fprintln(p.Stderr, "the certificate is not recorded; --yes records it")
		return app.StatusFound
	}
	if err := netio.RecordCertificate(endpoint, shown); err != nil {
		return p.Refuse(app.StatusFound, err)
	}
	fmt.Fprintf(p.Stderr, "the certificate is recorded in %s\n", diag.Escape(file))
	return app.StatusGood
}
