package compiler

import (
	"fmt"
	"slices"

	"github.com/sftpc/sftpc/vm/diag"
)

// blocks matches the heads of blocks with their ENDs. A grammar could do it too,
// but it could only say that END IF was expected; this says which block is open
// since which line, and goes on.
type blocks struct {
	report    *reporter
	open      []*openBlock // outermost first; the first is the script itself
	functions []*functionStatement
	finishing bool
}

// openBlock is a block whose END has not come yet.
type openBlock struct {
	keyword string // IF, WHILE, FOREACH, FUNCTION, TRY; "" for the script
	head    diag.Span
	body    []statement   // of the script, the loop, or the arm at hand
	arms    []arm         // of an IF, the one at hand included
	caught  *tryStatement // of a TRY behind its CATCH, without the rest
	close   func(b *openBlock) statement
}

func newBlocks(report *reporter) *blocks {
	return &blocks{report: report, open: []*openBlock{{}}}
}

func (b *blocks) innermost() *openBlock { return b.open[len(b.open)-1] }

// add appends a statement to the innermost block.
func (b *blocks) add(s statement) {
	in := b.innermost()
	in.body = append(in.body, s)
}

// begin opens a block; close makes its statement when its END has come.
func (b *blocks) begin(keyword string, head diag.Span, close func(*openBlock) statement) {
	if len(b.open) == deepestNesting+1 {
		b.report.errorf(codeDeepBlocks, head, "", "more than %d blocks in each other", deepestNesting)
	}
	b.open = append(b.open, &openBlock{keyword: keyword, head: head, close: close})
}

func (b *blocks) beginIf(head diag.Span, condition expression) {
	b.begin("IF", head, func(in *openBlock) statement {
		in.endArm()
		return &ifStatement{node{in.head}, in.arms}
	})
	in := b.innermost()
	in.arms = []arm{{node: node{head}, condition: condition}}
}

func (b *blocks) beginWhile(head diag.Span, condition expression) {
	b.begin("WHILE", head, func(in *openBlock) statement {
		return &whileStatement{node{in.head}, condition, in.body}
	})
}

func (b *blocks) beginForEach(head diag.Span, item variable, list expression) {
	b.begin("FOREACH", head, func(in *openBlock) statement {
		return &forEachStatement{node{in.head}, item, list, in.body}
	})
}

// beginFunction opens a function, whose body is still to come. A function before it
// that is open still has lost its END.
func (b *blocks) beginFunction(made *functionStatement) {
	if !b.outermost("FUNCTION", made.span) {
		for b.isOpen("FUNCTION") {
			b.closeOne()
		}
	}
	b.begin("FUNCTION", made.span, func(in *openBlock) statement {
		made.body = in.body
		b.functions = append(b.functions, made)
		return made
	})
}

// outermost reports whether no block is open, and tells it if one is.
func (b *blocks) outermost(word string, at diag.Span) bool {
	in := b.innermost()
	if in.keyword == "" {
		return true
	}
	b.report.errorf(codeOutermost, at, fmt.Sprintf("END %s is missing above it, or it belongs elsewhere", in.keyword),
		"%s stands in the %s of line %d", word, in.keyword, b.line(in))
	return false
}

func (b *blocks) beginTry(head diag.Span) {
	b.begin("TRY", head, func(in *openBlock) statement {
		if in.caught == nil && b.finishing {
			return &tryStatement{node: node{in.head}, body: in.body} // its END was missed already
		}
		if in.caught == nil {
			b.report.errorf(codeNoCatch, in.head, "what is done after a failure stands between CATCH and END TRY", "this TRY has no CATCH")
			return &tryStatement{node: node{in.head}, body: in.body}
		}
		in.caught.handler = in.body
		return in.caught
	})
}

// catch begins the second part of the innermost TRY.
func (b *blocks) catch(at diag.Span, code *variable) {
	in := b.innermost()
	if in.keyword != "TRY" {
		if !b.isOpen("TRY") {
			b.report.errorf(codeStrayCatch, at, "", "CATCH stands outside of a TRY")
			return
		}
		b.report.errorf(codeStrayCatch, at, fmt.Sprintf("END %s is missing above it", in.keyword),
			"CATCH stands in the %s of line %d", in.keyword, b.line(in))
		for b.innermost().keyword != "TRY" {
			b.closeOne()
		}
		in = b.innermost()
	}
	if in.caught != nil {
		b.report.errorf(codeStrayCatch, at, "a TRY has one CATCH, for all failures", "CATCH stands behind the CATCH of the TRY of line %d", b.line(in))
		return
	}
	in.caught = &tryStatement{node: node{in.head}, body: in.body, catch: at, code: code}
	in.body = nil
}

// endArm gives the statements read since its head to the arm at hand.
func (in *openBlock) endArm() {
	in.arms[len(in.arms)-1].body = in.body
	in.body = nil
}

// otherwise begins the next arm of the innermost IF; condition is nil for ELSE.
func (b *blocks) otherwise(head diag.Span, condition expression) {
	word := "ELSE"
	if condition != nil {
		word = "ELSE IF"
	}
	in := b.innermost()
	if in.keyword != "IF" {
		if !b.isOpen("IF") {
			b.report.errorf(codeStrayElse, head, "", "%s stands outside of an IF", word)
			return
		}
		b.report.errorf(codeStrayElse, head, fmt.Sprintf("END %s is missing above it", in.keyword),
			"%s stands in the %s of line %d", word, in.keyword, b.line(in))
		for b.innermost().keyword != "IF" {
			b.closeOne()
		}
		in = b.innermost()
	}
	if in.arms[len(in.arms)-1].condition == nil {
		b.report.errorf(codeStrayElse, head, "ELSE is the last part of an IF", "%s stands behind the ELSE of the IF of line %d", word, b.line(in))
	}
	in.endArm()
	in.arms = append(in.arms, arm{node: node{head}, condition: condition})
}

// end closes the innermost block. If keyword names another one, that is reported;
// then either the END of the blocks between has been forgotten, or the word is
// wrong. Which one is guessed from what is open.
func (b *blocks) end(keyword string, at diag.Span) {
	in := b.innermost()
	switch {
	case in.keyword == "":
		b.report.errorf(codeStrayEnd, at, b.nearHead(keyword), "END %s closes nothing", keyword)
		return
	case in.keyword == keyword:
	case b.isOpen(keyword):
		b.report.errorf(codeWrongEnd, at, fmt.Sprintf("END %s is missing above it", in.keyword),
			"END %s closes the %s of line %d", keyword, in.keyword, b.line(in))
		for b.innermost().keyword != keyword {
			b.closeOne()
		}
	default:
		b.report.errorf(codeWrongEnd, at, "write END "+in.keyword,
			"END %s closes the %s of line %d", keyword, in.keyword, b.line(in))
	}
	b.closeOne()
}

// closeOne closes the innermost block, whatever it is. Blocks nested too deeply are
// left out of the tree, so that what walks it need not count.
func (b *blocks) closeOne() {
	in := b.innermost()
	b.open = b.open[:len(b.open)-1]
	if len(b.open) <= deepestNesting {
		b.add(in.close(in))
	}
}

// finish reports the blocks that are still open, outermost first, and returns the
// statements of the script.
func (b *blocks) finish() []statement {
	for _, in := range b.open[1:] {
		b.report.errorf(codeMissingEnd, in.head, "", "this %s has no END %s", in.keyword, in.keyword)
	}
	b.finishing = true
	for len(b.open) > 1 {
		b.closeOne()
	}
	return b.open[0].body
}

func (b *blocks) isOpen(keyword string) bool {
	return slices.ContainsFunc(b.open, func(in *openBlock) bool { return in.keyword == keyword })
}

func (b *blocks) line(in *openBlock) int {
	line, _ := b.report.file.Position(in.head.Start)
	return line
}

// nearHead looks among the commands before a stray END for one that was perhaps
// meant as its head: WHLIE($a) reads as a command.
func (b *blocks) nearHead(keyword string) string {
	for _, s := range slices.Backward(b.innermost().body) {
		if c, ok := s.(*commandStatement); ok && diag.Nearest(c.call.name, []string{keyword}) != "" {
			line, _ := b.report.file.Position(c.span.Start)
			return fmt.Sprintf("is %s in line %d a %s?", c.call.name, line, keyword)
		}
	}
	return "there is no " + keyword + " before it"
}
