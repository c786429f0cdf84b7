package sshlogin

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/windows"
)

// DialAgent connects to the SSH agent behind a named pipe, as OpenSSH's service on
// Windows has it (\\.\pipe\openssh-ssh-agent), or behind a socket, as some agents of
// other makes have it.
//
// Nothing here has been run: it is built for Windows, and no machine of the project's
// tests has that system. What it relies on is documented: a handle that is opened for
// overlapped use is read, written, closed and given deadlines by package os.
func DialAgent(ctx context.Context, name string) (net.Conn, error) {
	slashed := strings.ReplaceAll(name, "/", `\`)
	if !strings.HasPrefix(strings.ToLower(slashed), `\\.\pipe\`) {
		return new(net.Dialer).DialContext(ctx, "unix", name)
	}
	path, err := windows.UTF16PtrFromString(slashed)
	if err != nil {
		return nil, err
	}
	for {
		// Whoever made the pipe must not act in our name: it learns who we are and no more.
		handle, err := windows.CreateFile(path, windows.GENERIC_READ|windows.GENERIC_WRITE, 0, nil, windows.OPEN_EXISTING,
			windows.FILE_FLAG_OVERLAPPED|windows.SECURITY_SQOS_PRESENT|windows.SECURITY_IDENTIFICATION, 0)
		if err == nil {
			return pipe{os.NewFile(uintptr(handle), slashed)}, nil
		}
		if !errors.Is(err, windows.ERROR_PIPE_BUSY) { // all of its ends are taken for a moment
			return nil, &os.PathError{Op: "open", Path: slashed, Err: err}
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// pipe is a named pipe as a connection.
type pipe struct{ *os.File }

func (p pipe) LocalAddr() net.Addr  { return pipeAddress(p.Name()) }
func (p pipe) RemoteAddr() net.Addr { return pipeAddress(p.Name()) }

type pipeAddress string

func (pipeAddress) Network() string  { return "pipe" }
func (a pipeAddress) String() string { return string(a) }
