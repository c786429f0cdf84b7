package compiler

import (
	"fmt"
	"strings"

	"github.com/sftpc/sftpc/vm/diag"
)

// Codes of what resolving reports. They are stable: numbers are never reused.
const (
	codeUnknownCommand = "E0201"
	codeArity          = "E0202"
	codeUnknownWord    = "E0203"
	codeNotAConstant   = "E0204"
	codeNotAVariable   = "E0205"
	codeDoingCondition = "E0206"
	codeDuplicateLabel = "E0207"
	codeUnknownLabel   = "E0208"
	codeJumpIntoBlock  = "E0209"
	codeOutsideLoop    = "E0210"
	codeTooDeep        = "E0211"
	codeTooLarge       = "E0212"
	codeInternal       = "E0299"

	codeOutsideFunction = "E0213"
	codeGlobalPlace     = "E0214"
	codeFunctionName    = "E0215"
	codeParameterTwice  = "E0216"
	codeInclude         = "E0217"
	codeIncludeCircle   = "E0218"
	codeIncludeOutside  = "E0219"

	codeUnusedLabel   = "W0221"
	codeNeverAssigned = "W0222"
	codeExitStatus    = "W0223"
	codeNeverRuns     = "W0224"
	codeNotANumber    = "W0225"
	codeNotYetSet     = "W0226"
	codeHidesCommand  = "W0227"
	codeNeverCalled   = "W0228"
	codeIdleTry       = "W0229"
)

// didYouMean is the hint that names the nearest candidate, or the only one that
// begins with the word; else it is otherwise.
func didYouMean(word string, candidates []string, otherwise string) string {
	near := diag.Nearest(word, candidates)
	if near == "" && len(word) >= shortestStart {
		for _, c := range candidates {
			if len(c) < len(word) || !strings.EqualFold(c[:len(word)], word) {
				continue
			}
			if near != "" {
				return otherwise
			}
			near = c
		}
	}
	if near == "" {
		return otherwise
	}
	return "did you mean " + near + "?"
}

// shortestStart is how much of a name must be there to take it for its start.
const shortestStart = 4

// plural is "1 argument", "2 arguments".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
