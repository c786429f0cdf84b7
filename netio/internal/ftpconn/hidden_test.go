package ftpconn

import (
	"context"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/session"
)

// hides makes the fake leave names with a dot out unless it is asked by LIST -a, which
// it knows or takes for a name.
func hides(server *fakeServer, knows bool) {
	withoutMLSD(server)
	server.on["LIST"] = func(c *fakeConn, argument string) {
		body := "-rw-r--r-- 1 u g 1 Jan 21 2024 seen\r\n"
		switch {
		case strings.HasPrefix(argument, "-a") && !knows:
			c.say("550 -a: No such file or directory")
			return
		case strings.HasPrefix(argument, "-a"):
			body = "drwxr-xr-x 1 u g 1 Jan 21 2024 .\r\n" + body + "-rw-r--r-- 1 u g 1 Jan 21 2024 .hidden\r\n"
		}
		data, err := c.data()
		if err != nil {
			return
		}
		c.say("150 Here it comes.")
		data.Write([]byte(body))
		data.Close()
		c.say("226 Done.")
	}
}

func TestList_Hidden(t *testing.T) {
	tests := []struct {
		name    string
		knows   bool
		feature session.Feature
		want    string
		lists   int // of two calls
	}{
		{"not asked for", true, session.FeatureAuto, "seen", 2},
		{"asked for", true, session.FeatureEnabled, ".hidden seen", 2},
		{"the option is taken for a name", false, session.FeatureEnabled, "seen", 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFake(t)
			server.dirs["/d"] = true
			hides(server, test.knows)
			client := server.connect(session.Settings{Features: map[string]session.Feature{"HIDDEN": test.feature}})
			for _, dir := range []string{"d", ""} {
				l, err := client.List(context.Background(), dir)
				if err != nil || namesOf(l) != test.want {
					t.Errorf("of %q: got %q, %v", dir, namesOf(l), err)
				}
			}
			if n := server.count("LIST"); n != test.lists {
				t.Errorf("asked %d times: %q", n, server.seen())
			}
		})
	}
}
