package app

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sftpc/sftpc/vm/diag"
)

// bundleLine is the command line of sftpc-run.
type bundleLine struct {
	RunFlags
	Version bool `help:"show versions"`
}

const bundleExamples = `Examples:
  sftpc-run nightly.ftpc                            run a bundle
  sftpc-run --drive C=/srv/in nightly.ftpc          C: is the folder /srv/in
  sftpc-run --log nightly.log -q nightly.ftpc arg   tell the log, not the terminal

`

// RunBundles is the command sftpc-run: the flags of sftpc run, bundles only. It
// returns the exit status.
func RunBundles(p *Process) int {
	p.Name = "sftpc-run"
	// Asked alone, since kong would want a file first.
	if len(p.Args) == 1 && p.Args[0] == "--version" {
		fmt.Fprintln(p.Stdout, VersionLine("sftpc-run"))
		return StatusOK
	}
	var line bundleLine
	if len(p.Args) > 0 && !strings.HasPrefix(p.Args[0], "-") {
		// FILE comes first, so all behind it is the script's and there is nothing to
		// parse. Making kong's model would be a quarter of a short script's time.
		for _, arg := range p.Args {
			line.Command = append(line.Command, Word(arg))
		}
		return line.RunFlags.Run(p, nil)
	}
	exited := -1
	parser, err := kong.New(&line,
		kong.Name("sftpc-run"),
		kong.Description("Run a compiled transfer script."),
		kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(func(status int) { exited = status }),
		kong.Help(func(options kong.HelpOptions, context *kong.Context) error {
			io.WriteString(context.Stdout, bundleExamples)
			return PrintHelp(options, context)
		}),
	)
	if err != nil {
		return p.Refuse(StatusNotRun, err)
	}
	parser.Model.HelpFlag.Help = "show this help"
	parser.Model.Positional[0].Help = "a bundle, or - for standard input; all behind it is the script's" // run's takes scripts too
	_, err = parser.Parse(p.Args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(p.Stderr, "%s%s\nhint: sftpc-run --help\n", p.says(), diag.Escape(err.Error()))
		return StatusNotRun
	}
	return line.RunFlags.Run(p, nil)
}
