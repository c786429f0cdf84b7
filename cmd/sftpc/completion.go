package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/cmd/internal/app"
)

type completionVerb struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish"`
}

// do prints a script made from the same table as the help.
func (v *completionVerb) do(p *app.Process) int {
	verbs, flags := completions()
	var pages []string
	for _, c := range catalog.Commands() {
		pages = append(pages, strings.ToLower(c.Name))
	}
	switch v.Shell {
	case "fish":
		fmt.Fprintf(p.Stdout, "complete -c sftpc -n __fish_use_subcommand -a '%s'\n", strings.Join(verbs, " "))
		for _, verb := range verbs {
			for _, flag := range flags[verb] {
				fmt.Fprintf(p.Stdout, "complete -c sftpc -n '__fish_seen_subcommand_from %s' -l %s\n", verb, strings.TrimPrefix(flag, "--"))
			}
		}
		fmt.Fprintf(p.Stdout, "complete -c sftpc -n '__fish_seen_subcommand_from doc' -f -a '%s'\n", strings.Join(pages, " "))
	default:
		if v.Shell == "zsh" {
			fmt.Fprintln(p.Stdout, "autoload -U +X bashcompinit && bashcompinit")
		}
		fmt.Fprintf(p.Stdout, "_sftpc() {\n  local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]}\n  COMPREPLY=()\n")
		fmt.Fprintf(p.Stdout, "  if [ \"$COMP_CWORD\" = 1 ]; then COMPREPLY=($(compgen -W '%s' -- \"$word\")); return; fi\n  case $verb in\n", strings.Join(verbs, " "))
		fmt.Fprintf(p.Stdout, "  doc) COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", strings.Join(pages, " "))
		for _, verb := range verbs {
			if len(flags[verb]) > 0 {
				fmt.Fprintf(p.Stdout, "  %s) [ \"${word:0:1}\" = - ] && COMPREPLY=($(compgen -W '%s' -- \"$word\")) ;;\n", verb, strings.Join(flags[verb], " "))
			}
		}
		fmt.Fprintf(p.Stdout, "  esac\n}\ncomplete -o default -F _sftpc sftpc\n")
	}
	return app.StatusGood
}

// completions are the verbs and the flags of each, from the command line's model.
func completions() (verbs []string, flags map[string][]string) {
	flags = map[string][]string{}
	model, err := kong.New(&commandLine{}, kong.Name("sftpc"))
	if err != nil {
		return nil, nil
	}
	for _, verb := range model.Model.Children {
		verbs = append(verbs, verb.Name)
		for _, flag := range verb.Flags {
			flags[verb.Name] = append(flags[verb.Name], "--"+flag.Name)
		}
	}
	return verbs, flags
}
