package builtins

import (
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/server"
)

func TestVerify(t *testing.T) {
	big := strings.Repeat("0123456789", 50_000)
	cases := []struct {
		name, verify, faults, script string
		change                       func(*server.Options)
		result, told                 string
		left                         bool // the other side has the file in the end
	}{
		{name: "size is the default", script: `$r = GETFILE("big")`, result: "OK", told: "500000 bytes\n", left: true},
		{name: "download by hash", verify: "HASH", script: `$r = GETFILE("big")`, result: "OK", told: "500000 bytes, verified by SHA512\n", left: true},
		{name: "download by a weaker hash", verify: "HASH", change: with("HASH", "XSHA512"), script: `$r = GETFILE("big")`, result: "OK", told: "verified by SHA256", left: true},
		{name: "download by the weakest", verify: "HASH", change: with("HASH", "XSHA512", "XSHA256", "XSHA1", "XMD5"), script: `$r = GETFILE("big")`, result: "OK", told: "verified by CRC32", left: true},
		{name: "download from a server without", verify: "HASH", change: with(noHashes...), script: `$r = GETFILE("big")`, result: "OK", told: "verified by size: the server has no hash", left: true},
		{name: "download, a byte changed", verify: "HASH", faults: "on RETR 1: corrupt 77777", script: `$r = GETFILE("big")`, result: "HASH_MISMATCH", told: "its SHA512 is "},
		{name: "download, a byte changed, by size", verify: "SIZE", faults: "on RETR 1: corrupt 77777", script: `$r = GETFILE("big")`, result: "OK", left: true},
		{name: "download, resumed", verify: "HASH", faults: "on RETR 1: cut 200000", script: `$r = GETFILE("big")`, result: "OK", told: "verified by SHA512", left: true},
		{name: "download, resumed behind a changed byte", verify: "HASH", faults: "on RETR 1: corrupt 7; cut 200000", script: `$r = GETFILE("big")`, result: "HASH_MISMATCH"},
		{name: "download, a hash that is refused", verify: "HASH", faults: "on HASH: reply 550 Permission denied", script: `$r = GETFILE("big")`, result: "NO_REMOTE_PERMISSION"},
		{name: "download, a hash whose reply is lost", verify: "HASH", faults: "on HASH 1: close", script: `$r = GETFILE("big")`, result: "OK", told: "verified by SHA512", left: true},
		{name: "download, a reply without a hash", verify: "HASH", faults: "on HASH: reply 213 SHA-512 0-5 abc big", script: `$r = GETFILE("big")`, result: "PROTOCOL_ERROR"},
		{name: "download as text", verify: "HASH", script: "SETTYPE(ASCII)\n" + `$r = GETFILE("big")`, result: "OK", told: "not verified: the type is not BINARY", left: true},
		{name: "download, off", verify: "OFF", script: `$r = GETFILE("big")`, result: "OK", told: "500000 bytes, not verified", left: true},
		{name: "download, cut as if whole, by size", verify: "SIZE", faults: "on RETR: cut 1000 orderly; final 226 done", script: `$r = GETFILE("big")`, result: "SIZE_MISMATCH"},

		{name: "upload by hash", verify: "HASH", script: `$r = PUTFILE("big")`, result: "OK", told: "500000 bytes, verified by SHA512\n", left: true},
		{name: "upload to a server without", verify: "HASH", change: with(noHashes...), script: `$r = PUTFILE("big")`, result: "OK", told: "verified by size: the server has no hash", left: true},
		{name: "upload, a byte changed", verify: "HASH", faults: "on STOR: corrupt 77777", script: `$r = PUTFILE("big")`, result: "HASH_MISMATCH", left: true},
		{name: "upload aside, a byte changed", verify: "HASH", faults: "on STOR: corrupt 77777", script: "SETUPLOADMODE(ATOMIC)\n" + `$r = PUTFILE("big")`, result: "HASH_MISMATCH"},
		{name: "upload aside", verify: "HASH", script: "SETUPLOADMODE(ATOMIC)\n" + `$r = PUTFILE("big")`, result: "OK", told: "verified by SHA512", left: true},
		{name: "upload, off", verify: "OFF", faults: "on MLST: reply 550 never asked", script: `$r = PUTFILE("a")`, result: "OK", told: "5 bytes, not verified", left: true},
		{name: "upload, the size is not told now", faults: "on MLST: reply 450 later", script: `$r = PUTFILE("a")`, result: "REMOTE_BUSY", left: true},
		{name: "upload, the size is never told", faults: "on MLST: reply 550 Permission denied\non SIZE: reply 550 Permission denied", script: `$r = PUTFILE("a")`, result: "OK", left: true},
		{name: "append, the size is not told now", faults: "on MLST 2-: reply 450 later", script: "SETUPLOADMODE(APPEND)\n" + `$r = PUTFILE("a")`, result: "REMOTE_BUSY", left: true},
		{name: "upload as text", verify: "HASH", script: "SETTYPE(ASCII)\n" + `$r = PUTFILE("big")`, result: "OK", told: "not verified: the type is not BINARY", left: true},
		{name: "append", verify: "HASH", script: "SETUPLOADMODE(APPEND)\n" + `$r = PUTFILE("big")`, result: "OK", told: "verified by size: a hash would be that of the whole file", left: true},
		{name: "unique", verify: "HASH", script: "SETUPLOADMODE(UNIQUE)\n" + `$r = PUTFILE("big")`, result: "OK", told: "as ftp, 500000 bytes, verified by SHA512", left: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"big": big, "a": "alpha"}
			o := siteOptions{faults: c.faults, change: c.change}
			upload := strings.Contains(c.script, "PUTFILE")
			if !upload {
				o.files = files
			}
			s := retried(t, o)
			there := s.local
			if upload {
				write(t, s.local, files)
				there = s.remote
			}
			script := strings.Split(c.script, "\n")
			if c.verify != "" {
				script = append([]string{`SETVERIFY(` + c.verify + `)`}, script...)
			}
			result, told := s.result(script...)
			if result != c.result || !told.tells(c.told) {
				t.Errorf("the result is %s, want %s and %q\n%s%s", result, c.result, c.told, told.transcript, told.stdout)
			}
			if got := read(t, there); len(got) != 0 != c.left && c.result != "NO_REMOTE_PERMISSION" && c.result != "PROTOCOL_ERROR" {
				t.Errorf("%d files are there", len(got))
			} else if _, bears := got["big"]; bears && !c.left {
				t.Errorf("the file bears its name")
			}
		})
	}
}

func TestGetHash(t *testing.T) {
	cases := []struct {
		name, call string
		change     func(*server.Options)
		prints     string
	}{
		{name: "SHA256 by HASH", call: `GETHASH(REMOTE, "a")`, prints: "8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8"},
		{name: "MD5", call: `GETHASH(REMOTE, "a", MD5)`, prints: "2c1743a391305fbf367df8e4f069f9f9"},
		{name: "SHA256 by its own command", change: with("HASH"), call: `GETHASH(REMOTE, "a", SHA256)`, prints: "8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8"},
		{name: "another one than asked for is none", change: with("HASH", "XSHA256"), call: `GETHASH(REMOTE, "a")`, prints: "NOT_SUPPORTED"},
		{name: "a server without", change: with(noHashes...), call: `GETHASH(REMOTE, "a", CRC32)`, prints: "NOT_SUPPORTED"},
		{name: "no such file", call: `GETHASH(REMOTE, "x")`, prints: "NO_SUCH_REMOTE_FILE"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := retried(t, siteOptions{change: c.change, files: map[string]string{"a": "alpha"}})
			o := s.on("$h = "+c.call, `IF($h == "")`, `PRINT(GETERROR(NAME))`, `ELSE`, `PRINT($h)`, `END IF`)
			if got := strings.TrimSpace(o.stdout); got != c.prints {
				t.Errorf("it printed %q, want %q\n%s", got, c.prints, o.transcript)
			}
		})
	}
}
