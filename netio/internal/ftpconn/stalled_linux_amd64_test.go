package ftpconn

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sftpc/sftpc/netio/session"
)

// Not every file can be sent by sendfile, and then the system's package copies
// through a buffer. A server that stands still while such a buffer is half sent
// must not lose the other half: a hole in the middle of a file that all sizes
// agree on would be told by nobody.
func TestUpload_StalledWithoutSendfile(t *testing.T) {
	const size = 16 << 20
	// Below 2 GiB: as an offset, a higher address is one that sendfile has an
	// opinion of.
	length := uintptr(size + os.Getpagesize())
	start, err := unix.MmapPtr(-1, 0, nil, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_32BIT)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.MunmapPtr(start, length)
	region := unsafe.Slice((*byte)(start), length)
	want := region[:size]
	for i := 0; i < size; i += 8 {
		binary.BigEndian.PutUint64(want[i:], uint64(i))
	}
	// Reading past the end fails, so that the upload ends there.
	if err := unix.Mprotect(region[size:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	memory, err := os.Open("/proc/self/mem") // a file that sendfile refuses
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	if _, err := memory.Seek(int64(uintptr(start)), io.SeekStart); err != nil {
		t.Fatal(err)
	}

	server := newFake(t)
	got := make(chan []byte, 1)
	server.on["STOR"] = func(c *fakeConn, _ string) {
		c.transfer(func(conn net.Conn) {
			time.Sleep(3 * pieceTime)
			data, _ := io.ReadAll(conn)
			got <- data
		})
	}
	client := server.connect(session.Settings{})
	source := &progress{file: memory}
	client.Upload(context.Background(), "f", session.StoreReplace, source)
	arrived := <-got
	if n := min(len(arrived), size); n == 0 || !bytes.Equal(arrived[:n], want[:n]) {
		at := 0
		for at < n && arrived[at] == want[at] {
			at++
		}
		t.Errorf("of %d bytes that arrived those from %d on are others than were sent", len(arrived), at)
	}
}
