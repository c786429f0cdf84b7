// Command sftpc-run runs bundles made by sftpc build. It takes the flags of
// sftpc run, and links no compiler: what it cannot do cannot be made to go wrong.
package main

import (
	"fmt"
	"os"

	"github.com/sftpc/sftpc/cmd/internal/app"
)

func main() {
	p, err := app.System()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sftpc-run:", err)
		os.Exit(app.StatusNotRun)
	}
	os.Exit(app.RunBundles(p))
}
