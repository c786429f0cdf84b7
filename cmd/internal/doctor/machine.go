package doctor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sftpc/sftpc/netio"
)

// Machine is what there is to look at where the doctor runs.
type Machine struct {
	Name   string // what the report calls it
	Getenv func(name string) (value string, found bool)
	Zone   *time.Location
	Now    func() time.Time
	Umask  uint32
	// Unix says that modes and owners of files mean something.
	Unix bool
	// State is the folder in which sftpc keeps what it learns, "" for none.
	State string
	// KnownHosts are the files of host keys.
	KnownHosts []string
	// Drives are those of --drive: name and folder.
	Drives map[string]string
	// Agent connects to the SSH agent and AgentName says which; nil is none.
	Agent     func(ctx context.Context) (net.Conn, error)
	AgentName string
	// Lookup resolves names; nil is the system's.
	Lookup func(ctx context.Context, host string) ([]string, error)
}

// agentWait bounds what the agent may take to answer.
const agentWait = 5 * time.Second

// ExamineMachine looks at this machine with the eyes of the account that runs it.
// It writes nothing.
func ExamineMachine(ctx context.Context, m Machine) Subject {
	if m.Lookup == nil {
		m.Lookup = net.DefaultResolver.LookupHost
	}
	s := &Subject{Kind: "machine", Name: m.Name}
	m.clock(s)
	m.names(ctx, s)
	m.state(s)
	m.knownHosts(s)
	m.agent(ctx, s)
	m.umask(s)
	m.drives(s)
	m.proxies(s)
	return *s
}

// The years between which a clock is believed; the first is that of this version.
const leastYear, mostYear = 2026, 2100

func (m Machine) clock(s *Subject) {
	now := m.Now()
	if year := now.UTC().Year(); year < leastYear || year > mostYear {
		s.add(Finding{ID: "machine.clock", State: Fails, Matters: true, Detail: fmt.Sprintf("it says %s, which cannot be", now.UTC().Format("2006-01-02 15:04:05 UTC")),
			Hint: "certificates look expired or not valid yet, and what goes by times is wrong, until it is set"})
	} else {
		s.add(Finding{ID: "machine.clock", State: Works, Detail: now.UTC().Format("2006-01-02 15:04:05 UTC")})
	}
	if name, set := m.Getenv("TZ"); set && name != "" && !m.zoneKnown(name) {
		s.add(Finding{ID: "machine.zone", State: Fails, Matters: true, Detail: fmt.Sprintf("TZ is %q, which is no zone that is known here: times are in UTC", name),
			Hint: "as in TZ=Europe/Berlin, or --timezone for one run"})
		return
	}
	name, offset := now.In(m.Zone).Zone()
	s.add(Finding{ID: "machine.zone", State: Works, Detail: fmt.Sprintf("date texts are in %s, UTC%s", name, time.Unix(0, 0).In(time.FixedZone("", offset)).Format("-07:00"))})
}

// zoneKnown tells whether TZ means something. A file's name, after a colon or not,
// and the rules of POSIX are the system's business.
func (m Machine) zoneKnown(name string) bool {
	name = strings.TrimPrefix(name, ":")
	if name == "" || strings.HasPrefix(name, "/") || strings.ContainsAny(name, ",<>0123456789") {
		return true
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

func (m Machine) names(ctx context.Context, s *Subject) {
	ctx, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	addresses, err := m.Lookup(ctx, "localhost")
	if err != nil {
		s.add(Finding{ID: "machine.names", State: Fails, Matters: true, Detail: fmt.Sprintf("not even localhost can be looked up: %v", err)})
		return
	}
	s.add(Finding{ID: "machine.names", State: Works, Detail: "localhost is " + strings.Join(addresses, ", ") + "; doctor HOST looks up others"})
}

func (m Machine) state(s *Subject) {
	if m.State == "" {
		s.add(Finding{ID: "machine.state", State: Fails, Matters: true, Detail: "there is no home folder, so nothing can be kept from run to run",
			Hint: "HOME names one"})
		return
	}
	info, err := os.Stat(m.State)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		parent := m.State
		for errors.Is(err, fs.ErrNotExist) && filepath.Dir(parent) != parent {
			parent = filepath.Dir(parent)
			_, err = os.Stat(parent)
		}
		if err == nil {
			err = writable(parent)
		}
		if err != nil {
			s.add(Finding{ID: "machine.state", State: Fails, Matters: true, Detail: fmt.Sprintf("%s is not there and cannot be made: %v", m.State, err)})
			return
		}
		s.add(Finding{ID: "machine.state", State: Works, Detail: m.State + " will be made when something is to be kept"})
	case err != nil:
		s.add(Finding{ID: "machine.state", State: Fails, Matters: true, Detail: err.Error()})
	case !info.IsDir():
		s.add(Finding{ID: "machine.state", State: Fails, Matters: true, Detail: m.State + " is no folder"})
	case m.Unix && info.Mode().Perm()&0o022 != 0:
		s.add(Finding{ID: "machine.state", State: Fails, Matters: true, Detail: fmt.Sprintf("%s can be written by others (%v): they decide which servers are believed", m.State, info.Mode().Perm()),
			Hint: "chmod go-w " + m.State})
	case writable(m.State) != nil:
		s.add(Finding{ID: "machine.state", State: Fails, Matters: true, Detail: fmt.Sprintf("%s: %v", m.State, writable(m.State))})
	default:
		s.add(Finding{ID: "machine.state", State: Works, Detail: m.State})
	}
}

func (m Machine) knownHosts(s *Subject) {
	for _, file := range m.KnownHosts {
		keys, damaged, err := netio.CheckKnownHosts(file)
		info, missing := os.Stat(file)
		switch {
		case err != nil:
			s.add(Finding{ID: "machine.known-hosts", State: Fails, Matters: true, Detail: err.Error(), Hint: "no login over SSH is possible while it cannot be read"})
		case missing != nil:
			s.add(Finding{ID: "machine.known-hosts", State: Note, Detail: file + " is not there: no host is known from it"})
		case len(damaged) > 0:
			more := ""
			if len(damaged) > 5 {
				more = fmt.Sprintf("\nand %d lines more", len(damaged)-5)
			}
			s.add(Finding{ID: "machine.known-hosts", State: Fails, Matters: true, Detail: fmt.Sprintf("%s: %d keys, and lines that cannot be read", file, keys),
				Hint: strings.Join(damaged[:min(5, len(damaged))], "\n") + more})
		case m.Unix && info.Mode().Perm()&0o022 != 0:
			s.add(Finding{ID: "machine.known-hosts", State: Fails, Matters: true, Detail: fmt.Sprintf("%s can be written by others (%v): they decide which servers are believed", file, info.Mode().Perm()),
				Hint: "chmod go-w " + file})
		default:
			s.add(Finding{ID: "machine.known-hosts", State: Works, Detail: fmt.Sprintf("%s: %d keys", file, keys)})
		}
	}
}

// agent asks the SSH agent how many keys it holds.
func (m Machine) agent(ctx context.Context, s *Subject) {
	if m.Agent == nil {
		s.add(Finding{ID: "machine.agent", State: Note, Detail: "none: SSH_AUTH_SOCK is not set"})
		return
	}
	ctx, stop := context.WithTimeout(ctx, agentWait)
	defer stop()
	keys, err := m.agentKeys(ctx)
	if err != nil {
		s.add(Finding{ID: "machine.agent", State: Fails, Detail: fmt.Sprintf("%s: %v", m.AgentName, err),
			Hint: "keys of the agent cannot be used for SFTP; a job of cron has no agent unless it starts one"})
		return
	}
	s.add(Finding{ID: "machine.agent", State: Works, Detail: fmt.Sprintf("%s: %d keys", m.AgentName, keys)})
}

// agentKeys is SSH_AGENTC_REQUEST_IDENTITIES and the number in its answer.
func (m Machine) agentKeys(ctx context.Context) (int, error) {
	const request, answer = 11, 12
	conn, err := m.Agent(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		conn.SetDeadline(end)
	}
	if _, err := conn.Write([]byte{0, 0, 0, 1, request}); err != nil {
		return 0, err
	}
	var head [9]byte // length, kind, number of keys
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return 0, fmt.Errorf("it does not answer: %w", err)
	}
	if head[4] != answer {
		return 0, errors.New("it does not speak as an agent")
	}
	return int(binary.BigEndian.Uint32(head[5:])), nil
}

func (m Machine) umask(s *Subject) {
	if !m.Unix {
		return
	}
	f := Finding{ID: "machine.umask", State: Works, Detail: fmt.Sprintf("%04o: new files are %v", m.Umask, fs.FileMode(0o666&^m.Umask))}
	if m.Umask&0o002 == 0 {
		f.State, f.Matters = Fails, true
		f.Hint = "every account of this machine can change what is downloaded: umask 022, or 077"
	}
	s.add(f)
}

func (m Machine) drives(s *Subject) {
	for _, name := range slices.Sorted(maps.Keys(m.Drives)) {
		folder := m.Drives[name]
		shown := name
		if len(name) == 1 {
			shown += ":"
		}
		info, err := os.Stat(folder)
		if err == nil && !info.IsDir() {
			err = errors.New("no folder")
		}
		if err == nil {
			_, err = os.ReadDir(folder)
		}
		if err != nil {
			s.add(Finding{ID: "machine.drives", State: Fails, Matters: true, Detail: fmt.Sprintf("%s is %s: %v", shown, folder, err)})
			continue
		}
		f := Finding{ID: "machine.drives", State: Works, Detail: fmt.Sprintf("%s is %s", shown, folder)}
		if err := writable(folder); err != nil {
			f.State, f.Detail = Note, fmt.Sprintf("%s is %s, which this account cannot write to", shown, folder)
		}
		s.add(f)
	}
}

// proxies tells of variables that other programs obey and sftpc does not.
func (m Machine) proxies(s *Subject) {
	var set []string
	for _, name := range []string{"ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY", "ftp_proxy"} {
		if value, found := m.Getenv(name); found && value != "" {
			set = append(set, name)
		}
	}
	if len(set) == 0 {
		return
	}
	s.add(Finding{ID: "machine.proxy", State: Note, Detail: strings.Join(set, ", ") + ": not obeyed",
		Hint: fmt.Sprintf(`SETPROXY(GETENV("%s")) obeys it`, set[0])})
}
