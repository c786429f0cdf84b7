package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sftpc/sftpc/netio/server"
)

// Each case is a conversation on a fresh connection: commands and how their
// replies begin. Cases that do not begin with USER are logged in first.
func TestCommandReplies(t *testing.T) {
	address, dir := start(t)
	write(t, dir, "file", "12345")
	write(t, dir, "full/inner", "x")
	write(t, dir, `a "quoted" dir/x`, "x")
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		"login":                   "USER joe > 331; PASS secret > 230",
		"wrong password":          "USER joe > 331; PASS wrong > 530; PASS secret > 503",
		"unknown user":            "USER ann > 331; PASS secret > 530",
		"anonymous is not let in": "USER anonymous > 331; PASS a@b > 530",
		"second chance":           "USER joe > 331; PASS wrong > 530; USER joe > 331; PASS secret > 230",
		"PASS twice":              "PASS secret > 503",
		"ACCT":                    "ACCT x > 202",
		"REIN":                    "REIN > 220; PWD > 530; USER joe > 331; PASS secret > 230",
		"QUIT":                    "QUIT > 221",
		"before login":            "USER joe > 331; PWD > 530; CWD / > 530; RETR file > 530; PORT 127,0,0,1,200,1 > 530; EPSV > 530; SITE HELP > 530; STAT file > 530; ACCT x > 503; SYST > 215; NOOP > 200; HELP > 214; FEAT > 211; STAT > 211; OPTS UTF8 ON > 200",
		"simple":                  "NOOP > 200; SYST > 215 UNIX Type: L8; noop > 200; HELP > 214-; HELP retr > 214; HELP XYZ > 502; STAT > 211-; ALLO 100 > 202",
		"unknown":                 "XYZZY > 500; AUTH TLS > 502; OPTS NOTHING > 501; SITE NOTHING > 500;  > 500",
		"arguments":               "CWD > 501; RETR > 501; PWD x > 501; CDUP x > 501; PASV x > 501; REST > 501; SIZE > 501; MKD > 501",
		"control characters":      "CWD a\x00b > 501; DELE a\rb > 501; MKD \x00 > 501",
		"TYPE":                    "TYPE I > 200; TYPE A > 200; TYPE A N > 200; TYPE a n > 200; TYPE L 8 > 200; TYPE E > 504; TYPE L 7 > 504; TYPE A T > 504; TYPE Q > 501; TYPE   > 501; TYPE \t > 501",
		"MODE and STRU":           "MODE S > 200; MODE B > 504; MODE C > 504; MODE X > 501; STRU F > 200; STRU R > 504; STRU P > 504; STRU X > 501",
		"directories":             `PWD > 257 "/" ; CWD full > 250; PWD > 257 "/full" ; CDUP > 250; PWD > 257 "/" ; CDUP > 250; CWD file > 550; CWD none > 550; XCWD full > 250; XPWD > 257 "/full"; XCUP > 250`,
		"quotation marks":         `CWD a "quoted" dir > 250; PWD > 257 "/a ""quoted"" dir" `,
		"MKD and RMD":             `MKD new > 257 "/new" ; MKD new > 550; MKD no/where > 550; MKD file/x > 550; RMD new > 250; RMD new > 550; RMD full > 550 Directory not empty; RMD file > 550; RMD / > 550; XMKD x > 257; XRMD x > 250`,
		"DELE":                    "DELE none > 550; DELE full > 550; DELE / > 550",
		"renaming":                "RNTO x > 503; RNFR none > 550; RNFR / > 550; RNFR file > 350; RNTO file2 > 250; RNFR file2 > 350; RNTO file > 250; RNFR file > 350; RNTO no/where > 550",
		"RNFR holds once":         "RNFR file > 350; NOOP > 200; RNTO x > 503",
		"SIZE":                    "SIZE file > 213 5; SIZE link > 213 5; SIZE full > 550; SIZE none > 550; TYPE A > 200; SIZE file > 550",
		"MDTM":                    "MDTM none > 550; MDTM 20240229123015 file > 213; MDTM file > 213 20240229123015; MDTM 20240229123015 none > 550; MDTM 20249999999999 file > 550",
		"MFMT":                    "MFMT 20200102030405 file > 213 Modify=20200102030405; MDTM file > 213 20200102030405; MFMT 20200102030405 none > 550; MFMT yesterday file > 501; MFMT 20200102030405 > 501",
		"SITE UTIME":              "SITE UTIME 20260102030405 file > 200; MDTM file > 213 20260102030405; SITE UTIME file 20250102030405 20240102030405 20230102030405 UTC > 200; MDTM file > 213 20240102030405; SITE UTIME 202601020304 file > 200; MDTM file > 213 20260102030400; SITE UTIME x file > 501; SITE UTIME 20260102030405 > 501; SITE UTIME 20260102030405 none > 550",
		"SITE CHMOD":              "SITE CHMOD 640 file > 200; SITE chmod 0644 file > 200; SITE CHMOD 999 file > 501; SITE CHMOD 17777 file > 501; SITE CHMOD 640 > 501; SITE CHMOD 640 none > 550; SITE HELP > 214-",
		"HASH":                    "OPTS HASH > 200 SHA-256; HASH file > 213 SHA-256 0-5 5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5 file; OPTS HASH md5 > 200 MD5; HASH file > 213 MD5 0-5 827ccb0eea8a706c4c34a16891f84e7b file; OPTS HASH MD2 > 501; HASH none > 550; HASH full > 550; HASH > 501",
		"XMD5 and its kin":        "XMD5 file > 250-Computing MD5; XCRC none > 550; XSHA1 full > 550; XSHA256 \"file\" > 250-; XSHA512 > 501",
		"MLST":                    "MLST file > 250-Listing; MLST none > 550; MLST > 250-",
		"OPTS MLST":               "OPTS MLST type;size; > 200 MLST OPTS type;size;perm; > x",
		"OPTS UTF8":               "OPTS UTF8 ON > 200; OPTS utf-8 on > 200; OPTS UTF8 OFF > 504",
		"no data connection":      "RETR file > 425; STOR x > 425; LIST > 425; NLST > 425; MLSD > 425; APPE x > 425; STOU > 425; ABOR > 225",
		"PORT is checked":         "PORT 127,0,0,2,200,1 > 500; PORT 10,1,2,3,200,1 > 500; PORT 127,0,0,1,0,21 > 500; PORT 127,0,0,1,3,255 > 500; PORT 127,0,0,1,4,0 > 200; PORT 1,2,3 > 501; PORT 1,2,3,4,5,256 > 501; PORT a,b,c,d,e,f > 501",
		"EPRT is checked":         "EPRT |1|127.0.0.2|50000| > 500; EPRT |1|127.0.0.1|1023| > 500; EPRT |1|127.0.0.1|1024| > 200; EPRT !1!127.0.0.1!50000! > 200; EPRT |2|::1|50000| > 522 Network protocol not supported, use (1); EPRT |3|x|50000| > 522; EPRT |1|::1|50000| > 501; EPRT |1|127.0.0.1|99999| > 501; EPRT |1|127.0.0.1| > 501; EPRT x > 501",
		"EPSV forms":              "EPSV > 229; EPSV 1 > 229; EPSV 2 > 522 Network protocol not supported, use (1); EPSV 9 > 522; EPSV X > 501",
		"EPSV ALL":                "EPSV ALL > 200; PASV > 501; PORT 127,0,0,1,200,1 > 501; EPRT |1|127.0.0.1|50000| > 501; EPSV > 229",
		"REST":                    "REST 5 > 350; REST x > 501; REST -1 > 501; TYPE A > 200; REST 5 > 501; REST 0 > 350",
		"refused transfers":       "EPSV > 229; RETR none > 550; EPSV > 229; RETR full > 550; EPSV > 229; STOR full > 550; EPSV > 229; STOR no/where > 550; EPSV > 229; LIST none > 550; EPSV > 229; MLSD file > 501; EPSV > 229; MLSD none > 550",
		"restart behind the end":  "EPSV > 229; REST 6 > 350; RETR file > 554; EPSV > 229; REST 6 > 350; STOR file > 554; EPSV > 229; REST 1 > 350; STOR none > 554; SIZE none > 550",
		"STAT of names":           "STAT full > 212-; STAT file > 213-; STAT none > 550",
	}
	cases["OPTS MLST"] = "OPTS MLST type;SIZE; > 200 MLST OPTS type;size;modify;perm;UNIX.mode;"
	for name, script := range cases {
		t.Run(name, func(t *testing.T) {
			c := dial(t, address)
			c.expect("220")
			if !strings.HasPrefix(script, "USER") {
				c.want("USER joe", "331")
				c.want("PASS secret", "230")
			}
			for step := range strings.SplitSeq(script, "; ") {
				line, want, _ := strings.Cut(step, " > ")
				c.want(line, want)
			}
		})
	}
}

func TestReadOnlyRefusesEveryChange(t *testing.T) {
	address, dir := start(t, func(o *server.Options) { o.ReadOnly = true })
	write(t, dir, "file", "x")
	c := login(t, address)
	for _, line := range []string{
		"STOR x", "APPE file", "STOU", "DELE file", "MKD x", "XMKD x", "RMD x", "XRMD x", "RNFR file", "RNTO x",
		"SITE CHMOD 600 file", "SITE UTIME 20200102030405 file", "MFMT 20200102030405 file", "MDTM 20200102030405 file",
	} {
		c.want("EPSV", "229")
		c.want(line, "550")
	}
	if data, _ := c.get("RETR file"); data != "x" {
		t.Errorf("reading brought %q", data)
	}
}

func TestFeatures(t *testing.T) {
	address, _ := start(t, func(o *server.Options) {
		o.DisabledCommands = []string{"mlsd", "EPSV", "SIZE", "SITE CHMOD", "REST STREAM", "XCRC"}
	})
	c := login(t, address)
	got := c.want("FEAT", "211-")
	want := "211-Extensions supported:\n EPRT\n HASH CRC32;MD5;SHA-1;SHA-256*;SHA-512\n MDTM\n MFMT\n SITE UTIME\n TVFS\n UTF8\n XMD5\n XSHA1\n XSHA256\n XSHA512\n211 End"
	if got != want {
		t.Errorf("FEAT tells\n%s\nwant\n%s", got, want)
	}
	for _, line := range []string{"MLSD", "EPSV", "SIZE x", "SITE CHMOD 600 x"} {
		c.want(line, "502")
	}
	c.want("SITE HELP", "214")
}

func TestChosenFactsAreMarkedInFEAT(t *testing.T) {
	address, _ := start(t)
	c := login(t, address)
	c.want("OPTS MLST size;unknown;modify;", "200 MLST OPTS")
	if got := c.want("FEAT", "211-"); !strings.Contains(got, " MLST type;size*;modify*;perm;UNIX.mode;\n") {
		t.Errorf("FEAT tells %q", got)
	}
}

func TestLogins(t *testing.T) {
	cases := []struct {
		name           string
		options        func(*server.Options)
		user, password string
		want           string
	}{
		{"anonymous", func(o *server.Options) { o.Anonymous = true }, "anonymous", "me@example.org", "230"},
		{"ftp is anonymous", func(o *server.Options) { o.Anonymous = true }, "FTP", "x", "230"},
		{"an account named ftp keeps its password", func(o *server.Options) {
			o.Anonymous, o.Users = true, map[string]string{"ftp": "p"}
		}, "ftp", "x", "530"},
		{"anonymous besides accounts", func(o *server.Options) { o.Anonymous = true }, "joe", "x", "530"},
		{"any login", func(o *server.Options) { o.AllowAnyLogin, o.Users = true, nil }, "who", "ever", "230"},
		{"empty password", func(o *server.Options) { o.Users = map[string]string{"joe": ""} }, "joe", "", "230"},
		{"unknown name, empty password", func(*server.Options) {}, "nobody", "", "530"},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			address, _ := start(t, test.options)
			c := dial(t, address)
			c.expect("220")
			c.want("USER "+test.user, "331")
			c.want("PASS "+test.password, test.want)
		})
	}
}

func TestFiveWrongPasswordsEndTheConnection(t *testing.T) {
	address, _ := start(t)
	c := dial(t, address)
	c.expect("220")
	for range 4 {
		c.want("USER joe", "331")
		c.want("PASS wrong", "530")
	}
	c.want("USER joe", "331")
	c.want("PASS wrong", "421")
	c.gone()
}

func TestBannerOfSeveralLines(t *testing.T) {
	address, _ := start(t, func(o *server.Options) { o.Banner = "one\n220 two\nthree\n" })
	c := dial(t, address)
	if got := c.reply(); got != "220-one\n 220 two\n220 three" {
		t.Errorf("greeting is %q", got)
	}
}

func TestLongLines(t *testing.T) {
	address, _ := start(t)
	c := login(t, address)
	c.want("CWD "+strings.Repeat("x", 20_000), "500")
	c.want("PWD", "257")
	c.want("CWD "+strings.Repeat("x", 4_000), "55") // too long a name: 553, or 550 where the system says so
	c.send(strings.Repeat("y", 100_000))
	c.gone()
}

func TestTelnetInterruptBeforeAVerb(t *testing.T) {
	address, _ := start(t)
	c := login(t, address)
	c.want("\xff\xf4\xff\xf2ABOR", "225")
	c.want("\xff\xf4\xffNOOP", "200")
}

func TestOptionsAreChecked(t *testing.T) {
	any := func(o server.Options) server.Options { o.AllowAnyLogin = true; return o }
	cases := map[string]server.Options{
		"nobody could log in": {Dir: t.TempDir()},
		"no folder":           any(server.Options{}),
		"no such file":        any(server.Options{Dir: filepath.Join(t.TempDir(), "none")}),
		"no range of ports":   any(server.Options{Dir: t.TempDir(), PassivePorts: [2]int{5000, 4000}}),
	}
	for want, options := range cases {
		s, err := server.Listen(t.Context(), "127.0.0.1:0", options)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}
