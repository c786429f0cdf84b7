package session

import (
	"context"
	"io"
	"os"
	"time"
)

// Session is one logged-in connection to a server. It is not safe for
// concurrent use: one command or one transfer at a time. Every method ends with
// its context or with the time-outs of its Settings, and every error it returns
// is an *Error.
//
// Remote names are the server's own bytes. A relative name is taken by the
// server in its current directory; names never carry CR, LF or NUL (BadArgument).
type Session interface {
	// Caps answers what this protocol and this server can do, as far as known
	// without asking again.
	Caps() Caps

	// CurrentDir asks the server for its current directory.
	CurrentDir(ctx context.Context) (string, error)
	// ChangeDir makes dir the server's current directory.
	ChangeDir(ctx context.Context, dir string) error
	MakeDir(ctx context.Context, dir string) error
	RemoveDir(ctx context.Context, dir string) error

	// List reads the directory dir ("" for the current one). A listing that
	// could not be read whole is an error, never a shorter listing. Lines that
	// were read but not understood are counted in Listing.Unknown.
	List(ctx context.Context, dir string) (Listing, error)
	// Stat asks for one name. It returns NoSuchRemoteFile only where the server
	// said so; a server that cannot tell gives NotSupported.
	Stat(ctx context.Context, name string) (Entry, error)

	// Download copies the bytes of name, from offset on, to w and returns how
	// many arrived. A nil error means that the server confirmed the end of the
	// transfer. When ctx ends the transfer is aborted and the session stays usable
	// if the server answers within the reply time-out.
	Download(ctx context.Context, name string, offset int64, w io.Writer) (int64, error)
	// Upload sends r's bytes as name in the way that mode says and returns how
	// many were handed to the network, or confirmed where the protocol confirms
	// them (Caps.Overlap is not 0). A nil error means that the server confirmed
	// the end of the transfer; an error of r itself aborts the transfer (the server
	// must not take a cut upload for a whole one) and is wrapped.
	Upload(ctx context.Context, name string, mode StoreMode, r io.Reader) (int64, error)

	// UploadFrom goes on with an upload that was cut: r's bytes replace those of
	// name from offset on, which is not beyond its end; what lay behind is gone. It
	// is otherwise as Upload. NotSupported is the error where the server cannot.
	UploadFrom(ctx context.Context, name string, offset int64, r io.Reader) (int64, error)

	Remove(ctx context.Context, name string) error
	Rename(ctx context.Context, from, to string) error
	// Chmod sets the permission bits of name; mode is 0 to 07777.
	Chmod(ctx context.Context, name string, mode uint32) error
	// SetModTime sets the modification time of name, in UTC.
	SetModTime(ctx context.Context, name string, t time.Time) error

	// SetType says how the bytes of the following transfers are represented.
	SetType(ctx context.Context, t Type) error
	// Raw sends one command line and returns the server's reply, whatever its
	// code; the error is for replies that did not come. Lines that would change
	// session or data-connection state are refused with Denied.
	Raw(ctx context.Context, line string) (Reply, error)
	// LastReply is the newest reply of the control connection; zero before any.
	LastReply() Reply

	// Close says good-bye and closes the sockets. It never blocks longer than
	// the reply time-out and may be called more than once.
	Close(ctx context.Context) error
}

// StoreMode is how an upload treats the name on the server.
type StoreMode uint8

const (
	StoreReplace StoreMode = iota // STOR: in place, what was there is replaced
	StoreAppend                   // APPE
	StoreUnique                   // STOU: the server chooses the name
)

// Type is the representation type of transfers (RFC 959, 3.1.1).
type Type uint8

const (
	TypeBinary Type = iota // TYPE I
	TypeASCII              // TYPE A
	TypeEBCDIC             // TYPE E
)

// EntryKind is what a name in a listing stands for.
type EntryKind uint8

const (
	KindFile EntryKind = iota
	KindDir
	KindLink  // a symbolic link; Target is set where the server told it
	KindOther // device, pipe, socket
)

// Entry is one name of a directory on the server.
type Entry struct {
	Name  string // one component, the server's bytes; or the asked name for Stat
	Kind  EntryKind
	Size  int64     // bytes; -1 if the server did not say
	Time  time.Time // UTC; zero if the server did not say
	Exact bool      // Time is UTC to the second (MLSD, MDTM), not guessed from LIST
	// Grain is how finely a Time that is not Exact was told: a second, a minute, a
	// day. It is 0 where Exact, and where there is no Time.
	Grain   time.Duration
	Target  string // for KindLink
	Mode    uint32 // permission bits where known, with HasMode
	HasMode bool
}

// Listing is a directory as the server told it, in the server's order, without
// "." and "..".
type Listing struct {
	Entries []Entry
	// Unknown counts lines that were not understood. A listing with any is not
	// whole: nothing may be deleted on its strength.
	Unknown int
	// Samples holds up to five of the lines not understood, for messages.
	Samples []string
	// Hostile counts names that were left out because they are not one safe
	// component (a separator, NUL, CR, LF, "..", over 255 bytes); HostileSamples
	// holds up to five of them.
	Hostile        int
	HostileSamples []string
	// Undecodable says how many of the hostile names are not written in
	// Endpoint.Encoding.
	Undecodable int
	// Source is "MLSD" or "LIST".
	Source string
	// Dialect is how a LIST was written: "Unix", "DOS", "VMS", "z/OS", "IBM i" and
	// others; "" where nothing of it was understood, and for MLSD.
	Dialect string
}

// Caps are answers to questions about a server; a caller asks these and never
// which protocol it is.
type Caps struct {
	DataConnections bool // active and passive mode mean something here
	ExactTimes      bool // times come in UTC to the second
	SetTimes        bool
	Chmod           bool
	Resume          bool // REST or its like
	// Overlap is how many bytes before the end of a file whose upload was cut may be
	// missing although later ones are there: a resumed upload begins so far before
	// the end, or where Upload said that the server had confirmed. 0 where bytes
	// arrive in order.
	Overlap int64
	// Abreast is how many commands may be under way at a time over the one connection,
	// for a session that is a Sharer; 0 is one.
	Abreast int
	// Packets are the bounds that a server of SFTP names for itself.
	Packets     PacketLimits
	RawCommands bool
	BytesOnly   bool              // bytes go over as they are; there are no types to choose from
	Features    map[string]string // FEAT names in capitals and their arguments
	Greeting    string
}

// PacketLimits are what a server of SFTP takes at most, as its extension
// limits@openssh.com tells; 0 is what it does not say.
type PacketLimits struct {
	Packet  uint64 // bytes of a packet
	Read    uint64 // bytes of one READ
	Write   uint64 // bytes of one WRITE
	Handles uint64 // files and directories that are open at a time
}

// Reply is one answer of the control connection.
type Reply struct {
	Code int    // three digits; 0 where the protocol has none
	Text string // all lines without the code of the first and last, joined by LF; the server's bytes
}

// FastFile may be implemented by the reader given to Upload or the writer given
// to Download to keep the system's fast path (sendfile, splice): the session
// moves bytes between the socket and File at its current offset, in pieces, and
// calls Moved after each instead of Read or Write. A plain *os.File takes the
// same path without being told of progress. The fast path is not taken where
// bytes must be changed on the way (TypeASCII) or the connection is not plain
// TCP; then File itself is read or written, and Moved is called all the same.
type FastFile interface {
	// File is the local end. The caller keeps it open until the transfer returns
	// and closes it.
	File() *os.File
	// Moved is told how many more bytes went through, on the goroutine that called
	// Upload or Download, at least twice a second while bytes flow. It may sleep to
	// slow the transfer down, within the idle time-out.
	Moved(n int64)
}

// Paced may be implemented by a FastFile whose Moved slows the transfer down. No more
// than MostAtOnce bytes are moved, or asked of the server, between two calls of Moved; 0
// is any number. It is asked again for each piece, and is a request: what protocols
// cannot cut so small is moved in pieces as small as they can.
type Paced interface {
	MostAtOnce() int64
}

// Sized may be implemented by the writer given to Download by who has been told how long
// the file is: a session may then ask for all of it at once.
type Sized interface {
	// Expected is that size in bytes; -1 where it is not known. The file may be another
	// one by now.
	Expected() int64
}

// Hasher is implemented by sessions that can ask the server for the hash of a
// file.
type Hasher interface {
	// Hash asks for one of the algorithms, in capitals as in SHA256, SHA1, MD5 and
	// CRC32, the first that the server has. The sum is the hash's bytes.
	// NotSupported is the error where it has none of them.
	Hash(ctx context.Context, name string, algorithms []string) (algorithm string, sum []byte, err error)
}

// Replacer is implemented by sessions that can rename onto a name that exists, in
// one step.
type Replacer interface {
	// Replace is Rename, and a file at to is replaced. NotSupported is the error where
	// this server cannot, or is remembered not to; nothing has been changed then, and
	// what the server said, if it was asked, is the *Error below it.
	Replace(ctx context.Context, from, to string) error
}

// UniqueNamer is implemented by sessions that can tell which name the server chose
// for an upload with StoreUnique.
type UniqueNamer interface {
	// StoredName is the name of the newest such upload, as the server told it: in the
	// current directory unless it holds a path; "" where the server did not tell.
	StoredName() string
}

// Glancer is implemented by sessions whose Stat may have to read a listing.
type Glancer interface {
	// Glance is Stat without a listing, for questions that are not worth one: found is
	// false where there is no such name, and where only a listing would tell.
	Glance(ctx context.Context, name string) (entry Entry, found bool, err error)
}

// Glance asks a session that may be a Glancer, and by Stat one that is not.
func Glance(ctx context.Context, s Session, name string) (entry Entry, found bool, err error) {
	if glancer, ok := s.(Glancer); ok {
		return glancer.Glance(ctx, name)
	}
	entry, err = s.Stat(ctx, name)
	if CauseOf(err) == NoSuchRemoteFile {
		return Entry{}, false, nil
	}
	return entry, err == nil, err
}

// Aspect is one thing that may be asked of a file.
type Aspect uint8

const (
	AspectSize Aspect = iota
	AspectTime
)

// Picker is implemented by sessions in whose protocol size and time are two questions.
type Picker interface {
	// Pick is Stat where only one aspect of a file is of use: what the entry says besides
	// may be missing.
	Pick(ctx context.Context, name string, a Aspect) (Entry, error)
}

// Pick asks a session that may be a Picker, and by Stat one that is not.
func Pick(ctx context.Context, s Session, name string, a Aspect) (Entry, error) {
	if picker, ok := s.(Picker); ok {
		return picker.Pick(ctx, name, a)
	}
	return s.Stat(ctx, name)
}

// Dater is implemented by sessions whose listings may tell times in a zone that the
// server does not name.
type Dater interface {
	// Dated returns the listing of dir, which this session has read, with its times in
	// UTC as far as the server lets that be found out, at the price of one command in
	// a session. Ask it where times are compared with others than those of the same
	// listing.
	Dated(ctx context.Context, dir string, l Listing) (Listing, error)
}

// Sharer is implemented by sessions whose connection carries several commands at once.
type Sharer interface {
	// Share is another session over the same connection, in the same current directory,
	// with the time-outs, features and functions of settings. It costs no round trip, and
	// is a session like any other: for one command at a time, and closed by who asked for
	// it. Closing it leaves the connection alone; closing the session that was dialled
	// ends it for all, with ConnectionLost. Share may be called from any goroutine, also
	// during a command. NotSupported is the error where the connection carries one only.
	Share(settings Settings) (Session, error)
}

// Adjuster is implemented by sessions whose time-outs and features can change
// in mid-session.
type Adjuster interface {
	// Adjust takes the Timeouts, Features and Connections of s for the following commands.
	// The rest of s is ignored. Not to be called during a command.
	Adjust(s Settings)
}
