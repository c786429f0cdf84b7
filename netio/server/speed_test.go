package server_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/sftpc/sftpc/netio/server"
)

// Both directions over loopback; the figure to look at is the bytes a second.
func BenchmarkTransfers(b *testing.B) {
	const size = 256 << 20
	address, _ := start(b, func(o *server.Options) { o.SkipSync = true })
	c := login(b, address)
	c.conn.SetDeadline(time.Time{})
	data := bytes.Repeat([]byte{'x'}, size)
	b.Run("upload", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			open := c.passive("EPSV", 229)
			c.want("STOR f", "150")
			conn := open()
			if _, err := conn.Write(data); err != nil {
				b.Fatal(err)
			}
			conn.Close()
			c.expect("226")
		}
	})
	b.Run("download", func(b *testing.B) {
		b.SetBytes(size)
		buffer := make([]byte, 1<<20)
		for b.Loop() {
			open := c.passive("EPSV", 229)
			c.want("RETR f", "150")
			n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{open()}, buffer)
			if err != nil || n != size {
				b.Fatalf("%d bytes, %v", n, err)
			}
			c.expect("226")
		}
	})
}
