package value

import "strings"

// Separator stands between the items of a list.
const Separator = '|'

// NextItem cuts the item that starts at offset out of a list and returns where
// the one after it starts; ok is false when none is left. The empty text has no
// item, a text without a bar has one, "a||b" has three. Start with offset 0.
func NextItem(list string, offset int) (item string, next int, ok bool) {
	if len(list) == 0 || offset > len(list) || offset < 0 {
		return "", 0, false
	}
	rest := list[offset:]
	if i := strings.IndexByte(rest, Separator); i >= 0 {
		return rest[:i], offset + i + 1, true
	}
	return rest, len(list) + 1, true
}
