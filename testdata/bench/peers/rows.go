//go:build linux

package main

import (
	"fmt"
	"time"
)

// What the far rows go over, and how many connections everybody has.
const (
	farRTT      = 50 * time.Millisecond
	farRate     = 500e6 // bits a second
	connections = 4
)

// protocol is what is spoken, and with which server.
type protocol string

const (
	ftp  protocol = "FTP"  // vsftpd
	ftps protocol = "FTPS" // vsftpd, which wants TLS sessions resumed on data connections
	sftp protocol = "SFTP" // OpenSSH
)

// work is what is done.
type work string

const (
	get     work = "get"           // a tree from the server into an empty directory
	put     work = "put"           // the other way
	nothing work = "nothing to do" // both sides have the same: mirror the server's
)

// row is one comparison.
type row struct {
	name     string
	protocol protocol
	work     work
	tree     tree
	far      bool
	atomic   bool // ours uploads under another name and renames
	// goal is the most that ours may take, in times of the best peer, or of `against`.
	goal    float64
	against string
	// most is what ours may have resident, in MiB; 0 is any.
	most int
}

func (r *row) text() string {
	where := "loopback"
	if r.far {
		where = fmt.Sprintf("%v, %.0f Mbit/s", farRTT, farRate/1e6)
	}
	mode := ""
	if r.atomic {
		mode = ", ATOMIC"
	}
	return fmt.Sprintf("%s, %s, %s, %s%s", r.protocol, r.tree, where, r.work, mode)
}

func allRows() []row {
	small, sparse := tree{2000, 50, 4 << 10}, tree{300, 50, 4 << 10}
	many, large := tree{100_000, 1000, 16}, tree{1, 0, 64 << 20}
	rows := []row{
		{name: "ftp-small-get", protocol: ftp, work: get, tree: small, goal: 0.7},
		{name: "ftp-small-put", protocol: ftp, work: put, tree: small, goal: 0.7},
		{name: "ftps-small-get", protocol: ftps, work: get, tree: small, goal: 0.1},
		{name: "ftps-small-put", protocol: ftps, work: put, tree: small, goal: 0.15},
		{name: "sftp-small-get", protocol: sftp, work: get, tree: small, goal: 0.5},
		{name: "sftp-small-put", protocol: sftp, work: put, tree: small, goal: 0.5},
		{name: "ftp-far-get", protocol: ftp, work: get, tree: sparse, far: true, goal: 0.4},
		{name: "ftp-far-put", protocol: ftp, work: put, tree: sparse, far: true, goal: 0.3},
		{name: "sftp-far-get", protocol: sftp, work: get, tree: sparse, far: true, goal: 0.1},
		{name: "sftp-far-put", protocol: sftp, work: put, tree: sparse, far: true, goal: 0.1},
		{name: "ftp-nothing", protocol: ftp, work: nothing, tree: sparse, far: true, goal: 0.5, against: "rclone"},
		{name: "sftp-nothing", protocol: sftp, work: nothing, tree: sparse, far: true, goal: 0.3, against: "rclone"},
		{name: "ftp-large-get", protocol: ftp, work: get, tree: large, far: true, goal: 1.0, against: "curl"},
		{name: "ftp-large-put", protocol: ftp, work: put, tree: large, far: true, goal: 1.0, against: "curl"},
		{name: "sftp-large-get", protocol: sftp, work: get, tree: large, far: true, goal: 0.6, against: "rclone"},
		{name: "sftp-large-put", protocol: sftp, work: put, tree: large, far: true, goal: 0.6, against: "rclone"},
		{name: "ftp-many-nothing", protocol: ftp, work: nothing, tree: many, goal: 0.5, most: 150},
		{name: "sftp-many-nothing", protocol: sftp, work: nothing, tree: many, goal: 0.5, most: 150},
	}
	for _, r := range rows {
		if r.work == put {
			r.name, r.atomic = "atomic-"+r.name, true
			rows = append(rows, r)
		}
	}
	return rows
}
