//go:build linux

package main

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sftpc/sftpc/testdata/bench/link"
)

// stage is where a row is played: the two directories, and what is laid into them.
type stage struct {
	*row
	now         time.Time
	home        string // of the login on the server
	here, there string // local directories, both: the server is on this machine
	scratch     string
	uid, gid    int
	address     string
	key         string // for SSH
}

const stageName = "stage"

func (b *bench) stage(r *row, now time.Time) (*stage, error) {
	server := "vsftpd"
	if r.protocol == sftp {
		server = "openssh"
	}
	home := filepath.Join(os.Getenv("SFTPC_RIG_HOMES"), server)
	s := &stage{row: r, now: now, home: home, here: filepath.Join(b.scratch, "here"), there: filepath.Join(home, stageName),
		scratch: filepath.Join(b.scratch, "own"), address: link.FarAddress, key: b.key}
	account, err := user.Lookup(os.Getenv("SFTPC_RIG_USER"))
	if err != nil {
		return nil, err
	}
	s.uid, _ = strconv.Atoi(account.Uid)
	s.gid, _ = strconv.Atoi(account.Gid)
	s.clear()
	if r.work != put {
		err = r.tree.make(s.there, now)
	}
	if err == nil && r.work != get {
		err = r.tree.make(s.here, now)
	}
	if err == nil && r.work != put {
		err = s.handOver()
	}
	return s, err
}

// handOver makes what is on the server the property of its user.
func (s *stage) handOver() error {
	return filepath.WalkDir(s.there, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, s.uid, s.gid)
	})
}

func (s *stage) clear() {
	for _, dir := range []string{s.here, s.there, s.scratch} {
		_ = os.RemoveAll(dir)
	}
}

// empty makes the target of a transfer, and the client's own folder, new. The folder of
// a client is kept where there is nothing to do: what it remembers is a part of that.
func (s *stage) empty() error {
	target := s.here
	switch s.work {
	case nothing:
		return os.MkdirAll(s.scratch, 0o755)
	case put:
		target = s.there
	}
	for _, dir := range []string{target, s.scratch} {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if s.work == put {
		return s.handOver()
	}
	return nil
}

// job is the command with which a client does the row, nil if it cannot.
func (s *stage) job(c *client) []string {
	j := &job{row: s.row, address: s.address, user: os.Getenv("SFTPC_RIG_USER"), password: os.Getenv("SFTPC_RIG_PASSWORD"),
		here: s.here, there: stageName, scratch: s.scratch, port: os.Getenv("SFTPC_RIG_VSFTPD")}
	if s.protocol == sftp {
		j.port = os.Getenv("SFTPC_RIG_OPENSSH")
		j.key, j.knownHosts = s.key, filepath.Join(os.Getenv("SFTPC_RIG_SSH"), "known_hosts")
	}
	if err := os.MkdirAll(s.scratch, 0o755); err != nil {
		return nil
	}
	return c.command(c, j)
}

// check looks at the side that a client was to make like the other. Where there was
// nothing to do a few times say that nothing was done.
func (s *stage) check(c *client) error {
	times := c.keeps(s.row)
	switch s.work {
	case put:
		return s.tree.check(s.there, s.now, times)
	case nothing:
		times = toTheSecond
	}
	return s.tree.check(s.here, s.now, times)
}
