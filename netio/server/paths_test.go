package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Nothing that a client says leads out of the folder.
func TestNothingLeadsOut(t *testing.T) {
	address, dir := start(t)
	outside := t.TempDir()
	write(t, outside, "secret", "top")
	write(t, dir, "sub/inside", "in")
	for name, target := range map[string]string{
		"out":        outside,
		"outfile":    filepath.Join(outside, "secret"),
		"sub/up":     "../../" + filepath.Base(outside),
		"sub/inlink": "inside",
		"dangling":   filepath.Join(outside, "new"),
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	c := login(t, address)

	refused := []string{
		"CWD out", "CWD /out/", "CWD sub/up", "SIZE out/secret", "SIZE outfile", "MDTM outfile", "MKD out/x",
		"DELE out/secret", "RMD out", "SITE CHMOD 777 outfile", "MFMT 20200101000000 outfile", "RNFR out/secret",
		"SIZE ../../../../../../etc/passwd", "STAT out/secret", "MLST out/secret",
	}
	for _, line := range refused {
		c.want(line, "550")
	}
	for _, line := range []string{"RETR outfile", "RETR out/secret", "STOR outfile", "APPE outfile", "STOR out/x", "STOR dangling", "LIST out/secret", "NLST out/secret", "MLSD out"} {
		c.want("EPSV", "229")
		c.want(line, "550")
	}
	// A link that leads out is listed as the link that it is.
	if listing, _ := c.get("LIST out"); !strings.HasPrefix(listing, "l") || strings.Count(listing, "\n") != 1 {
		t.Errorf("LIST of a link outwards: %q", listing)
	}
	c.want("RNFR sub/inside", "350")
	c.want("RNTO out/taken", "550")
	if got := read(t, outside, "secret"); got != "top" {
		t.Errorf("the file outside holds %q now", got)
	}
	if names, _ := os.ReadDir(outside); len(names) != 1 {
		t.Errorf("something was made outside: %v", names)
	}

	// ".." stops at the folder, links that stay inside are followed.
	c.want("CWD ../../..", "250")
	c.want("PWD", `257 "/" `)
	c.want("CWD /sub/../../sub", "250")
	c.want("PWD", `257 "/sub" `)
	if data, _ := c.get("RETR inlink"); data != "in" {
		t.Errorf("the inner link brought %q", data)
	}
	c.want("DELE inlink", "250")
	c.want("DELE /outfile", "250") // the link itself
	if got := read(t, outside, "secret"); got != "top" {
		t.Errorf("the file outside holds %q now", got)
	}
}

func TestRepliesTellNoPathOutside(t *testing.T) {
	address, dir := start(t)
	c := login(t, address)
	for _, line := range []string{"CWD none", "DELE none/x", "MKD a/b", "RNFR none", "SITE CHMOD 600 none"} {
		if got := c.cmd(line); strings.Contains(got, filepath.Base(dir)) {
			t.Errorf("%s: %s", line, got)
		}
	}
}

func TestOddNames(t *testing.T) {
	address, dir := start(t)
	c := login(t, address)
	names := []string{
		" leading", "trailing ", "two  blanks", "-dash", `quo"te`, "semi;colon=x", "a -> b", "ünïcödé", "日本語",
		"latin1-\xe9", "star*", "[bracket]", "%s%d", "...", ".hidden", `back\slash`, "tab\there", strings.Repeat("n", 255),
	}
	for _, name := range names {
		if _, final := c.put("STOR "+name, name); !strings.HasPrefix(final, "226") {
			t.Fatalf("STOR %q: %s", name, final)
		}
		if got := read(t, dir, name); got != name {
			t.Errorf("%q holds %q", name, got)
		}
		if data, _ := c.get("RETR " + name); data != name {
			t.Errorf("RETR %q brought %q", name, data)
		}
	}
	listing, _ := c.get("MLSD")
	for _, name := range names {
		if !strings.Contains(listing, "; "+name+"\r\n") {
			t.Errorf("MLSD does not tell %q", name)
		}
	}
	// A name that would break the listing is left out.
	write(t, dir, "line\nfeed", "x")
	for _, verb := range []string{"MLSD", "LIST", "NLST"} {
		if listing, _ := c.get(verb); strings.Contains(listing, "feed") {
			t.Errorf("%s tells a name with a line feed", verb)
		}
	}
}

func TestSpecialFilesDoNotBlock(t *testing.T) {
	address, dir := start(t)
	if err := makePipe(filepath.Join(dir, "pipe")); err != nil {
		t.Logf("no named pipe on this system: %v", err)
		return
	}
	c := login(t, address)
	c.want("EPSV", "229")
	c.want("RETR pipe", "550")
	c.want("EPSV", "229")
	c.want("STOR pipe", "550")
	if listing, _ := c.get("LIST"); !strings.HasPrefix(listing, "p") {
		t.Errorf("listed as %q", listing)
	}
}
