// Command bench compares sftpc with programs that people know, pair by pair in
// one run: A B A B …, so that a machine whose speed drifts drifts for both. It
// prints the median of each and the median of the pairs' ratios.
//
//	bench -bin DIR [-ftp HOST:PORT -user NAME -password WORD] [-pairs N]
//
// What is not installed is left out by name.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// contest is a pair of commands that do the same work.
type contest struct {
	name      string
	ours      []string
	theirs    []string
	tool      string        // what must be installed
	goal      float64       // the most that ours may take, in times of theirs; 0: a difference is the goal
	goalDelta time.Duration // with goal 0: the most that ours may take longer
	check     func(ours string, theirs string) error
	prepare   func() error // before each run, not timed
}

type flags struct {
	bin, ftp, user, password, without, scratch string
	pairs                                      int
	megabytes                                  int
}

func main() {
	var f flags
	flag.StringVar(&f.bin, "bin", "bin", "where sftpc and sftpc-run are")
	flag.StringVar(&f.ftp, "ftp", "", "address of an FTP server for the transfers")
	flag.StringVar(&f.user, "user", "", "its user")
	flag.StringVar(&f.password, "password", "", "its password")
	flag.StringVar(&f.without, "without", "no -ftp", "why there is no server")
	flag.IntVar(&f.pairs, "pairs", 31, "how many pairs")
	flag.IntVar(&f.megabytes, "size", 512, "MiB of the transferred file")
	flag.Parse()
	if err := run(f); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(f flags) (err error) {
	if f.bin, err = filepath.Abs(f.bin); err != nil {
		return err
	}
	if f.scratch, err = os.MkdirTemp(scratchParent(), "sftpc-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(f.scratch)
	contests, err := contests(f)
	if err != nil {
		return err
	}
	fmt.Printf("%s %s/%s, %d processors, %d pairs\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), f.pairs)
	fmt.Printf("| work | ours | theirs | median ratio | goal |\n|---|---|---|---|---|\n")
	failed := false
	for _, c := range contests {
		if _, err := exec.LookPath(c.tool); err != nil {
			fmt.Printf("| %s | left out: %s is not installed | | | |\n", c.name, c.tool)
			continue
		}
		ok, err := c.run(f.pairs)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		failed = failed || !ok
	}
	if failed {
		fmt.Println("\nnot every goal was met")
	}
	return nil
}

// scratchParent prefers memory to a disk, which would be measured instead.
func scratchParent() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}

func (c *contest) run(pairs int) (met bool, err error) {
	var ours, theirs, ratios []float64
	for i := range pairs + 1 {
		a, outA, err := c.once(c.ours)
		if err != nil {
			return false, err
		}
		b, outB, err := c.once(c.theirs)
		if err != nil {
			return false, err
		}
		if c.check != nil {
			if err := c.check(outA, outB); err != nil {
				return false, err
			}
		}
		if i == 0 {
			continue // warm-up
		}
		ours, theirs, ratios = append(ours, a), append(theirs, b), append(ratios, a/b)
	}
	a, b, ratio := median(ours), median(theirs), median(ratios)
	goal := fmt.Sprintf("at most %.2f", c.goal)
	met = ratio <= c.goal
	if c.goal == 0 {
		var differences []float64
		for i := range ours {
			differences = append(differences, ours[i]-theirs[i])
		}
		delta := median(differences)
		goal = fmt.Sprintf("at most %s longer; is %.2f ms", c.goalDelta, delta*1000)
		met = delta <= c.goalDelta.Seconds()
	}
	word := "met"
	if !met {
		word = "MISSED"
	}
	fmt.Printf("| %s | %.1f ms | %.1f ms | %.2f | %s: %s |\n", c.name, a*1000, b*1000, ratio, goal, word)
	return met, nil
}

func (c *contest) once(command []string) (seconds float64, out string, err error) {
	if c.prepare != nil {
		if err := c.prepare(); err != nil {
			return 0, "", err
		}
	}
	run := exec.Command(command[0], command[1:]...)
	var stderr strings.Builder
	run.Stderr = &stderr
	start := time.Now()
	data, err := run.Output()
	took := time.Since(start)
	if err != nil {
		return 0, "", fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, stderr.String())
	}
	return took.Seconds(), string(data), nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

func sameOutput(ours, theirs string) error {
	if strings.TrimSpace(ours) != strings.TrimSpace(theirs) {
		return fmt.Errorf("ours printed %q, theirs %q", ours, theirs)
	}
	return nil
}

var errSize = errors.New("the transferred file has another size")
