package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/vm/diag"
)

func main() {
	p, err := app.System()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sftpc:", err)
		os.Exit(app.StatusNotRun)
	}
	os.Exit(sftpc(p))
}

// verb is what a command line selects.
type verb interface {
	do(p *app.Process) (status int)
}

// commandLine is the table of verbs; groups are the headings of the help.
type commandLine struct {
	Run      runVerb      `cmd:"" group:"run" help:"run a script or bundle"`
	Rehearse rehearseVerb `cmd:"" group:"run" help:"run a script against embedded servers, touching nothing else"`
	Serve    serveVerb    `cmd:"" group:"run" help:"serve a folder over FTP on this machine, to try scripts with"`
	Doctor   doctorVerb   `cmd:"" group:"run" help:"find out what works with a server, or on this machine"`
	Trust    trustVerb    `cmd:"" group:"run" help:"show what a server proves itself with, and record it"`

	Check   checkVerb   `cmd:"" group:"compile" help:"tell the mistakes in scripts"`
	Fmt     fmtVerb     `cmd:"" group:"compile" help:"write scripts in the one layout"`
	Build   buildVerb   `cmd:"" group:"compile" help:"compile a script into a bundle"`
	Inspect inspectVerb `cmd:"" group:"compile" help:"show what a bundle holds and may touch"`

	Doc        docVerb        `cmd:"" group:"learn" help:"show the page of a command, or the list of all"`
	Version    versionVerb    `cmd:"" group:"learn" help:"show versions"`
	Completion completionVerb `cmd:"" group:"learn" help:"print a completion script for a shell"`
}

const examples = `Examples:
  sftpc rehearse nightly.ftp                        try a script; no server, no risk
  sftpc run --drive C=/srv/in nightly.ftp           run it; C: is the folder /srv/in
  sftpc build nightly.ftp -o nightly.ftpc           compile it for sftpc-run

`

// sftpc runs one command line and returns the exit status.
func sftpc(p *app.Process) int {
	var line commandLine
	exited := -1
	parser, err := kong.New(&line,
		kong.Name("sftpc"),
		kong.Description("Automated file transfer in small scripts, compatible with ScriptFTP's."),
		kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(func(status int) { exited = status }),
		kong.ExplicitGroups([]kong.Group{{Key: "run", Title: "Run:"}, {Key: "compile", Title: "Compile:"}, {Key: "learn", Title: "Learn:"}}),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Help(help),
	)
	if err != nil {
		return p.Refuse(app.StatusUsage, err)
	}
	parser.Model.HelpFlag.Help = "show this help"
	args := p.Args
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help": // what many type first
		args = append(slices.Clone(args[1:]), "--help")
	case len(args) == 1 && args[0] == "--version":
		args = []string{"version"}
	}
	context, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		meant := meantVerb(parser, args)
		fmt.Fprintf(p.Stderr, "sftpc: %s\nhint: sftpc %s\n", diag.Escape(err.Error()), strings.TrimSpace(meant+" --help"))
		return usageStatus(meant)
	}
	return context.Selected().Target.Addr().Interface().(verb).do(p)
}

// help shows the examples first where the whole command is asked about.
func help(options kong.HelpOptions, context *kong.Context) error {
	if context.Selected() == nil {
		io.WriteString(context.Stdout, examples)
	}
	return app.PrintHelp(options, context)
}

// meantVerb is the verb that a wrong command line seems to mean, "" if none.
func meantVerb(parser *kong.Kong, args []string) string {
	for _, a := range args {
		for _, verb := range parser.Model.Children {
			if verb.Name == a {
				return a
			}
		}
	}
	return ""
}

// usageStatus is the status of a wrong command line: run's differs, because its
// small numbers are the script's.
func usageStatus(verb string) int {
	if verb == "run" {
		return app.StatusNotRun
	}
	return app.StatusUsage
}
