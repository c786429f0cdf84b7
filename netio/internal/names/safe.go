package names

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// MaxLength is the longest name accepted, in bytes: the limit of every common
// file system.
const MaxLength = 255

// SafeName reports why name, which came from outside, must not become the name of
// a file on the system goos (as runtime.GOOS spells it); nil if it may. A safe
// name is exactly one component: joined to a folder it stays in that folder, and
// it denotes a file and no device or stream.
//
// CR and LF are refused on every system: no command of the protocol could ask for
// such a file, and a listing holding one is forged or broken.
func SafeName(name, goos string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case name == "." || name == "..":
		return errors.New("the name means a directory, not a file in it")
	case len(name) > MaxLength:
		return errors.New("the name is longer than 255 bytes")
	}
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case 0:
			return errors.New("the name holds a NUL byte")
		case '\r', '\n':
			return errors.New("the name holds a line end")
		case '/':
			return errors.New("the name holds a slash")
		}
	}
	if goos == "windows" {
		return safeOnWindows(name)
	}
	return nil
}

// safeOnWindows adds what Windows treats in a special way.
func safeOnWindows(name string) error {
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '\\':
			return errors.New("the name holds a backslash")
		case c == ':':
			// C:x leaves the folder, x:y is a hidden stream of x.
			return errors.New("the name holds a colon")
		case c < ' ' || strings.IndexByte(`<>"|?*`, c) >= 0:
			return errors.New("the name holds a character that Windows does not allow")
		}
	}
	// Windows drops these silently, so the name would denote another file.
	if last := name[len(name)-1]; last == '.' || last == ' ' {
		return errors.New("the name ends in a dot or a blank")
	}
	if isDevice(name) {
		return errors.New("the name is a device's")
	}
	return nil
}

// isDevice reports whether Windows would open a device: the base name up to the
// first dot decides, blanks before the dot do not count, and neither does case.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	if !strings.HasPrefix(base, "COM") && !strings.HasPrefix(base, "LPT") {
		return false
	}
	digit, size := utf8.DecodeRuneInString(base[3:])
	if size == 0 || 3+size != len(base) {
		return false
	}
	// Windows takes superscript one to three for digits here.
	return digit >= '0' && digit <= '9' || digit == '¹' || digit == '²' || digit == '³'
}
