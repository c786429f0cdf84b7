package builtins

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/sftpc/sftpc/netio/session"
)

// Options say what a Host lets its scripts touch. The zero value can compute and
// PRINT and nothing else. A Host is one trust domain; make one for each tenant.
type Options struct {
	// Root is a folder in which all local paths without a drive lie: a script's
	// /a/b is Root/a/b, and nothing leads out of it. "" with System false: no
	// local files but on Drives.
	Root string
	// System lets local paths without a drive mean this system's own; Root must
	// be empty. The command sets it.
	System bool
	// WorkDir is the local directory a run starts in: absolute when System is
	// set, else taken below Root; "" is Root itself.
	WorkDir string
	// Drives maps what a script writes before a path to folders: "C" for C:, and
	// `\\server\share`. Letters and shares in any case.
	Drives map[string]string

	// Hosts are the hosts a script may connect to, as "name:port", "name" (any
	// port) or "*" (any host), a proxy among them. Empty: none.
	Hosts []string
	// HostMap sends OPENHOST of a name to another address: "name" or "name:port"
	// to "address" or "address:port". Names in any case.
	HostMap map[string]string
	// Dial makes TCP connections; nil is the system's dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// WeakestTrust bounds what a script may choose by SETTRUST: what is weaker is
	// denied. The zero value leaves it STRICT only; TrustAny leaves it everything.
	WeakestTrust session.TrustLevel
	// KnownHosts are files of host keys in OpenSSH's form, absolute; all are read,
	// and a key that is recorded goes into the first. KnownCertificates is the file
	// in which certificates are recorded. None: only pins are believed, and for
	// certificates the system's authorities.
	KnownHosts        []string
	KnownCertificates string
	// SSH names what this machine's user has for logins over SSH, and Agent connects
	// to the SSH agent. Scripts use both without naming them: leave them empty where
	// scripts are not the user's own.
	SSH   session.SSHFiles
	Agent func(ctx context.Context) (net.Conn, error)
	// StateDir is the folder in which is kept what was learned of servers, for the
	// next run; absolute. "" is none. It may be lost without harm.
	StateDir string
	// Pretended is for runs whose Dial leads every host somewhere harmless, such as
	// rehearsals: servers are believed whatever SETTRUST and SETHOSTKEY say.
	Pretended bool

	// NoProxy leaves the proxy out that SETPROXY names: for runs whose Dial leads
	// somewhere else anyway, such as rehearsals. Active mode is refused all the same.
	NoProxy bool

	// Exec is what EXEC may do.
	Exec ExecPolicy
	// Environ looks an environment variable up; nil: there are none.
	Environ func(name string) (value string, found bool)
	// ExecEnviron is the environment of EXEC's programs, "NAME=value".
	ExecEnviron []string

	// Secret is what GETSECRET asks: the value of a secret, or an error that does not
	// tell it. It may be called several times for one name. nil: there are none.
	Secret func(ctx context.Context, name string) (string, error)

	// Now is the clock; nil is time.Now. Zone is the zone of date texts; nil is UTC.
	Now  func() time.Time
	Zone *time.Location
	// Pause waits for d before something is tried again, and returns the context's
	// cause if that ends first; nil waits by the system's clock.
	Pause func(ctx context.Context, d time.Duration) error

	// DryRun makes runs change nothing: they connect, read and list, and tell what they
	// would change. Scripts may ask for it too. What would be written lies below the
	// folder Scratch until the run ends; "" lets no run be dry.
	DryRun  bool
	Scratch string
	// SpeedLimit is how many bytes of files a run may move a second, both ways together
	// and whatever SETSPEED says; 0 is any number.
	SpeedLimit int64
	// Settings give first values by the setting's name: "upload-mode": "ATOMIC".
	// A value is what stands between the command's brackets; several calls are
	// separated by semicolons: "timeout": "5, CONNECT; 30, IDLE".
	Settings map[string]string
	// StopOnError begins runs as ONERROR STOP does.
	StopOnError bool
	// FailOn says which failures of commands Result.Status tells.
	FailOn FailOn
	// Strict makes arithmetic on a text that is no number a runtime error.
	Strict bool
	// Umask is taken off 0666 and 0777 for new local files and folders.
	Umask uint32
	// Fuel bounds the work of a run in the machine's units; 0 is no bound.
	Fuel int64
	// MaxText bounds the bytes of text a run may create; 0 is no bound.
	MaxText int64
}

// FailOn says which failures of commands make the status of a run other than 0. Runtime
// errors and EXIT do in any case.
type FailOn uint8

const (
	FailOnUnlooked FailOn = iota // those that nothing looked at or caught
	FailOnAny                    // all, those that the script dealt with too
	FailOnNone                   // none
)

// ExecPolicy is what EXEC may do.
type ExecPolicy uint8

const (
	ExecNone  ExecPolicy = iota // nothing: DENIED
	ExecFiles                   // only the file commands that the runner carries out itself (del, copy, …)
	ExecAll                     // these and, for anything else, the shell or the named program
)

// Job is one run of a program.
type Job struct {
	Args   []string  // GETPARAM(1) …
	Script string    // GETPARAM(0); "" takes the program's name
	Stdout io.Writer // what PRINT writes; nil discards
	// Events is called in order, from one goroutine at a time; nil discards.
	Events func(Event)
	// Flush is called before anything that may take long or write elsewhere, so
	// that Stdout and Events merge in program order; nil does nothing.
	Flush func()
}

// Result is how a run ended.
type Result struct {
	// Status as spec/results.md says: 0, 1, 75, 124, 126, or what EXIT said.
	Status  int
	Summary Summary
	// Failures are those that nothing looked at, in order, at most 1,000.
	Failures []*Failure
	// Err is the runtime error that ended the script, nil if none did.
	Err error
}
