package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/netio/server/sftpserver"
	"github.com/sftpc/sftpc/vm/diag"
)

type serveVerb struct {
	Dir      app.Word `arg:"" help:"the folder to serve"`
	ReadOnly bool     `help:"refuse whatever would change the folder"`
	Port     int      `default:"0" help:"the port to listen on; 0 takes a free one"`
	User     string   `default:"sftpc" help:"the name to log in with"`
	Protocol string   `enum:"FTP,FTPS,FTPS_EXPLICIT,FTPS_IMPLICIT,SFTP" default:"FTP" help:"FTP, FTPS, FTPS_IMPLICIT or SFTP, as in SETPROTOCOL"`
	Verbose  bool     `short:"v" help:"tell every command and reply"`
}

// do serves on loopback only: what this verb is for is trying scripts.
func (v *serveVerb) do(p *app.Process) int {
	folder := p.Path(string(v.Dir))
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return p.Refuse(app.StatusUsage, fmt.Errorf("%s: not a folder", v.Dir))
	}
	password := rand.Text()[:16]
	var log func(line string)
	if v.Verbose {
		log = func(line string) { fmt.Fprintln(p.Stderr, diag.Escape(line)) }
	}
	ctx, stop := app.WithSignals(context.Background())
	defer stop()
	s, preface, err := v.listen(ctx, folder, password, log)
	if err != nil {
		return p.Refuse(app.StatusFound, err)
	}
	fmt.Fprintf(p.Stdout, "%sOPENHOST(\"%s\",\"%s\",\"%s\")\n", preface, s.Addr(), v.User, password)
	fmt.Fprintf(p.Stderr, "serving %s until interrupted; only this machine can connect\n", diag.Escape(string(v.Dir)))
	<-ctx.Done()
	if err := s.Close(); err != nil {
		return p.Refuse(app.StatusFound, err)
	}
	return app.StatusGood
}

// listen starts the server; preface is what a script says before OPENHOST.
func (v *serveVerb) listen(ctx context.Context, folder, password string, log func(string)) (s embeddedServer, preface string, err error) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(v.Port))
	users := map[string]string{v.User: password}
	if v.Protocol == "SFTP" {
		s, err := sftpserver.Listen(ctx, address, sftpserver.Options{Dir: folder, Users: users, ReadOnly: v.ReadOnly, Log: log})
		if err != nil {
			return nil, "", err
		}
		return s, fmt.Sprintf("SETPROTOCOL(SFTP)\nSETHOSTKEY(\"%s\")\n", s.Fingerprint()), nil
	}
	options := server.Options{Dir: folder, Users: users, ReadOnly: v.ReadOnly, Log: log}
	if v.Protocol != "FTP" {
		options.TLS = &server.TLS{Implicit: v.Protocol == "FTPS_IMPLICIT", Required: true, Reuse: server.ReuseSession}
	}
	plain, err := server.Listen(ctx, address, options)
	if err != nil {
		return nil, "", err
	}
	if v.Protocol != "FTP" {
		preface = fmt.Sprintf("SETPROTOCOL(%s)\nSETCERTIFICATE(\"%s\")\n", v.Protocol, plain.Pin())
	}
	return plain, preface, nil
}
