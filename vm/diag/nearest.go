package diag

import "strings"

// longestWord bounds the work of Nearest: no name that a script can use is longer.
const longestWord = 64

// Nearest returns the candidate that word was probably meant to be, "" if nothing
// is near. Case does not matter. A word may differ by about a third of its
// letters, at most three; two neighbours exchanged count as one difference. Of
// candidates equally near the first wins.
func Nearest(word string, candidates []string) string {
	if len(word) > longestWord {
		return ""
	}
	folded := strings.ToUpper(word)
	best, least := "", min(3, (len(word)+1)/3)+1
	for _, c := range candidates {
		if len(c) > longestWord || len(c)-len(word) >= least || len(word)-len(c) >= least {
			continue
		}
		if d := distance(folded, strings.ToUpper(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, change or exchange with their
// neighbour to turn a into b.
func distance(a, b string) int {
	var rows [3][longestWord*3 + 1]int // three: capitals may be longer than the letters they stand for
	before, last, row := &rows[0], &rows[1], &rows[2]
	if len(b) >= len(row) {
		return len(b)
	}
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
