package main

import (
	"fmt"

	"github.com/sftpc/sftpc/cmd/internal/app"
)

type versionVerb struct{}

func (v *versionVerb) do(p *app.Process) int {
	fmt.Fprintln(p.Stdout, app.VersionLine("sftpc"))
	return app.StatusGood
}
