//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// job is what a client is asked to do: the server's directory is `there`, below the
// home of the login, the local one is `here`.
type job struct {
	*row
	address, port   string
	user, password  string
	key, knownHosts string // files, for SSH
	here, there     string
	scratch         string // for its own files; empty each time
}

// client is a program that does jobs.
type client struct {
	name    string // also of the program
	version string
	// command does a job; nil is a job that it cannot do.
	command func(c *client, j *job) []string
	// keeps is what it promises of the times of what arrives.
	keeps  func(r *row) keeps
	secret string // the password as it wants it
	note   func(r *row) string
}

func peerClients() []*client {
	return []*client{
		{name: "lftp", command: lftp, keeps: func(r *row) keeps {
			switch {
			case r.work == put && r.protocol != sftp:
				return noTimes
			case r.protocol == sftp:
				return toTheSecond
			}
			return toTheMinute
		}},
		{name: "rclone", command: rclone, keeps: func(r *row) keeps {
			switch {
			case r.protocol == sftp:
				return toTheSecond
			case r.work == put:
				return noTimes
			}
			return toTheMinute
		}},
		{name: "curl", command: curl, keeps: func(*row) keeps { return noTimes }},
		{name: "sftp", command: opensshSFTP, keeps: func(*row) keeps { return noTimes }, note: func(*row) string { return "1 connection: it has no more" }},
	}
}

// ours is sftpc. It keeps the times of what it downloads; PUTFILE keeps none.
func ours(program string) *client {
	return &client{name: program, command: sftpc, keeps: func(r *row) keeps {
		if r.work == put {
			return noTimes
		}
		return toTheSecond
	}}
}

func sftpc(c *client, j *job) []string {
	var s strings.Builder
	fmt.Fprintf(&s, "SETTRUST(ANY)\nSETPROTOCOL(%s)\n", map[protocol]string{ftp: "FTP", ftps: "FTPS", sftp: "SFTP"}[j.protocol])
	if j.protocol == sftp {
		fmt.Fprintf(&s, "SETKEYFILE(%q)\n", j.key)
	}
	fmt.Fprintf(&s, "OPENHOST(%q,%q,%q)\n", j.address+":"+j.port, j.user, j.password)
	fmt.Fprintf(&s, "SETPARALLEL(%d)\n", connections)
	if j.atomic {
		s.WriteString("SETUPLOADMODE(ATOMIC)\n")
	}
	switch {
	case j.work == nothing:
		fmt.Fprintf(&s, "SYNC(%q,%q,DOWNLOAD,SUBDIRS)\n", j.here, j.there)
	case j.work == get:
		fmt.Fprintf(&s, "LOCALCHDIR(%q)\nCHDIR(%q)\nGETFILE(\"*\",SUBDIRS)\n", j.here, j.there)
	default:
		fmt.Fprintf(&s, "LOCALCHDIR(%q)\nCHDIR(%q)\nPUTFILE(\"*\",SUBDIRS)\n", j.here, j.there)
	}
	s.WriteString("CLOSEHOST\n")
	script := filepath.Join(j.scratch, "job.ftp")
	if err := os.WriteFile(script, []byte(s.String()), 0o600); err != nil {
		return nil
	}
	return []string{c.name, "run", "-q", "--no-ssh-config", "--state=" + filepath.Join(j.scratch, "state"), script}
}

// lftp's best: it does not wait for each reply before the next command, where the server
// bears that, and does not ask what it does not need.
func lftp(_ *client, j *job) []string {
	settings := "set cmd:fail-exit yes; set net:max-retries 3; set net:timeout 60; set net:reconnect-interval-base 1; set net:persist-retries 0; " +
		"set net:connection-limit 0; set mirror:set-permissions no; set net:socket-buffer 0; set xfer:use-temp-file no; set xfer:clobber yes; "
	var url string
	switch j.protocol {
	case ftp, ftps:
		settings += "set ftp:sync-mode off; set ftp:use-feat yes; set ftp:use-site-utime no; set ftp:use-site-utime2 no; set ftp:passive-mode yes; set ftp:use-mode-z no; set ftp:use-allo no; "
		settings += fmt.Sprintf("set ftp:ssl-allow %[1]t; set ftp:ssl-force %[1]t; set ftp:ssl-protect-data %[1]t; set ssl:verify-certificate no; ", j.protocol == ftps)
		url = "ftp://" + j.address + ":" + j.port
	case sftp:
		settings += fmt.Sprintf("set sftp:connect-program \"ssh -a -x -i %s -o UserKnownHostsFile=%s -o BatchMode=yes\"; set sftp:max-packets-in-flight 64; ", j.key, j.knownHosts)
		url = "sftp://" + j.address + ":" + j.port
	}
	login := fmt.Sprintf("open -u %s,%s %s; ", j.user, j.password, url)
	mirror := fmt.Sprintf("mirror --parallel=%d --no-umask ", connections)
	switch {
	case j.tree.files == 1 && j.work == get && j.protocol == sftp:
		name := j.tree.path(0)
		mirror = fmt.Sprintf("pget -n %d %s -o %s", connections, j.there+"/"+name, filepath.Join(j.here, name))
	case j.work == put:
		mirror += fmt.Sprintf("-R %s %s", j.here, j.there)
	default:
		mirror += fmt.Sprintf("%s %s", j.there, j.here)
	}
	return []string{"lftp", "--norc", "-c", settings + login + mirror + "; exit"}
}

// rclone asks for times one by one where a listing does not tell them, and hashes over
// SFTP by a shell: neither is needed, and this server has no shell.
func rclone(c *client, j *job) []string {
	there, here := ":ftp:"+j.there, j.here
	args := []string{"--config", "/dev/null", "--transfers", fmt.Sprint(connections), "--checkers", fmt.Sprint(connections), "--quiet", "--retries", "1", "--stats", "0"}
	switch j.protocol {
	case ftp, ftps:
		args = append(args, "--ftp-host", j.address, "--ftp-port", j.port, "--ftp-user", j.user, "--ftp-pass", c.secret)
		if j.protocol == ftps {
			args = append(args, "--ftp-explicit-tls", "--ftp-no-check-certificate", "--ftp-disable-tls13")
		}
	case sftp:
		there = ":sftp:" + j.there
		args = append(args, "--sftp-host", j.address, "--sftp-port", j.port, "--sftp-user", j.user, "--sftp-key-file", j.key,
			"--sftp-disable-hashcheck", "--sftp-shell-type", "none", "--sftp-concurrency", "64")
	}
	if j.tree.files == 1 {
		args = append(args, "--multi-thread-streams", fmt.Sprint(connections), "--multi-thread-cutoff", "1M")
	}
	command := append([]string{"rclone", "copy"}, args...)
	if j.work == put {
		// What is copied is known to be missing there: it need not be listed first.
		return append(command, "--no-check-dest", here, there)
	}
	if j.work == get {
		command = append(command, "--no-check-dest")
	}
	return append(command, there, here)
}

// curl cannot walk through directories: it moves single files.
func curl(c *client, j *job) []string {
	if j.tree.files != 1 || j.protocol == ftps {
		return nil
	}
	url := fmt.Sprintf("ftp://%s:%s/%s/%s", j.address, j.port, j.there, j.tree.path(0))
	command := []string{"curl", "-sS", "--user", j.user + ":" + j.password}
	if j.protocol == sftp {
		url = fmt.Sprintf("sftp://%s:%s/~/%s/%s", j.address, j.port, j.there, j.tree.path(0))
		command = []string{"curl", "-sS", "-k", "--user", j.user + ":", "--key", j.key, "--pubkey", j.key + ".pub"}
	}
	local := filepath.Join(j.here, j.tree.path(0))
	if j.work == put {
		return append(command, "-T", local, url)
	}
	return append(command, "-o", local, url)
}

// opensshSFTP has one connection and no notion of what is up to date.
func opensshSFTP(_ *client, j *job) []string {
	if j.protocol != sftp || j.work == nothing {
		return nil
	}
	words := fmt.Sprintf("lcd %s\ncd %s\n", j.here, j.there)
	if j.work == get {
		words += "get -r *\n"
	} else {
		words += "put -r *\n"
	}
	batch := filepath.Join(j.scratch, "batch")
	if err := os.WriteFile(batch, []byte(words), 0o600); err != nil {
		return nil
	}
	return []string{"sftp", "-q", "-b", batch, "-P", j.port, "-i", j.key, "-o", "UserKnownHostsFile=" + j.knownHosts, j.user + "@" + j.address}
}

// versionOf is what a program says of itself in one line.
func versionOf(name string, arguments ...string) string {
	out, err := exec.Command(name, arguments...).CombinedOutput()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
