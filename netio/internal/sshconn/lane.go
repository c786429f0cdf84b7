package sshconn

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/sftpc/sftpc/netio/session"
)

// depth is how many requests of a transfer are under way on one lane, and piece
// how many bytes each moves. Together they are the window of a channel, 2 MiB on
// both sides of it in OpenSSH and in x/crypto: more would wait for the window.
const (
	depth       = 64
	pieceLength = 32 << 10
	// nearPiece is how long a piece may be where the server takes that and is near:
	// fewer requests cost less than they do where TCP begins slowly.
	nearPiece = 255 << 10
)

// lane is one channel of the connection with an SFTP server behind it.
type lane struct {
	wire    *wire
	library *sftp.Client
	fresh   bool // of a connection beside that of the main lane
}

// openLane opens a channel and starts SFTP on it. It waits for the server, for as
// long as the connection lives. ask insists on the server's word that it has SFTP,
// which takes a round trip more: where it has it once it has it again.
func openLane(connection *ssh.Client, ask bool) (*lane, error) {
	channel, requests, err := connection.OpenChannel("session", nil)
	if err != nil {
		return nil, err
	}
	go answerRequests(requests)
	ok, err := channel.SendRequest("subsystem", ask, ssh.Marshal(struct{ Name string }{"sftp"}))
	if err == nil && ask && !ok {
		err = errNoSubsystem
	}
	if err != nil {
		go channel.Close()
		return nil, err
	}
	go io.Copy(io.Discard, channel.Stderr())
	return startLane(channel)
}

var errNoSubsystem = errors.New("the server does not offer SFTP")

// answerRequests refuses what a server asks on a channel: exit-status and its
// kin need no answer, and there is nothing else.
func answerRequests(requests <-chan *ssh.Request) {
	for request := range requests {
		if request.WantReply {
			request.Reply(false, nil)
		}
	}
}

// startLane shakes hands with the SFTP server.
func startLane(channel io.ReadWriteCloser) (*lane, error) {
	w := newWire(channel)
	library, err := sftp.NewClientPipe(w, w)
	if err != nil {
		if why := w.why(); why != nil && why != errClosed {
			err = why
		}
		w.fail(err)
		var known *session.Error
		if !errors.As(err, &known) && !errors.Is(err, errChannelEnded) && !errors.Is(err, io.ErrUnexpectedEOF) && strings.Contains(err.Error(), "version") {
			err = fault(session.ProtocolError, err)
		}
		return nil, err
	}
	return &lane{wire: w, library: library}, nil
}

// has tells whether the server named the extension when the lane began.
func (l *lane) has(extension string) bool {
	_, ok := l.library.HasExtension(extension)
	return ok
}

// request asks one thing and waits for the answer, for as long as the wire lives.
// The error is for an answer that did not come, or that is none.
func (l *lane) request(kind byte, fields []byte) (answer, error) {
	done := make(chan answer, 1)
	l.wire.ask(&question{done: done}, kind, fields, nil)
	a := <-done
	return a, a.err
}

// expect asks one thing whose answer is of the kind want; a status is the error
// otherwise, or none where it says OK and want is fxStatus.
func (l *lane) expect(want, kind byte, fields []byte) ([]byte, error) {
	a, err := l.request(kind, fields)
	if err != nil {
		return nil, err
	}
	return a.expect(want)
}

func (a answer) expect(want byte) ([]byte, error) {
	switch {
	case a.err != nil:
		return nil, a.err
	case a.kind == fxStatus:
		said, err := readStatus(a.body)
		switch {
		case err != nil:
			return nil, nonsense("a status that cannot be read: %v", err)
		case said.code == 0 && want == fxStatus:
			return nil, nil
		case said.code == 0:
			return nil, nonsense("OK where something was asked for")
		}
		return nil, said
	case a.kind != want:
		return nil, nonsense("a packet of kind %d where %d was due", a.kind, want)
	}
	return a.body, nil
}

// mostHandle is what a handle may be long (draft-ietf-secsh-filexfer-02, 6.3).
const mostHandle = 256

// handle is an open file or directory.
type handle struct {
	lane *lane
	name []byte // with its length in front, as requests have it
}

func (l *lane) open(name string, flags uint32) (handle, error) {
	fields := appendNumber(appendNumber(appendText(nil, name), flags), 0)
	return l.handle(l.expect(fxHandle, fxOpen, fields))
}

func (l *lane) openDir(name string) (handle, error) {
	return l.handle(l.expect(fxHandle, fxOpendir, appendText(nil, name)))
}

func (l *lane) handle(body []byte, err error) (handle, error) {
	if err != nil {
		return handle{}, err
	}
	f := fields{rest: body}
	name := f.text()
	if f.err != nil || len(name) > mostHandle {
		return handle{}, nonsense("a handle that cannot be read")
	}
	return handle{l, append(binary.BigEndian.AppendUint32(nil, uint32(len(name))), name...)}, nil
}

func (h handle) close() error {
	_, err := h.lane.expect(fxStatus, fxClose, h.name)
	return err
}

// forget closes without waiting: of a file that was only read nothing can be lost.
func (h handle) forget() { h.lane.wire.ask(&question{}, fxClose, h.name, nil) }

func (h handle) attributes() (attributes, error) {
	return readAttributes(h.lane.expect(fxAttrs, fxFstat, h.name))
}

func readAttributes(body []byte, err error) (attributes, error) {
	if err != nil {
		return attributes{}, err
	}
	f := fields{rest: body}
	a := f.attributes()
	if f.err != nil {
		return attributes{}, nonsense("attributes that cannot be read")
	}
	return a, nil
}

func (h handle) truncate(size int64) error {
	fields := appendLong(appendNumber(append([]byte(nil), h.name...), hasSize), uint64(size))
	_, err := h.lane.expect(fxStatus, fxFsetstat, fields)
	return err
}

// extended sends an extended request.
func (l *lane) extended(want byte, name string, fields []byte) ([]byte, error) {
	return l.expect(want, fxExtended, append(appendText(nil, name), fields...))
}

// questions are what a session asks of its server at the beginning.
type questions struct {
	answered     chan struct{} // closed when the rest is there to be read
	home, limits answer
	took         time.Duration // until the first answer
}

// introduce asks, and does not wait.
func (l *lane) introduce() *questions {
	q := &questions{answered: make(chan struct{})}
	began := time.Now()
	home, limits := make(chan answer, 1), make(chan answer, 1)
	l.wire.ask(&question{done: home}, fxRealpath, appendText(nil, "."), nil)
	if l.has("limits@openssh.com") {
		l.wire.ask(&question{done: limits}, fxExtended, appendText(nil, "limits@openssh.com"), nil)
	} else {
		limits <- answer{}
	}
	go func() {
		q.home = <-home
		q.took = time.Since(began)
		q.limits = <-limits
		close(q.answered)
	}()
	return q
}

// readPath is the one name of an answer to REALPATH.
func readPath(body []byte, err error) (string, error) {
	if err != nil {
		return "", err
	}
	f := fields{rest: body}
	count := f.number()
	path := string(f.text())
	if f.err != nil || count != 1 {
		return "", nonsense("%d names where one path was due", count)
	}
	return path, checkPath(path)
}

// readLimits is what a server takes at most; zero is what it does not say.
func readLimits(a answer) session.PacketLimits {
	if a.kind != fxReply {
		return session.PacketLimits{}
	}
	f := fields{rest: a.body}
	most := session.PacketLimits{Packet: f.long(), Read: f.long(), Write: f.long(), Handles: f.long()}
	if f.err != nil {
		return session.PacketLimits{}
	}
	return most
}
