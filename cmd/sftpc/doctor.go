package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/sftpc/sftpc/builtins"
	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/cmd/internal/doctor"
	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm/diag"
)

type doctorVerb struct {
	Hosts         []app.Word    `arg:"" optional:"" name:"host" help:"what OPENHOST takes; without a host this machine is examined"`
	User          app.Word      `placeholder:"NAME" help:"whom to log in as (default: the URL's, or anonymous)"`
	Password      app.Word      `placeholder:"SOURCE" help:"where the password is: env:VARIABLE, file:PATH, cred:NAME or exec:PROGRAM ARGS (default: env:SFTPC_PASSWORD where that is set)"`
	Key           app.Word      `placeholder:"FILE" help:"a private key to log in with over SFTP"`
	Passphrase    app.Word      `placeholder:"SOURCE" help:"where the key's passphrase is, as for --password"`
	Pin           []app.Word    `placeholder:"SHA256:…" sep:"none" help:"a host key or certificate to insist on, or a file of authorities (repeatable)"`
	Protocol      string        `default:"FTP" help:"FTP, FTPS, FTPS_IMPLICIT or SFTP, as in SETPROTOCOL"`
	Port          int           `placeholder:"N" help:"the port to connect to (default: the protocol's)"`
	Host          []app.Word    `placeholder:"NAME=ADDR[:PORT]" sep:"none" help:"connect to ADDR for NAME (repeatable)"`
	Proxy         app.Word      `placeholder:"URL" help:"reach the hosts through this proxy"`
	State         app.Word      `placeholder:"DIR" help:"the folder of what runs remember of servers, as for run"`
	Drive         []app.Word    `placeholder:"C=DIR" sep:"none" help:"a drive to examine on this machine (repeatable)"`
	ActivePorts   string        `placeholder:"FROM-TO" help:"where active mode listens, as in SETACTIVEPORTS"`
	ActiveAddress string        `placeholder:"ADDR" help:"what active mode announces, as in SETACTIVEADDRESS"`
	Wait          time.Duration `default:"10s" help:"how long to wait for anything"`
	Connections   int           `default:"4" help:"how many connections at a time to try; 1 for no more than one"`
	Firewall      bool          `help:"print the openings that each mode needs, on both sides"`
	JSON          bool          `name:"json" help:"print the report as JSON: sftpc doc doctor"`
	Verbose       bool          `short:"v" help:"tell on standard error what is tried"`
}

// do examines this machine, or hosts. What was found goes to standard output.
func (v *doctorVerb) do(p *app.Process) int {
	ctx, stop := app.WithSignals(context.Background())
	defer stop()
	var subjects []doctor.Subject
	if len(v.Hosts) == 0 {
		machine, err := v.machine(p)
		if err != nil {
			return p.Refuse(app.StatusUsage, err)
		}
		subjects = append(subjects, doctor.ExamineMachine(ctx, machine))
	} else {
		endpoints, options, err := v.prepare(ctx, p)
		if err != nil {
			return p.Refuse(app.StatusUsage, err)
		}
		for _, endpoint := range endpoints {
			subjects = append(subjects, doctor.Examine(ctx, endpoint, options))
			if ctx.Err() != nil {
				break
			}
		}
	}
	report := doctor.NewReport(subjects)
	write := report.WriteText
	if v.JSON {
		write = report.WriteJSON
	}
	if err := write(p.Stdout); err != nil {
		return p.Refuse(app.StatusFound, err)
	}
	if err := context.Cause(ctx); err != nil {
		return p.Refuse(app.StatusFound, err)
	}
	if !report.Good {
		return app.StatusFound
	}
	return app.StatusGood
}

// prepare reads the command line for hosts.
func (v *doctorVerb) prepare(ctx context.Context, p *app.Process) ([]session.Endpoint, doctor.Options, error) {
	options := doctor.Options{
		Timeouts:    session.Timeouts{Connect: v.Wait, Reply: v.Wait, Idle: v.Wait},
		Connections: v.Connections, Firewall: v.Firewall, AnyPorts: systemPorts(),
	}
	state := p.State
	if v.State != "" {
		state = p.Path(string(v.State))
	}
	if state != "" {
		options.Records = netio.OpenRecords(state, nil)
	}
	if v.Verbose {
		options.Tell = func(text string) { fmt.Fprintln(p.Stderr, text) }
	}
	if len(v.Drive) > 0 {
		return nil, options, errors.New("--drive is for this machine: without a host")
	}
	if v.Wait <= 0 {
		return nil, options, fmt.Errorf("--wait %s: expected a time above zero", v.Wait)
	}
	if v.Port < 0 || v.Port > 65535 {
		return nil, options, fmt.Errorf("--port %d: expected a number from 1 to 65535", v.Port)
	}
	if v.Connections < 1 || v.Connections > 100 {
		return nil, options, fmt.Errorf("--connections %d: expected a number from 1 to 100", v.Connections)
	}
	var err error
	if options.Mode, err = v.mode(); err != nil {
		return nil, options, err
	}
	hosts, err := app.HostMap(app.Words(v.Host))
	if err != nil {
		return nil, options, err
	}
	if v.Proxy != "" {
		if _, _, err := netio.CheckProxy(string(v.Proxy)); err != nil {
			return nil, options, fmt.Errorf("--proxy: %w", err)
		}
	}
	password, err := v.password(ctx, p)
	if err != nil {
		return nil, options, fmt.Errorf("--password: %w", err)
	}
	var endpoints []session.Endpoint
	for _, host := range v.Hosts {
		endpoint, err := v.endpoint(string(host), password, hosts)
		if err == nil {
			err = v.identify(ctx, p, &endpoint)
		}
		if err != nil {
			return nil, options, err
		}
		endpoints = append(endpoints, endpoint)
	}
	return endpoints, options, nil
}

func (v *doctorVerb) endpoint(host, password string, hosts map[string]string) (session.Endpoint, error) {
	endpoint, err := builtins.EndpointOf(host, strings.ToUpper(v.Protocol), v.Port, hosts)
	if err != nil {
		return endpoint, err
	}
	if endpoint.Password != "" {
		return endpoint, errors.New("the URL holds a password, which other users of this machine can read on a command line: --password env:VARIABLE or file:PATH")
	}
	if v.User != "" {
		if endpoint.User != "" {
			return endpoint, errors.New("--user names a user, and the URL names one too")
		}
		endpoint.User = string(v.User)
	}
	if endpoint.User != "" {
		endpoint.Password = password
	}
	endpoint.Proxy = string(v.Proxy)
	return endpoint, nil
}

// identify adds whom to believe and what to log in with besides a password.
func (v *doctorVerb) identify(ctx context.Context, p *app.Process, endpoint *session.Endpoint) error {
	endpoint.Trust, endpoint.Login = p.Identity()
	if endpoint.Protocol == session.SFTP {
		for _, written := range v.Pin {
			pin, err := netio.ParseHostKeyPin(string(written))
			if err != nil {
				return fmt.Errorf("--pin %s: %w", written, err)
			}
			endpoint.Trust.HostKeys = append(endpoint.Trust.HostKeys, pin)
		}
	} else {
		for _, written := range v.Pin {
			if err := believe(&endpoint.Trust, p, string(written)); err != nil {
				return fmt.Errorf("--pin %s: %w", written, err)
			}
		}
	}
	if v.Key == "" {
		return nil
	}
	login := &endpoint.Login
	login.KeyName = p.Path(string(v.Key))
	var err error
	if login.Key, err = os.ReadFile(login.KeyName); err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	if v.Passphrase != "" {
		if login.Passphrase, err = p.ReadSecret(ctx, string(v.Passphrase)); err != nil {
			return fmt.Errorf("--passphrase: %w", err)
		}
	}
	if err := netio.CheckKey(*login); err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	if certificate, err := os.ReadFile(login.KeyName + netio.CertificateSuffix); err == nil {
		login.KeyCertificate = certificate
	}
	return nil
}

// believe adds the fingerprint of a certificate, or the authorities in a file, as
// SETCERTIFICATE does.
func believe(trust *session.Trust, p *app.Process, written string) error {
	if netio.IsCertificatePin(written) {
		pin, err := netio.ParseCertificatePin(written)
		trust.Certificates = append(trust.Certificates, pin)
		return err
	}
	data, err := os.ReadFile(p.Path(written))
	if err != nil {
		return err
	}
	if err := netio.CheckAuthorities(data); err != nil {
		return fmt.Errorf("a file that %w", err)
	}
	trust.Authorities = append(trust.Authorities, data...)
	return nil
}

func (v *doctorVerb) password(ctx context.Context, p *app.Process) (string, error) {
	if v.Password != "" {
		return p.ReadSecret(ctx, string(v.Password))
	}
	password, _ := p.Getenv("SFTPC_PASSWORD")
	return password, nil
}

// mode reads what active mode listens on and announces.
func (v *doctorVerb) mode() (session.DataMode, error) {
	var mode session.DataMode
	if v.ActivePorts != "" {
		from, to, _ := strings.Cut(v.ActivePorts, "-")
		least, err := strconv.Atoi(from)
		most, err2 := strconv.Atoi(to)
		if err != nil || err2 != nil || least < 1024 || most > 65535 || least > most {
			return mode, fmt.Errorf("--active-ports %s: expected FROM-TO, from 1024 to 65535", v.ActivePorts)
		}
		mode.PortFrom, mode.PortTo = least, most
	}
	if v.ActiveAddress != "" {
		address, err := netip.ParseAddr(v.ActiveAddress)
		if err != nil || address.IsUnspecified() || address.IsMulticast() {
			return mode, fmt.Errorf("--active-address %s: expected an IP address that the server can connect to", v.ActiveAddress)
		}
		mode.Announce = address
	}
	return mode, nil
}

// systemPorts are the ports that this system gives to those who ask for any, 0 where
// it does not say.
func systemPorts() [2]int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return [2]int{}
	}
	var ports [2]int
	if _, err := fmt.Sscan(string(text), &ports[0], &ports[1]); err != nil {
		return [2]int{}
	}
	return ports
}

// machine collects what there is to look at here.
func (v *doctorVerb) machine(p *app.Process) (doctor.Machine, error) {
	if v.Firewall {
		return doctor.Machine{}, errors.New("--firewall needs a host: the openings are for its ports")
	}
	drives, err := app.DriveMap(app.Words(v.Drive), p.Dir)
	if err != nil {
		return doctor.Machine{}, err
	}
	m := doctor.Machine{
		Name: "this machine", Getenv: p.Getenv, Zone: p.Zone, Now: time.Now, Umask: p.Umask,
		Unix: runtime.GOOS != "windows", Drives: drives,
	}
	if name, err := os.Hostname(); err == nil {
		m.Name = diag.Escape(name)
	}
	trust, login := p.Identity()
	m.State, m.KnownHosts, m.Agent = p.State, trust.KnownHosts, login.Agent
	m.AgentName = p.SSHAgentName()
	return m, nil
}
