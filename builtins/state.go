package builtins

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/netio"
	"github.com/sftpc/sftpc/netio/engine"
	"github.com/sftpc/sftpc/netio/session"
)

// State is everything that one run of a program holds: the connection, what the
// SET commands said, both current directories, the last failure, the counters.
// Host.Run makes one and closes it in every case. Only the machine's goroutine
// uses it, but for dataMode and tellWire, which a session may call from others.
type State struct {
	options Options
	job     Job

	session  session.Session  // nil: no connection
	endpoint session.Endpoint // what session was made from; kept after CLOSEHOST for messages
	settings settings
	// inPlace: this server does not let us rename, so that ATOMIC is done in place.
	inPlace *atomic.Bool
	// bytesTold: the script has heard that SETTYPE has no effect on this connection.
	bytesTold bool
	// sizesUntold says that this server did not tell the size of a file of a listing
	// when it was asked for that file.
	sizesUntold *atomic.Bool
	// crewed: it is one of several at work on the connections of a crew.
	crewed bool
	// crowded: data connections were refused while there were others, and the server may
	// need a moment to see that those are gone.
	crowded bool
	// mostConnections is how many connections at a time the server was found to grant;
	// 0 is not known.
	mostConnections int
	// remoteDir is the server's current directory as it last said; "" asks again.
	remoteDir string

	exclusions exclusions
	last       lastSet
	dry        dryRun
	// debts are what was begun on servers and with sources, and is to be brought to its end.
	debts *engine.Ledger
	// foldersMade are those on the server that a command has made sure of.
	foldersMade map[string]bool

	// files are the local files; here is the current local directory, which
	// LOCALCHDIR sets and the process never follows.
	files *netio.LocalFS
	here  netio.LocalPath

	// localAstray and remoteAstray are the brakes against the wrong directory:
	// a change on that side failed and nothing looked at it.
	localAstray, remoteAstray bool

	// exitStatus is what EXIT said; nil if the script ended otherwise.
	exitStatus *int

	lastFailure *Failure
	// lastReply is the newest reply of a connection that is closed; while there
	// is one, the session is asked.
	lastReply session.Reply

	speed   *speedLimit                      // of all transfers on all connections
	results map[session.Cause]catalog.Result // nil before the first failure
	masks   masker
	voice   voice
	tally   tally
	args    arguments                 // of the running command; reused from call to call
	regexps map[string]*regexp.Regexp // TEXTMATCH's, by their text
}

// settings are the values behind the SET commands, plain but for the data mode.
type settings struct {
	protocol session.Protocol // next OPENHOST
	port     int              // next OPENHOST; 0 is the protocol's own
	proxy    string           // next OPENHOST; a URL, "" is none
	encoding string           // next OPENHOST; of remote names, "" is as the server says
	timeouts session.Timeouts // next command
	features map[string]session.Feature
	belief   belief // next OPENHOST
	proof    proof  // next OPENHOST
	// what was said of certificates: next OPENHOST
	certificates certificates
	kind         session.Type  // SETTYPE
	upload       uploadMode    // SETUPLOADMODE
	verify       verifyMode    // SETVERIFY
	retry        retrying      // SETRETRY
	filter       filter        // SETFILTER
	stable       time.Duration // SETSTABLE; 0 is off
	clock        clockSetting  // SETCLOCKDIFF
	deletions    deletions     // SETDELETELIMIT
	after        afterwards    // SETAFTER
	backup       string        // SETBACKUP; "" is none
	parallel     int           // SETPARALLEL; 0 is each command's own

	mode *sharedMode // next data connection
}

// sharedMode is the data mode, which sessions ask for on goroutines of their own.
type sharedMode struct {
	lock sync.Mutex
	mode session.DataMode
}

// exclusions are the patterns of ADDEXCLUSION as the script wrote them, in order.
type exclusions struct {
	local  []string // keep out of uploads
	remote []string // keep out of downloads
}

// tally counts for the closing line and the exit status.
type tally struct {
	started  time.Time
	commands int
	failed   int
	handled  int
	bytes    int64
	failures []*Failure // unlooked, at most mostFailures
	// The lines of failures, each list at most mostFailures, an endless loop's line
	// many times.
	unlookedLines, failedLines []int
	// What the exit status is made of.
	unlooked, all kinds
}

// kinds counts failures by what they say about a rerun.
type kinds struct{ count, passing, following, denied int }

// mostFailures bounds what a script that fails in an endless loop can make us hold.
const mostFailures = 1000

func newState(options Options, job Job) (*State, error) {
	files, err := netio.OpenLocal(options.local())
	if err != nil {
		return nil, err
	}
	s := &State{options: options, job: job, files: files, here: files.Start(), inPlace: new(atomic.Bool), sizesUntold: new(atomic.Bool), debts: engine.OpenLedger(options.StateDir)}
	s.settings.mode = &sharedMode{}
	s.settings.features = make(map[string]session.Feature)
	s.settings.timeouts = session.Timeouts{}.WithDefaults()
	s.settings.retry = retrying{times: 3, wait: 2 * time.Second}
	s.speed = &speedLimit{pause: s.pause}
	s.limitSpeed(0)
	s.voice.state = s
	s.tally.started = s.now()
	s.args.state = s
	return s, nil
}

// local is what Options say of local files, in netio's terms.
func (o *Options) local() netio.LocalOptions {
	return netio.LocalOptions{Root: o.Root, SystemPaths: o.System, WorkDir: o.WorkDir, Drives: o.Drives, Umask: o.Umask}
}

// localPath resolves what a script wrote in the current local directory.
func (s *State) localPath(written string) (netio.LocalPath, error) {
	return s.files.Resolve(s.here, written)
}

// dataMode is what a session asks before each data connection.
func (s *State) dataMode() session.DataMode {
	m := s.settings.mode
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.mode
}

// changeDataMode lets change edit the mode of the next data connection.
func (s *State) changeDataMode(change func(*session.DataMode)) {
	m := s.settings.mode
	m.lock.Lock()
	defer m.lock.Unlock()
	change(&m.mode)
}

// sessionSettings are the plain values that a new session is made with.
func (s *State) sessionSettings() session.Settings {
	return session.Settings{
		Timeouts:    s.settings.timeouts,
		Features:    s.settings.features,
		DataMode:    s.dataMode,
		Observe:     s.tellWire,
		Dial:        s.options.Dial,
		Direct:      s.options.NoProxy,
		Permit:      s.permit,
		Connections: s.connections(),
		Zone:        s.zone(),
	}
}

// remember gives a session what is known of its server, and keeps what it learns.
func (s *State) remember(e session.Endpoint, settings *session.Settings) {
	if s.options.StateDir == "" || s.dry.on {
		return
	}
	records := netio.OpenRecords(s.options.StateDir, s.options.Now)
	if known := records.Recall(e); !known.IsZero() {
		settings.Known = known
	}
	settings.Learned = func(facts session.Facts) {
		if err := records.Keep(e, facts); err != nil {
			s.tellVerbose("what was learned of the server is not kept: %v", err)
		}
	}
}

// disconnect closes the session, if there is one, and keeps its last reply.
func (s *State) disconnect(ctx context.Context) error {
	if s.session == nil {
		return nil
	}
	err := s.session.Close(ctx)
	s.lastReply = s.session.LastReply()
	s.session = nil
	return err
}

// close ends everything that the run holds. ctx bounds the good-bye.
func (s *State) close(ctx context.Context) error {
	_ = s.debts.Close() // what is not kept costs a transfer, or leaves a file, and no run more
	return errors.Join(s.disconnect(ctx), s.voice.close(), s.files.Close())
}

func (s *State) now() time.Time {
	if s.options.Now == nil {
		return time.Now()
	}
	return s.options.Now()
}

// zone is the zone of date texts.
func (s *State) zone() *time.Location {
	if s.options.Zone == nil {
		return time.UTC
	}
	return s.options.Zone
}

// countBytes adds file bytes moved to the summary.
func (s *State) countBytes(n int64) { s.tally.bytes += n }
