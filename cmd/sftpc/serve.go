package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/netio/server"
	"github.com/sftpc/sftpc/vm/diag"
)

type serveVerb struct {
	Dir      app.Word `arg:"" help:"the folder to serve"`
	ReadOnly bool     `help:"refuse whatever would change the folder"`
	Port     int      `default:"0" help:"the port to listen on; 0 takes a free one"`
	User     string   `default:"sftpc" help:"the name to log in with"`
	TLS      string   `enum:"none,explicit,implicit" default:"none" help:"speak TLS when asked for it, or from the first byte on (explicit, implicit)"`
	Verbose  bool     `short:"v" help:"tell every command and reply"`
}

// do serves on loopback only: what this verb is for is trying scripts.
func (v *serveVerb) do(p *app.Process) int {
	folder := p.Path(string(v.Dir))
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return p.Refuse(app.StatusUsage, fmt.Errorf("%s: not a folder", v.Dir))
	}
	password := rand.Text()[:16]
	options := server.Options{Dir: folder, Users: map[string]string{v.User: password}, ReadOnly: v.ReadOnly}
	if v.TLS != "none" {
		options.TLS = &server.TLS{Implicit: v.TLS == "implicit", Required: true, Reuse: server.ReuseSession}
	}
	if v.Verbose {
		options.Log = func(line string) { fmt.Fprintln(p.Stderr, diag.Escape(line)) }
	}
	ctx, stop := app.WithSignals(context.Background())
	defer stop()
	s, err := server.Listen(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(v.Port)), options)
	if err != nil {
		return p.Refuse(app.StatusFound, err)
	}
	if v.TLS != "none" {
		fmt.Fprintf(p.Stdout, "SETPROTOCOL(FTPS_%s)\nSETCERTIFICATE(\"%s\")\n", strings.ToUpper(v.TLS), s.Pin())
	}
	fmt.Fprintf(p.Stdout, "OPENHOST(\"%s\",\"%s\",\"%s\")\n", s.Addr(), v.User, password)
	fmt.Fprintf(p.Stderr, "serving %s until interrupted; only this machine can connect\n", diag.Escape(string(v.Dir)))
	<-ctx.Done()
	if err := s.Close(); err != nil {
		return p.Refuse(app.StatusFound, err)
	}
	return app.StatusGood
}
