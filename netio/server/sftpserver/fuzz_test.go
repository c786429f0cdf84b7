package sftpserver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"testing"

	"github.com/sftpc/sftpc/netio/server/fault"
	"github.com/sftpc/sftpc/netio/server/wire"
)

// sink takes what a filter answers by itself.
type sink struct{ io.Writer }

func (sink) Close() error { return nil }

// Whatever a client sends, the filter hands the library whole packets only, none of them
// longer than it came, and answers in whole packets.
func FuzzFilter(f *testing.F) {
	for _, packet := range [][]byte{
		wire.Framed(1, nil, number(3)),
		wire.Framed(3, number(1), append(str("/file"), append(number(flagWrite|flagCreate), number(0)...)...)),
		wire.Framed(10, number(2), append(str("1"), append(number(toSync|1), long(5)...)...)),
		wire.Framed(200, number(3), append(str("fsync@openssh.com"), str("1")...)),
		wire.Framed(200, number(4), str("limits@openssh.com")),
		wire.Framed(200, number(5), number(1<<31)),
		{0, 0, 0, 1, 1}, {0, 0, 0, 5, 3, 0, 0, 0, 1}, {0xff, 0xff, 0xff, 0xff},
	} {
		f.Add(packet, false)
		f.Add(packet, true)
	}
	f.Fuzz(func(t *testing.T, sent []byte, disturbed bool) {
		options := Options{}.withDefaults()
		if disturbed {
			options.Faults = fault.New(fault.Rule{Verb: fault.AnyVerb, From: 2, To: 2, Effect: fault.Effect{Reply: "004 no"}}, fault.Rule{Verb: fault.AnyVerb, Effect: fault.Effect{WrongID: true, Short: 1, Late: 1}})
		}
		var passed, answered bytes.Buffer
		c := &client{server: &Server{options: options}, conn: newDisturbed(nil)}
		filter := &filter{client: c, ctx: context.Background(), answers: &answers{to: sink{&answered}}, to: &passed}
		filter.run(bufio.NewReader(bytes.NewReader(sent)))
		for name, rest := range map[string][]byte{"passed": passed.Bytes(), "answered": answered.Bytes()} {
			for len(rest) > 0 {
				if len(rest) < 5 || uint64(len(rest)) < 4+uint64(binary.BigEndian.Uint32(rest)) {
					t.Fatalf("%s half a packet: %q", name, rest)
				}
				rest = rest[4+binary.BigEndian.Uint32(rest):]
			}
		}
	})
}
