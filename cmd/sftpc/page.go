package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sftpc/sftpc/builtins/catalog"
	"github.com/sftpc/sftpc/cmd/internal/app"
	"github.com/sftpc/sftpc/spec"
	"github.com/sftpc/sftpc/vm/diag"
)

type docVerb struct {
	Name string `arg:"" optional:"" help:"a command, or a page: language, results, compat, start, …"`
}

func (v *docVerb) do(p *app.Process) int {
	if v.Name == "" {
		v.list(p)
		return app.StatusGood
	}
	page, ok := spec.Page(strings.ToLower(v.Name))
	if !ok {
		var names []string
		for _, c := range catalog.Commands() {
			names = append(names, c.Name)
		}
		for _, name := range spec.Pages() {
			names = append(names, strings.ToUpper(name))
		}
		err := fmt.Errorf("no page about %s", v.Name)
		if where := pageOfCode(v.Name); where != "" {
			err = fmt.Errorf("no page about %s alone: it has a row in sftpc doc %s", v.Name, where)
		} else if near := diag.Nearest(strings.ToUpper(v.Name), names); near != "" {
			err = fmt.Errorf("no page about %s: did you mean %s?", v.Name, near)
		}
		return p.Refuse(app.StatusFound, err)
	}
	fmt.Fprint(p.Stdout, page)
	return app.StatusGood
}

// pageOfCode is the page with a row for a code of the compiler, or for a result by
// its code or name; "" if name is none of these.
func pageOfCode(name string) string {
	if len(name) == len("E0201") && strings.ContainsAny(name[:1], "EeWw") && strings.Trim(name[1:], "0123456789") == "" {
		return "errors"
	}
	for _, r := range catalog.Results() {
		if name == strconv.Itoa(r.Code) || strings.EqualFold(name, r.Name) {
			return "results"
		}
	}
	return ""
}

// list shows every command under its family, then the other pages.
func (v *docVerb) list(p *app.Process) {
	commands := catalog.Commands()
	slices.SortStableFunc(commands, func(a, b catalog.Command) int { return int(a.Family) - int(b.Family) })
	for i, c := range commands {
		if i == 0 || c.Family != commands[i-1].Family {
			if i > 0 {
				fmt.Fprintln(p.Stdout)
			}
			fmt.Fprintf(p.Stdout, "%s\n", strings.ToUpper(c.Family.String()[:1])+c.Family.String()[1:])
		}
		fmt.Fprintf(p.Stdout, "  %-18s %s\n", c.Name, c.Summary)
	}
	scripts := spec.Scripts()
	fmt.Fprintf(p.Stdout, "\nPages\n")
	for _, name := range spec.Pages() {
		if !slices.Contains(scripts, name) && name != "grammar" {
			fmt.Fprintf(p.Stdout, "  %-18s %s\n", name, spec.Title(name))
		}
	}
	fmt.Fprintf(p.Stdout, "\nScripts to begin with\n")
	for _, name := range scripts {
		fmt.Fprintf(p.Stdout, "  %-18s %s\n", name, spec.Title(name))
	}
	fmt.Fprintf(p.Stdout, "\nsftpc doc NAME shows one.\n")
}
