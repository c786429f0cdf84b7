package builtins

import (
	"errors"
	"maps"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/session"
)

// The SET commands of connections and transfers. Each is an assignment; when it
// takes effect is said in the catalogue. What a session asks for itself (the data
// mode) is stored under a lock, what it was told is told again (adjust).

func settingCommands() family {
	return family{
		"SETPROTOCOL":       (*State).setProtocol,
		"SETPORT":           (*State).setPort,
		"SETPROXY":          (*State).setProxy,
		"SETTRUST":          (*State).setTrust,
		"SETHOSTKEY":        (*State).setHostKey,
		"SETKEYFILE":        (*State).setKeyFile,
		"SETALGORITHMS":     (*State).setAlgorithms,
		"SETENCODING":       (*State).setEncoding,
		"SETCERTIFICATE":    (*State).setCertificate,
		"SETCLIENTCERT":     (*State).setClientCert,
		"SETPROTECTION":     (*State).setProtection,
		"SETPASSIVE":        (*State).setPassive,
		"SETACTIVEPORTS":    (*State).setActivePorts,
		"SETACTIVEADDRESS":  (*State).setActiveAddress,
		"SETPASSIVEADDRESS": (*State).setPassiveAddress,
		"SETFEATURE":        (*State).setFeature,
		"SETTIMEOUT":        (*State).setTimeout,
		"SETRETRY":          (*State).setRetry,
		"SETTYPE":           (*State).setType,
		"SETUPLOADMODE":     (*State).setUploadMode,
		"SETVERIFY":         (*State).setVerify,
		"SETFILTER":         (*State).setFilter,
		"SETSTABLE":         (*State).setStable,
		"SETCLOCKDIFF":      (*State).setClockDiff,
		"SETDELETELIMIT":    (*State).setDeleteLimit,
		"SETSPEED":          (*State).setSpeed,
		"SETDRYRUN":         (*State).setDryRun,
		"SETAFTER":          (*State).setAfter,
		"SETBACKUP":         (*State).setBackup,
		"SETPARALLEL":       (*State).setParallel,
	}
}

// protocolNames are the constants of SETPROTOCOL.
func protocolNames() map[string]session.Protocol {
	return map[string]session.Protocol{
		"FTP": session.FTP, "FTPS": session.FTPSExplicit, "FTPS_EXPLICIT": session.FTPSExplicit,
		"FTPS_IMPLICIT": session.FTPSImplicit, "SFTP": session.SFTP,
	}
}

// setProtocol is SETPROTOCOL(protocol).
func (s *State) setProtocol(a *arguments) error {
	s.settings.protocol = protocolNames()[a.constant(0)]
	return nil
}

func (s *State) setPort(a *arguments) error {
	if a.constant(0) == "DEFAULT" {
		s.settings.port = 0
		return nil
	}
	port, err := a.whole(0, 1, 65535)
	if err != nil {
		return err
	}
	s.settings.port = int(port)
	return nil
}

// setProxy takes the URL even where it is refused: if the script goes on
// regardless, OPENHOST must fail and not go past the proxy.
func (s *State) setProxy(a *arguments) error {
	s.settings.proxy = a.text(0)
	return s.checkProxy()
}

// checkProxy says why the proxy that is set cannot be used, nil if it can or there
// is none. Who may connect to some hosts only may not do so to any proxy.
func (s *State) checkProxy() error {
	if s.settings.proxy == "" {
		return nil
	}
	host, port, err := netio.CheckProxy(s.settings.proxy)
	if err != nil {
		return err
	}
	if !allows(s.options.Hosts, host, port) {
		address := net.JoinHostPort(host, strconv.Itoa(port))
		return &session.Error{
			Op:    "taking the proxy " + address,
			Cause: session.Denied, Class: session.ClassDenied, Name: host,
			Err: errors.New("this run may not connect to that host"),
		}
	}
	return nil
}

// setEncoding is SETENCODING(name). An unknown name leaves what was set.
func (s *State) setEncoding(a *arguments) error {
	name := a.text(0)
	if a.constant(0) == "AUTO" {
		name = ""
	} else if err := netio.CheckEncoding(name); err != nil {
		return err
	}
	s.settings.encoding = name
	return nil
}

func (s *State) setPassive(a *arguments) error {
	active := !a.on(0)
	s.changeDataMode(func(m *session.DataMode) { m.Active = active })
	return nil
}

// Ports below this one are not for clients to listen on.
const leastActivePort = 1024

func (s *State) setActivePorts(a *arguments) error {
	if a.number(0) == 0 && a.number(1) == 0 {
		s.changeDataMode(func(m *session.DataMode) { m.PortFrom, m.PortTo = 0, 0 })
		return nil
	}
	from, err := a.whole(0, leastActivePort, 65535)
	if err != nil {
		return err
	}
	to, err := a.whole(1, leastActivePort, 65535)
	if err != nil {
		return err
	}
	if from > to {
		return a.bad(1, "must not be below the first: %d is below %d", to, from)
	}
	s.changeDataMode(func(m *session.DataMode) { m.PortFrom, m.PortTo = int(from), int(to) })
	return nil
}

func (s *State) setActiveAddress(a *arguments) error {
	announced, err := a.address(0)
	if err != nil {
		return err
	}
	if announced.IsUnspecified() {
		return a.bad(0, "must be an address that the server can connect to, not %s", announced)
	}
	listenOn, err := a.address(1)
	if err != nil {
		return err
	}
	s.changeDataMode(func(m *session.DataMode) { m.Announce, m.ListenOn = announced, listenOn })
	return nil
}

// address is the argument as an IP address; the zero address for the empty text.
func (a *arguments) address(place int) (netip.Addr, error) {
	text := a.text(place)
	if text == "" {
		return netip.Addr{}, nil
	}
	address, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return address, a.bad(place, "must be an IP address, not %s", quoted(text))
	case address.IsMulticast():
		return address, a.bad(place, "must be the address of one host, not %s", quoted(text))
	}
	return address.Unmap(), nil
}

func (s *State) setPassiveAddress(a *arguments) error {
	byServer := a.constant(0) == "SERVER"
	s.changeDataMode(func(m *session.DataMode) { m.PassiveServer = byServer })
	return nil
}

func (s *State) setFeature(a *arguments) error {
	uses := map[string]session.Feature{
		"AUTO": session.FeatureAuto, "ENABLED": session.FeatureEnabled, "DISABLED": session.FeatureDisabled,
	}
	// A session may keep the map that it was given, so that one is never changed.
	features := maps.Clone(s.settings.features)
	if features == nil {
		features = make(map[string]session.Feature)
	}
	features[a.constant(0)] = uses[a.constant(1)]
	s.settings.features = features
	s.adjust()
	return nil
}

// longestTimeout keeps durations far from overflow; a wait of a week is a mistake.
const longestTimeout = 7 * 24 * time.Hour

func (s *State) setTimeout(a *arguments) error {
	which := a.constant(1)
	seconds := a.number(0)
	switch {
	case seconds < 0, seconds > longestTimeout.Seconds():
		return a.bad(0, "must be from 0 to %.0f seconds, not %s", longestTimeout.Seconds(), quoted(a.text(0)))
	case seconds == 0 && which != "TOTAL":
		return a.bad(0, "must be above 0: only TOTAL may be without an end")
	}
	wait := time.Duration(seconds * float64(time.Second))
	if wait == 0 && seconds > 0 {
		wait = 1
	}
	t := &s.settings.timeouts
	switch which {
	case "CONNECT":
		t.Connect = wait
	case "REPLY":
		t.Reply = wait
	case "IDLE":
		t.Idle = wait
	case "TOTAL":
		t.Total = wait
	default:
		t.Connect, t.Reply, t.Idle = wait, wait, wait
	}
	s.adjust()
	return nil
}

// adjust tells an open session what changed.
func (s *State) adjust() {
	if open, ok := s.session.(session.Adjuster); ok {
		open.Adjust(s.sessionSettings())
	}
}

func (s *State) setType(a *arguments) error {
	types := map[string]session.Type{
		"BINARY": session.TypeBinary, "ASCII": session.TypeASCII, "EBCDIC": session.TypeEBCDIC,
	}
	s.settings.kind = types[a.constant(0)]
	return nil
}

func (s *State) setUploadMode(a *arguments) error {
	s.settings.upload = uploadModes()[a.constant(0)]
	return nil
}
