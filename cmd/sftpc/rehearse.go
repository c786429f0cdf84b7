package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/sftpc/sftpc/builtins"
	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/netio/session"
	"github.com/sftpc/sftpc/vm/bytecode"
	"github.com/sftpc/sftpc/vm/diag"
)

type rehearseVerb struct {
	Root            app.Word `placeholder:"ROOT" help:"the folder to rehearse in (default: a fresh temporary one)"`
	Copy            app.Word `placeholder:"DIR" help:"first copy DIR/hosts and DIR/drives into ROOT"`
	Expect          app.Word `placeholder:"DIR" help:"status 1 where the folders differ from DIR/hosts and DIR/drives afterwards"`
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
	defer root.Close()
	if file == "-" {
		p.Stdin = bytes.NewReader(script)
	}
	options.Environ = p.Getenv
	hosts := newRehearsalHosts(ctx, root)
	defer hosts.close()
	if err := confine(&options, root, hosts, v.texts(p, file, script)); err != nil {
		return p.Refuse(app.StatusUsage, err)
	}
	before, err := snapshot(root.Name())
	if err != nil {
		return p.Refuse(app.StatusFound, err)
	}
	stderr := &paragraphs{to: p.Stderr}
	p.Stderr = stderr
	kept := ""
	if v.Root == "" {
		kept = ", which stays and is yours to delete"
	}
	fmt.Fprintf(stderr, "rehearsing in %s%s\n\n", diag.Escape(root.Name()), kept)
	status := v.Execute(ctx, p, compile, file, args, options)
	hosts.close()
	if status == app.StatusNotRun {
		if v.Root == "" {
			os.RemoveAll(root.Name()) // there is nothing to look at
		}
		return status
	}
	after, err := snapshot(root.Name())
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

// makeRoot prepares ROOT.
func (v *rehearseVerb) makeRoot(p *app.Process) (*os.Root, error) {
	folder := p.Path(string(v.Root))
	var err error
	if v.Root == "" {
		folder, err = os.MkdirTemp("", "sftpc-rehearsal-")
	} else {
		err = os.MkdirAll(folder, 0o755)
	}
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	if err := v.fill(p, root); err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

// fill makes hosts and drives in ROOT, with what --copy says in them.
func (v *rehearseVerb) fill(p *app.Process, root *os.Root) error {
	found := false
	for _, top := range []string{"hosts", "drives"} {
		if _, err := makeFolder(root, top); err != nil {
			return err
		}
		from := filepath.Join(p.Path(string(v.Copy)), top)
		if info, err := os.Stat(from); v.Copy == "" || err != nil || !info.IsDir() {
			continue
		}
		found = true
		if err := copyTree(from, root, top); err != nil {
			return fmt.Errorf("--copy: %w", err)
		}
	}
	if v.Copy != "" && !found {
		return fmt.Errorf("--copy %s: neither hosts nor drives is in it", v.Copy)
	}
	return nil
}

// texts are the texts in the code of a script or bundle, in which drives and
// shares may be named; none where it does not compile, which is told later.
func (v *rehearseVerb) texts(p *app.Process, file string, script []byte) []string {
	var program *bytecode.Program
	if bytecode.IsBundle(script) {
		program, _ = bytecode.Load(bytes.NewReader(script))
	} else {
		program, _ = compileFile(p, file, script, v.Encoding)
	}
	if program == nil {
		return nil
	}
	return program.Consts
}

// drivePath finds what may be a drive or the path of a share in a text. What it
// finds too much costs an empty folder.
var drivePath = regexp.MustCompile(`(?:^|[^A-Za-z])([A-Za-z]):(?:[\\/]|$)|\\\\([A-Za-z0-9._-]+\\[A-Za-z0-9._$-]+)`)

// confine takes from the options whatever leads out of the rehearsal. Every
// drive and share that the script names, or that lies in ROOT already, is a
// folder below ROOT/drives; names without a drive are in ROOT/drives/local.
func confine(options *builtins.Options, root *os.Root, hosts *rehearsalHosts, texts []string) (err error) {
	options.Hosts = []string{"*"}
	options.Dial = hosts.dial
	options.Pretended = true
	options.Secret = rehearsedSecret
	options.SSH = session.SSHFiles{LocalUser: "rehearsal"} // who logs in where a script does not say
	options.WeakestTrust = session.TrustAny
	options.NoProxy = true
	options.Exec = builtins.ExecFiles
	if options.Root, err = makeFolder(root, localFolder); err != nil {
		return err
	}
	options.Drives, err = existingDrives(root)
	if err != nil {
		return err
	}
	for _, text := range texts {
		for _, found := range drivePath.FindAllStringSubmatch(text, -1) {
			name, folder := strings.ToUpper(found[1]), strings.ToUpper(found[1])
			if name == "" {
				server, share, _ := strings.Cut(strings.ToLower(found[2]), `\`)
				if strings.Trim(server, ".") == "" || strings.Trim(share, ".") == "" {
					continue // no share; the command that uses it says so
				}
				name, folder = shareName(server, share), server+"/"+share
			}
			if options.Drives[name] != "" {
				continue
			}
			if options.Drives[name], err = makeFolder(root, "drives/"+folder); err != nil {
				return err
			}
		}
	}
	return nil
}

// rehearsedSecret stands for every secret: a rehearsal needs none, and must not fetch
// what another program asks a person for.
func rehearsedSecret(_ context.Context, name string) (string, error) {
	return "rehearsed-" + name, nil
}

// existingDrives are the drives and shares that ROOT/drives holds already.
func existingDrives(root *os.Root) (map[string]string, error) {
	drives := map[string]string{}
	folders, err := fs.ReadDir(root.FS(), "drives")
	if err != nil {
		return nil, err
	}
	for _, folder := range folders {
		name := folder.Name()
		switch {
		case !folder.IsDir() || name == path.Base(localFolder):
		case len(name) == 1:
			drives[strings.ToUpper(name)] = filepath.Join(root.Name(), "drives", name)
		default:
			shares, err := fs.ReadDir(root.FS(), "drives/"+name)
			if err != nil {
				return nil, err
			}
			for _, share := range shares {
				if share.IsDir() {
					drives[shareName(name, share.Name())] = filepath.Join(root.Name(), "drives", name, share.Name())
				}
			}
		}
	}
	return drives, nil
}

// shareName is how a share is written.
func shareName(server, share string) string {
	return `\\` + strings.ToLower(server) + `\` + strings.ToLower(share)
}

// makeFolder makes a folder below root, named with slashes, and returns its path.
// A link that leads out of root is refused, since a rehearsal touches nothing else.
func makeFolder(root *os.Root, name string) (string, error) {
	err := root.MkdirAll(name, 0o755)
	if err == nil {
		_, err = root.Stat(name + "/.")
	}
	if err != nil {
		return "", fmt.Errorf("making %s in %s: %w", name, root.Name(), err)
	}
	return filepath.Join(root.Name(), filepath.FromSlash(name)), nil
}

// asExpected tells every difference between what is and what --expect says.
func (v *rehearseVerb) asExpected(p *app.Process, after tree) bool {
	want, err := snapshot(p.Path(string(v.Expect)))
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
