//go:build linux

// Command peers compares sftpc with the programs that people move files with: lftp,
// rclone, curl and OpenSSH's sftp, as whole processes, against the same servers, over
// the same number of connections. All clients of a row take turns, so that a machine
// whose speed drifts drifts for all of them; after each turn what arrived is compared
// with what was sent, byte by byte. A client that failed, or left anything else, is
// shown as failed and its time is not.
//
//	peers -bin DIR -rig DIR [-rows NAME,NAME] [-pairs N] [-out FILE]
//
// Needs Linux and root. testdata/bench/peers.sh installs what is needed and calls it.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sftpc/sftpc/testdata/bench/link"
)

type flags struct {
	bin, rig, rows, out, only string
	pairs                     int
	list                      bool
}

func main() {
	var f flags
	flag.StringVar(&f.bin, "bin", "../../bin", "where sftpc is")
	flag.StringVar(&f.rig, "rig", "../servers", "where up.sh and down.sh of the servers are")
	flag.StringVar(&f.rows, "rows", "", "names of rows, or beginnings of names, between commas or blanks; all if empty")
	flag.StringVar(&f.only, "clients", "", "names of clients beside sftpc, likewise")
	flag.StringVar(&f.out, "out", "", "a file that gets the tables too")
	flag.IntVar(&f.pairs, "pairs", 5, "how many turns each client has")
	flag.BoolVar(&f.list, "list", false, "list the rows and leave")
	flag.Parse()
	if err := run(f); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(f flags) (err error) {
	rows := chosen(allRows(), f.rows)
	if f.list {
		for _, r := range rows {
			fmt.Printf("%-20s %s\n", r.name, r.text())
		}
		return nil
	}
	if len(rows) == 0 {
		return fmt.Errorf("no row is called %q: -list lists them", f.rows)
	}
	b := &bench{pairs: f.pairs, only: words(f.only)}
	if b.sftpc, err = filepath.Abs(filepath.Join(f.bin, "sftpc")); err != nil {
		return err
	}
	homes := os.Getenv("SFTPC_RIG_HOMES")
	if homes == "" {
		return fmt.Errorf("SFTPC_RIG_HOMES is not set: call it through peers.sh")
	}
	if b.scratch, err = os.MkdirTemp(filepath.Dir(homes), "sftpc-peers-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.scratch)
	if b.link, err = link.Up(link.Shape{RTT: farRTT, Rate: farRate}); err != nil {
		return err
	}
	defer b.link.Close()
	// A run that is broken off leaves no namespace and no server either.
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	b.stop = stop

	if err := b.startServers(f.rig); err != nil {
		return err
	}
	defer b.stopServers(f.rig)
	if err := b.copyKey(); err != nil {
		return err
	}
	b.prepareClients()

	var report strings.Builder
	say := func(text string) {
		fmt.Print(text)
		report.WriteString(text)
	}
	say(b.heading(time.Now(), f.pairs))
	var results []result
	for _, r := range rows {
		got, err := b.measure(r)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		results = append(results, got)
		fmt.Fprint(os.Stderr, progress(got))
	}
	say(tables(results))
	if lost := b.link.Lost(); lost > 0 {
		say(fmt.Sprintf("\nThe queues of the line dropped %d packets in all.\n", lost))
	}
	if f.out != "" {
		return os.WriteFile(f.out, []byte(report.String()), 0o644)
	}
	return nil
}

func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// chosen are the rows whose names begin with one of the words.
func chosen(rows []row, list string) []row {
	wanted := words(list)
	if len(wanted) == 0 {
		return rows
	}
	var some []row
	for _, r := range rows {
		for _, w := range wanted {
			if strings.HasPrefix(r.name, w) {
				some = append(some, r)
				break
			}
		}
	}
	return some
}
