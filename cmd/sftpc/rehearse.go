package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/sftpc/sftpc/builtins"
	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/vm/diag"
)

type rehearseVerb struct {
	Root            string `placeholder:"ROOT" help:"the folder to rehearse in (default: a fresh temporary one)"`
	Copy            string `placeholder:"DIR" help:"first copy DIR/hosts and DIR/drives into ROOT"`
	Expect          string `placeholder:"DIR" help:"status 1 where the folders differ from DIR/hosts and DIR/drives afterwards"`
	app.ScriptFlags `embed:""`
}

// do runs a script in a world of its own: every host is an embedded server with
// ROOT/hosts/NAME behind it, every drive is ROOT/drives/NAME, and nothing else of
// this machine can be reached.
func (v *rehearseVerb) do(p *app.Process) int {
	ctx, stop := app.WithSignals(context.Background())
	defer stop()
	file, args, err := v.Target()
	if err != nil {
		return p.Refuse(app.StatusUsage, err)
	}
	options, err := v.Options(p)
	if err != nil {
		return p.Refuse(app.StatusUsage, err)
	}
	script, err := p.ReadFile(file)
	if err != nil {
		return p.Refuse(app.StatusUsage, err)
	}
	root, err := v.makeRoot(p)
	if err != nil {
		return p.Refuse(app.StatusUsage, err)
	}
	if file == "-" {
		p.Stdin = bytes.NewReader(script)
	}
	options.Environ = p.Getenv
	hosts := newRehearsalHosts(ctx, filepath.Join(root, "hosts"))
	defer hosts.close()
	if err := confine(&options, root, hosts, script); err != nil {
		return p.Refuse(app.StatusUsage, err)
	}
	before, err := snapshot(root)
	if err != nil {
		return p.Refuse(app.StatusFound, err)
	}
	stderr := &paragraphs{to: p.Stderr}
	p.Stderr = stderr
	fmt.Fprintf(stderr, "rehearsing in %s\n\n", diag.Escape(root))
	status := v.Execute(ctx, p, compile, file, args, options)
	hosts.close()
	if status == app.StatusNotRun {
		if v.Root == "" {
			os.RemoveAll(root) // there is nothing to look at
		}
		return status
	}
	after, err := snapshot(root)
	if err != nil {
		return p.Refuse(app.StatusFound, err)
	}
	stderr.newParagraph()
	showChanges(stderr, before, after)
	if v.Expect != "" {
		if !v.asExpected(p, after) && status == app.StatusOK {
			status = app.StatusFound
		}
	}
	return status
}

// paragraphs remembers whether what was written ends in an empty line, so that
// there is exactly one before what comes next.
type paragraphs struct {
	to  io.Writer
	end string // the last two bytes
}

func (w *paragraphs) Write(data []byte) (int, error) {
	w.end += string(data[max(0, len(data)-2):])
	w.end = w.end[max(0, len(w.end)-2):]
	return w.to.Write(data)
}

func (w *paragraphs) newParagraph() {
	if w.end != "\n\n" {
		io.WriteString(w, "\n")
	}
}

// makeRoot prepares ROOT with hosts and drives in it.
func (v *rehearseVerb) makeRoot(p *app.Process) (string, error) {
	root := v.Root
	if root == "" {
		fresh, err := os.MkdirTemp("", "sftpc-rehearsal-")
		if err != nil {
			return "", err
		}
		root = fresh
	}
	root = p.Path(root)
	for _, folder := range []string{"hosts", "drives"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			return "", err
		}
	}
	if v.Copy != "" {
		found := false
		for _, folder := range []string{"hosts", "drives"} {
			from := filepath.Join(p.Path(v.Copy), folder)
			if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) {
				continue
			}
			found = true
			if err := copyTree(from, filepath.Join(root, folder)); err != nil {
				return "", fmt.Errorf("--copy: %w", err)
			}
		}
		if !found {
			return "", fmt.Errorf("--copy %s: neither hosts nor drives is in it", v.Copy)
		}
	}
	return root, nil
}

// drivePath finds what may be a path on a drive or a share in the text of a
// script or the texts of a bundle. What it finds too much costs an empty folder.
var drivePath = regexp.MustCompile(`[A-Za-z]:[\\/]|\\\\[A-Za-z0-9._-]+\\[A-Za-z0-9._$-]+`)

// confine takes from the options whatever leads out of the rehearsal. Every
// drive and share that the script names, or that lies in ROOT already, is a
// folder below ROOT/drives; names without a drive are in ROOT/drives/local.
func confine(options *builtins.Options, root string, hosts *rehearsalHosts, script []byte) error {
	options.Root = filepath.Join(root, "drives", "local")
	options.Hosts = []string{"*"}
	options.Dial = hosts.dial
	options.Exec = builtins.ExecFiles
	options.Drives = map[string]string{}
	for _, found := range drivePath.FindAllString(string(script), -1) {
		if share, ok := strings.CutPrefix(strings.ToLower(found), `\\`); ok {
			server, name, _ := strings.Cut(share, `\`)
			options.Drives[`\\`+share] = filepath.Join(root, "drives", server, name)
		} else {
			letter := strings.ToUpper(found[:1])
			options.Drives[letter] = filepath.Join(root, "drives", letter)
		}
	}
	folders, err := filepath.Glob(filepath.Join(root, "drives", "*"))
	if err != nil {
		return err
	}
	for _, folder := range folders {
		name := filepath.Base(folder)
		if len(name) == 1 {
			options.Drives[strings.ToUpper(name)] = folder
			continue
		}
		shares, err := filepath.Glob(filepath.Join(folder, "*"))
		if err != nil {
			return err
		}
		for _, share := range shares {
			if name != "local" {
				options.Drives[`\\`+strings.ToLower(name+`\`+filepath.Base(share))] = share
			}
		}
	}
	for _, folder := range options.Drives {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	return os.MkdirAll(options.Root, 0o755)
}

// asExpected tells every difference between what is and what --expect says.
func (v *rehearseVerb) asExpected(p *app.Process, after tree) bool {
	want, err := snapshot(p.Path(v.Expect))
	if err != nil {
		fmt.Fprintf(p.Stderr, "sftpc: --expect: %v\n", err)
		return false
	}
	differences := compareTrees(want, after)
	for _, d := range differences {
		fmt.Fprintf(p.Stderr, "not as expected: %s\n", d)
	}
	return len(differences) == 0
}
