package netio

import (
	"context"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/session"
)

func TestDial_ProtocolsNotSpoken(t *testing.T) {
	for _, protocol := range []session.Protocol{session.SFTP + 1} {
		s, err := Dial(context.Background(), session.Endpoint{Protocol: protocol, Host: "h", Address: "192.0.2.1:22"}, session.Settings{})
		if s != nil || session.CauseOf(err) != session.NotSupported || !strings.Contains(err.Error(), nameOf(protocol)) {
			t.Errorf("protocol %d: %v, %v", protocol, s, err)
		}
	}
}

// A failure must be a nil Session, not one that holds a nil pointer.
func TestDial_FailureIsNil(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s, err := Dial(ctx, session.Endpoint{Host: "h", Address: "127.0.0.1:1"}, session.Settings{})
	if s != nil || session.CauseOf(err) != session.Cancelled {
		t.Errorf("%v, %v", s, err)
	}
}
