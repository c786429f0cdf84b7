package localfs

import (
	"errors"
	"strings"
)

// written is a path as a script wrote it, taken apart. It is pure syntax: which
// drives exist and what the current directory is does not matter here.
type written struct {
	drive     string   // "C:" or `\\server\share`, as written; "" without
	rooted    bool     // a separator comes before the first part
	backslash bool     // and it is a backslash
	parts     []string // neither empty nor "."; ".." stays
}

// parseWritten takes a path apart. `\` and `/` both separate on every system,
// and a letter with a colon is a drive on every system, so that a script means
// the same everywhere.
//
// A share begins with two backslashes. Two slashes do so on Windows only: on
// other systems they come from joining "/" to a folder that ends in one.
func parseWritten(text, system string) (written, error) {
	var w written
	switch {
	case text == "":
		return w, errors.New("the path is empty")
	case strings.IndexByte(text, 0) >= 0:
		return w, errors.New("the path holds a NUL byte")
	}
	rest := text
	if isShare(text, system) {
		server, after := cutPart(text[2:])
		share, after := cutPart(after)
		switch {
		case server == "?" || server == ".":
			return w, errors.New("device paths are not supported")
		case server == ".." || share == "" || share == "." || share == "..":
			return w, errors.New(`a share is written \\server\share`)
		}
		w.drive, w.rooted, rest = `\\`+server+`\`+share, true, after
	} else if len(text) >= 2 && text[1] == ':' && isLetter(text[0]) {
		w.drive, rest = text[:2], text[2:]
	}
	if rest != "" && isSeparator(rest[0]) {
		w.rooted, w.backslash = true, rest[0] == '\\'
	}
	for rest != "" {
		var part string
		if part, rest = cutPart(rest); part != "" && part != "." {
			w.parts = append(w.parts, part)
		}
	}
	return w, nil
}

func isShare(text, system string) bool {
	if len(text) < 3 || !isSeparator(text[0]) || !isSeparator(text[1]) || isSeparator(text[2]) {
		return false
	}
	return text[:2] == `\\` || system == "windows"
}

// cutPart returns the text before the first separator and that behind it.
func cutPart(text string) (part, rest string) {
	if at := strings.IndexAny(text, `\/`); at >= 0 {
		return text[:at], text[at+1:]
	}
	return text, ""
}

func isSeparator(c byte) bool { return c == '\\' || c == '/' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// cleanParts carries out "..", which stops at the root, and drops "." and empty
// parts. Links are not looked at: x\.. is where x was written.
func cleanParts(parts []string) []string {
	var clean []string
	for _, part := range parts {
		switch part {
		case "", ".":
		case "..":
			clean = clean[:max(0, len(clean)-1)]
		default:
			clean = append(clean, part)
		}
	}
	return clean
}

// driveKey is what two ways of writing a drive or share have in common: C, c:
// and C:\ are the same, as are \\Server\Share and //server/share.
func driveKey(drive string) string {
	return strings.TrimSuffix(strings.ToUpper(strings.TrimRight(strings.ReplaceAll(drive, "/", `\`), `\`)), ":")
}

// isDriveKey reports whether key is a letter or a server and a share.
func isDriveKey(key string) bool {
	if len(key) == 1 {
		return isLetter(key[0])
	}
	server, share, ok := strings.Cut(strings.TrimPrefix(key, `\\`), `\`)
	return ok && strings.HasPrefix(key, `\\`) && server != "" && share != "" && !strings.Contains(share, `\`)
}

// driveName is how a drive is shown: letters in capitals, shares as they are.
func driveName(drive string) string {
	if key := driveKey(drive); len(key) == 1 {
		return key + ":"
	}
	return strings.TrimRight(strings.ReplaceAll(drive, "/", `\`), `\`)
}
