//go:build linux

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// heading says where and with what the tables were made.
func (b *bench) heading(now time.Time, pairs int) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s, %s, %d processors, %s, load %s, %d turns each\n\n", now.UTC().Format("2 January 2006 15:04 UTC"), processor(), runtime.NumCPU(), kernel(), load(), pairs)
	fmt.Fprintf(&s, "- sftpc: %s\n", b.ours.version)
	for _, c := range b.peers {
		fmt.Fprintf(&s, "- %s: %s\n", c.name, c.version)
	}
	fmt.Fprintf(&s, "- servers: vsftpd %s, OpenSSH %s\n", packaged("vsftpd"), packaged("openssh-server"))
	return s.String()
}

// packaged is the version of a server that the rig has unpacked.
func packaged(name string) string {
	found, _ := filepath.Glob(filepath.Join(os.Getenv("SFTPC_RIG_RUN"), "packages", name+"_*.deb"))
	if len(found) == 0 {
		return "of this machine"
	}
	return versionOf("dpkg-deb", "-f", found[0], "Version")
}

func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	out, _ := exec.Command("uname", "-sr").Output()
	return strings.TrimSpace(string(out))
}

func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// tables are the results, uploads in place and under another name apart.
func tables(results []result) string {
	var plain, atomic []result
	for _, r := range results {
		if r.atomic {
			atomic = append(atomic, r)
		} else {
			plain = append(plain, r)
		}
	}
	var s strings.Builder
	for _, t := range []struct {
		title   string
		results []result
	}{{"Uploads in place (OVERWRITE), as the peers do", plain}, {"Uploads under another name (ATOMIC), the peers in place", atomic}} {
		if len(t.results) == 0 {
			continue
		}
		fmt.Fprintf(&s, "\n%s:\n\n| row | work | sftpc | lftp | rclone | curl | sftp | ratio | goal | |\n|---|---|--:|--:|--:|--:|--:|--:|--:|---|\n", t.title)
		for _, r := range t.results {
			s.WriteString(line(r))
		}
	}
	return s.String()
}

func line(r result) string {
	var s strings.Builder
	fmt.Fprintf(&s, "| %s | %s | %s ", r.name, r.text(), cell(&r.ours))
	for _, name := range []string{"lftp", "rclone", "curl", "sftp"} {
		text := ""
		for i := range r.peers {
			if r.peers[i].client.name == name {
				text = cell(&r.peers[i])
			}
		}
		fmt.Fprintf(&s, "| %s ", text)
	}
	against, value := r.ratio()
	if against == "" {
		fmt.Fprintf(&s, "| | %.2f | nobody to compare with |\n", r.goal)
		return s.String()
	}
	verdict := "met"
	if value > r.goal {
		verdict = "MISSED"
	}
	if r.most > 0 && r.ours.resident > r.most {
		verdict = "MISSED (memory)"
	}
	fmt.Fprintf(&s, "| %.2f of %s | %.2f | %s |\n", value, against, r.goal, verdict)
	return s.String()
}

// ratio is that of ours to the peer of the goal: the one that is named, else the best.
func (r *result) ratio() (against string, value float64) {
	if r.ours.err != nil || len(r.ours.seconds) == 0 {
		return "", 0
	}
	best := -1
	for i := range r.peers {
		p := &r.peers[i]
		if p.err != nil || len(p.seconds) == 0 || r.against != "" && p.client.name != r.against {
			continue
		}
		if best < 0 || median(p.seconds) < median(r.peers[best].seconds) {
			best = i
		}
	}
	if best < 0 {
		return "", 0
	}
	return r.peers[best].client.name, ratio(r.ours.seconds, r.peers[best].seconds)
}

func cell(s *score) string {
	switch {
	case s.err != nil:
		return "failed"
	case len(s.seconds) == 0:
		return ""
	}
	return fmt.Sprintf("%.2f s, %d MiB", median(s.seconds), s.resident)
}

func progress(r result) string {
	against, value := r.ratio()
	if against == "" {
		return fmt.Sprintf("%s: sftpc %s\n", r.name, cell(&r.ours))
	}
	return fmt.Sprintf("%s: sftpc %s, %.2f of %s (goal %.2f)\n", r.name, cell(&r.ours), value, against, r.goal)
}
