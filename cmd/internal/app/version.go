package app

import (
	"fmt"
	"runtime"

	"github.com/sftpc/sftpc/vm/bytecode"
)

// Version is the version of both commands.
const Version = "0.1.0"

// VersionLine is what version prints: the command, the language, the bundle
// format and what it was built with.
func VersionLine(name string) string {
	return fmt.Sprintf("%s %s (language %s, bundle format %d.%d, %s %s/%s)", name, Version,
		bytecode.LanguageVersion, bytecode.FormatMajor, bytecode.FormatMinor, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
