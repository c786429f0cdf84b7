package ftpconn

import (
	"context"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/session"
)

// writes makes the fake a server of another system, which tells of a file only in
// listings.
func writes(server *fakeServer, lines ...string) {
	withoutMLSD(server)
	server.on["SIZE"] = func(c *fakeConn, _ string) { c.say("502 Not implemented.") }
	server.on["MDTM"] = server.on["SIZE"]
	server.on["LIST"] = func(c *fakeConn, _ string) {
		data, err := c.data()
		if err != nil {
			return
		}
		c.say("125 List started OK.")
		data.Write([]byte(strings.Join(lines, "\r\n") + "\r\n"))
		data.Close()
		c.say("250 List completed successfully.")
	}
}

// What a name means is asked of the system that lists it.
func TestStat_OtherSystems(t *testing.T) {
	vms := []string{"", "Directory DISK:[JANE]", "", "LOGIN.COM;2  1/3  30-APR-2024 10:11:12  [JANE]  (RWED,RWED,RE,)",
		"SUB.DIR;1  1/3  30-APR-2024 10:11:12  [JANE]  (RWE,RWE,RE,)", "", "Total of 2 files, 2/6 blocks."}
	zos := []string{" Name     VV.MM   Created       Changed      Size  Init   Mod   Id", "PAYJAN    01.01 2024/03/22 2024/03/22 10:30    60    60     0 JANE"}
	plain := []string{"-rw-r--r-- 1 u g 1 Jan 21 2024 File", "-rw-r--r-- 1 u g 1 Jan 21 2024 a;1"}
	tests := []struct {
		name  string
		lines []string
		asked string
		want  session.Cause
		kind  session.EntryKind
	}{
		{"as listed", vms, "LOGIN.COM", session.CauseNone, session.KindFile},
		{"in small letters", vms, "login.com", session.CauseNone, session.KindFile},
		{"a directory", vms, "sub", session.CauseNone, session.KindDir},
		{"a version", vms, "LOGIN.COM;1", session.NotSupported, 0},
		{"not there", vms, "LOGOUT.COM", session.NoSuchRemoteFile, 0},
		{"a member", zos, "PAYJAN", session.CauseNone, session.KindFile},
		{"a member in small letters", zos, "payjan", session.CauseNone, session.KindFile},
		{"a member of another data set", zos, "'SYS1.PARMLIB(IEASYS00)'", session.NotSupported, 0},
		{"no member", zos, "PAYFEB", session.NoSuchRemoteFile, 0},
		{"Unix keeps case", plain, "file", session.NoSuchRemoteFile, 0},
		{"Unix has semicolons", plain, "a;1", session.CauseNone, session.KindFile},
		{"Unix has no versions", plain, "a;2", session.NoSuchRemoteFile, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFake(t)
			writes(server, test.lines...)
			entry, err := server.connect(session.Settings{}).Stat(context.Background(), test.asked)
			if session.CauseOf(err) != test.want || err == nil && (entry.Kind != test.kind || entry.Name != test.asked) {
				t.Errorf("got %+v, %v", entry, err)
			}
		})
	}
}

// Codes that mean success are taken for it, as z/OS has them, and its current
// directory is gone back to in its own quotes.
func TestList_OfDataSets(t *testing.T) {
	server := newFake(t)
	writes(server, "Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname", "WYOSPT 3390   2024/05/21  1  200  FB      80  8053  PS  DATA")
	server.on["PWD"] = func(c *fakeConn, _ string) { c.say(`257 "'JANE.'" is the working directory name prefix.`) }
	server.on["CWD"] = func(c *fakeConn, _ string) { c.say("250 is the working directory name prefix.") }
	client := server.connect(session.Settings{})
	l, err := client.List(context.Background(), "PAY")
	if err != nil || namesOf(l) != "DATA" || l.Dialect != "z/OS" {
		t.Errorf("got %+v, %v", l, err)
	}
	if all := strings.Join(server.seen(), "|"); !strings.Contains(all, "|CWD PAY|") || !strings.Contains(all, "|CWD 'JANE.'") {
		t.Error(all)
	}
}
