package sftpserver

import (
	"encoding/binary"
	"slices"

	"github.com/pkg/sftp"

	"github.com/sftpc/sftpc/netio/server/wire"
)

// extensions are what the server has beyond version 3, and what it says of each. The
// library would announce what it knows the names of, whether or not it is there.
func (s *Server) extensions() [][2]string {
	all := [][2]string{
		{"posix-rename@openssh.com", "1"}, {"statvfs@openssh.com", "2"}, {"fsync@openssh.com", "1"}, {"limits@openssh.com", "1"},
	}
	return slices.DeleteFunc(all, func(e [2]string) bool {
		return slices.Contains(s.options.DisabledExtensions, e[0]) || e[0] == "statvfs@openssh.com" && s.options.Space == nil && !knowsSpace
	})
}

func (s *Server) has(extension string) bool {
	return slices.ContainsFunc(s.extensions(), func(e [2]string) bool { return e[0] == extension })
}

// version answers INIT.
func (s *Server) version() []byte {
	body := binary.BigEndian.AppendUint32(nil, 3)
	for _, e := range s.extensions() {
		body = wire.AppendText(wire.AppendText(body, e[0]), e[1])
	}
	return wire.Framed(2, nil, body)
}

const (
	// mostRead is what one READ is answered with at most: the library's own bound.
	mostRead = 32 << 10
	// mostWrite is what fits into a packet, with room for a handle.
	mostWrite = wire.Most - 1024
)

// limits answers limits@openssh.com.
func (s *Server) limits(request []byte) []byte {
	var body []byte
	for _, n := range []int{wire.Most, mostRead, mostWrite, s.options.MaxHandles} {
		body = binary.BigEndian.AppendUint64(body, uint64(n))
	}
	return wire.Framed(201, request[5:9], body)
}

// toSync is set in the flags of an FSETSTAT to have a file flushed to the disk: the
// library has no fsync@openssh.com, but passes that on. Clients cannot set it.
const toSync = 0x40000000

// knownFlags are those of version 3.
const knownFlags = 0x8000000f

// asSync makes the FSETSTAT that stands for an fsync@openssh.com, whose handle is given.
func asSync(request []byte, handle string) []byte {
	body := binary.BigEndian.AppendUint32(wire.AppendText(nil, handle), toSync)
	return wire.Framed(10, request[5:9], body)
}

// cleanFlags takes flags off an FSETSTAT that no client has.
func cleanFlags(request []byte) {
	if _, rest := wire.Text(request[9:]); len(rest) >= 4 {
		binary.BigEndian.PutUint32(rest, binary.BigEndian.Uint32(rest)&knownFlags)
	}
}

// StatVFS tells what space there is, of the whole folder.
func (h *handlers) StatVFS(r *sftp.Request) (*sftp.StatVFS, error) {
	if !h.server.has("statvfs@openssh.com") {
		return nil, sftp.ErrSSHFxOpUnsupported
	}
	name, err := local(r.Filepath)
	if err == nil {
		_, err = h.root.Stat(name)
	}
	if err != nil {
		return nil, refusal(err)
	}
	const block = 512
	var free, total uint64
	if h.server.options.Space != nil {
		free, total = h.server.options.Space()
	} else if free, total, err = spaceOf(h.root); err != nil {
		return nil, refusal(err)
	}
	return &sftp.StatVFS{Bsize: block, Frsize: block, Blocks: total / block, Bfree: free / block, Bavail: free / block, Namemax: 255}, nil
}
