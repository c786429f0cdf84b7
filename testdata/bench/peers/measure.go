//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sftpc/sftpc/testdata/bench/link"
)

// longestTurn is when a client is taken for hanging.
const longestTurn = 10 * time.Minute

// bench is one run of all rows.
type bench struct {
	sftpc, scratch string
	pairs          int
	only           []string
	link           *link.Link
	stop           <-chan os.Signal
	ours           *client
	peers          []*client
	key            string // a file, for SSH
}

// startServers starts them where the far end is. Their loopback is that end's own.
func (b *bench) startServers(rig string) error {
	return b.rig(rig, "up.sh", "vsftpd", "openssh")
}

func (b *bench) stopServers(rig string) { _ = b.rig(rig, "down.sh") }

func (b *bench) rig(dir, script string, arguments ...string) error {
	words := b.link.Far(append([]string{filepath.Join(dir, script)}, arguments...)...)
	command := exec.Command(words[0], words[1:]...)
	command.Env = append(os.Environ(), "SFTPC_RIG_HOST="+link.FarAddress, "SFTPC_RIG_HOST6=")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", script, err, out)
	}
	return nil
}

// copyKey copies the user's key to where nobody else can read it: OpenSSH wants that.
func (b *bench) copyKey() error {
	b.key = filepath.Join(b.scratch, "key")
	for _, end := range []string{"", ".pub"} {
		text, err := os.ReadFile(filepath.Join(os.Getenv("SFTPC_RIG_SSH"), "user_ed25519"+end))
		if err != nil {
			return err
		}
		if err := os.WriteFile(b.key+end, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// prepareClients finds out which peers there are.
func (b *bench) prepareClients() {
	b.ours = ours(b.sftpc)
	b.ours.version = versionOf(b.sftpc, "version")
	for _, c := range peerClients() {
		if len(b.only) > 0 && !slices.Contains(b.only, c.name) {
			continue
		}
		if _, err := exec.LookPath(c.name); err != nil {
			fmt.Fprintf(os.Stderr, "peers: %s is not installed and left out\n", c.name)
			continue
		}
		switch c.name {
		case "sftp":
			c.version = versionOf("ssh", "-V")
		default:
			c.version = versionOf(c.name, "--version")
		}
		if c.name == "rclone" {
			c.secret = versionOf("rclone", "obscure", os.Getenv("SFTPC_RIG_PASSWORD"))
		}
		b.peers = append(b.peers, c)
	}
}

// turn is what one client did once.
type turn struct {
	seconds  float64
	resident int // MiB at most, of its largest process
	err      error
}

// score is what one client did in a row.
type score struct {
	client   *client
	seconds  []float64
	resident int
	err      error // the first; then nothing of it counts
}

// result is a row when it is over.
type result struct {
	row
	ours  score
	peers []score
}

// measure lets all clients that can do a row take turns. The first round is not counted.
func (b *bench) measure(r row) (result, error) {
	now := time.Now()
	stage, err := b.stage(&r, now)
	if err != nil {
		return result{}, err
	}
	defer stage.clear()
	got := result{row: r, ours: score{client: b.ours}}
	scores := []*score{&got.ours}
	for _, c := range b.peers {
		if stage.job(c) != nil {
			got.peers = append(got.peers, score{client: c})
		}
	}
	for i := range got.peers {
		scores = append(scores, &got.peers[i])
	}
	for round := range b.pairs + 1 {
		for i := range scores {
			s := scores[(i+round)%len(scores)]
			if s.err != nil {
				continue
			}
			select {
			case <-b.stop:
				return result{}, errors.New("broken off")
			default:
			}
			t := b.turn(stage, s.client)
			if t.err != nil {
				s.err = t.err
				fmt.Fprintf(os.Stderr, "%s: %s failed: %v\n", r.name, filepath.Base(s.client.name), t.err)
				continue
			}
			if round > 0 {
				s.seconds = append(s.seconds, t.seconds)
				s.resident = max(s.resident, t.resident)
			}
		}
	}
	return got, nil
}

// turn does a job once and looks at what came of it.
func (b *bench) turn(s *stage, c *client) (t turn) {
	if t.err = s.empty(); t.err != nil {
		return t
	}
	words := s.job(c)
	wrap := b.link.Far
	if s.far {
		wrap = b.link.Near
	}
	words = wrap(words...)
	command := exec.Command(words[0], words[1:]...)
	command.Dir = s.scratch
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.scratch, "LANG=C.UTF-8", "TERM=dumb"}
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var told bytes.Buffer
	command.Stdout, command.Stderr = &told, &told
	command.WaitDelay = time.Second
	start := time.Now()
	if t.err = command.Start(); t.err != nil {
		return t
	}
	end := time.AfterFunc(longestTurn, func() { _ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) })
	err := command.Wait()
	t.seconds = time.Since(start).Seconds()
	end.Stop()
	if err != nil {
		t.err = fmt.Errorf("%w: %s", err, lastLines(told.String()))
		return t
	}
	if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		t.resident = int(usage.Maxrss >> 10)
	}
	t.err = s.check(c)
	return t
}

func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " | ")
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// ratio is the median of ours to theirs, turn by turn.
func ratio(ours, theirs []float64) float64 {
	var each []float64
	for i := range min(len(ours), len(theirs)) {
		each = append(each, ours[i]/theirs[i])
	}
	return median(each)
}
