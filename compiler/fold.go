package compiler

import "github.com/sftpc/sftpc/vm/value"

// Folding computes at compile time what does not depend on the run, with the
// functions of vm/value that the machine uses, so the two cannot differ. It leaves
// alone whatever the run would have something to say about: an operation that
// fails, and arithmetic on a text that is no number.

// fold returns the operand simplified; the given one is never changed.
func fold(o operand) operand {
	switch o := o.(type) {
	case *operation:
		return foldOperation(o)
	case *inversion:
		return foldInversion(o)
	case *joined:
		return foldJoined(o)
	case *site:
		return foldSite(o)
	case *invocation:
		folded := *o
		folded.args = foldAll(o.args)
		return &folded
	}
	return o
}

// constantOf is the operand's text where it is known before the run, whether or
// not folding is asked for.
func constantOf(o operand) (string, bool) {
	c, ok := fold(o).(*constant)
	if !ok {
		return "", false
	}
	return c.text, true
}

// foldSite folds the arguments. The copy shares the site's identity: the report
// and the looked-at bit are settled by then.
func foldSite(s *site) operand {
	folded := *s
	folded.args = foldAll(s.args)
	return &folded
}

func foldAll(list []operand) []operand {
	folded := make([]operand, len(list))
	for i, o := range list {
		folded[i] = fold(o)
	}
	return folded
}

func foldOperation(o *operation) operand {
	folded := *o
	folded.left, folded.right = fold(o.left), fold(o.right)
	left, leftKnown := folded.left.(*constant)
	right, rightKnown := folded.right.(*constant)
	switch {
	case o.operator.isLogical():
		if leftKnown {
			return foldLogical(&folded, left)
		}
		if rightKnown {
			folded.right = truthText(right.node, isTrue(right.text))
		}
	case leftKnown && rightKnown && o.operator.isComparison():
		a, b := value.Text(left.text), value.Text(right.text)
		return truthText(o.node, holds(o.operator, value.Compare(&a, &b)))
	case leftKnown && rightKnown:
		if text, ok := compute(o.operator, left.text, right.text); ok {
			return &constant{o.node, text}
		}
	}
	return &folded
}

// foldLogical folds AND and OR with a known left side: it decides, or the value is
// the right side's truth. A known right side decides nothing, the left one may
// call a command.
func foldLogical(o *operation, left *constant) operand {
	leftHolds := isTrue(left.text)
	if leftHolds == (o.operator == opOr) {
		return truthText(o.node, leftHolds)
	}
	return truthOf(o.node, o.right)
}

// truthOf is the truth of an operand as a value.
func truthOf(at node, o operand) operand {
	if c, ok := o.(*constant); ok {
		return truthText(at, isTrue(c.text))
	}
	if isTruth(o) {
		return o
	}
	return &truth{at, o}
}

// isTruth reports whether the operand's value is TRUE or FALSE in any case.
func isTruth(o operand) bool {
	switch o := o.(type) {
	case *operation:
		return o.operator.isComparison() || o.operator.isLogical()
	case *inversion:
		return o.operator == opNot
	case *truth:
		return true
	case *constant:
		return o.text == value.Bool(true).String() || o.text == value.Bool(false).String()
	}
	return false
}

// isTrue reports whether a condition made of the text holds.
func isTrue(text string) bool {
	v := value.Text(text)
	return v.IsTrue()
}

func truthText(at node, holds bool) operand {
	return &constant{at, value.Bool(holds).String()}
}

func holds(o operator, order int) bool {
	switch o {
	case opEqual:
		return order == 0
	case opNotEqual:
		return order != 0
	case opLess:
		return order < 0
	case opGreater:
		return order > 0
	case opLessEqual:
		return order <= 0
	default:
		return order >= 0
	}
}

// compute carries out arithmetic on two numbers. Texts that are no numbers are
// left to the run, which tells about them; so are dates, which are not worth it.
func compute(o operator, left, right string) (string, bool) {
	_, leftIs := value.ParseNumber(left)
	_, rightIs := value.ParseNumber(right)
	if !leftIs || !rightIs {
		return "", false
	}
	a, b := value.Text(left), value.Text(right)
	var result value.Value
	var err error
	switch o {
	case opAdd:
		result, err = value.Add(&a, &b)
	case opSubtract:
		result, err = value.Sub(&a, &b)
	case opMultiply:
		result, err = value.Mul(&a, &b)
	case opDivide:
		result, err = value.Div(&a, &b)
	default:
		return "", false
	}
	return result.String(), err == nil
}

func foldInversion(o *inversion) operand {
	folded := *o
	folded.operand = fold(o.operand)
	if o.operator == opNot {
		switch inner := folded.operand.(type) {
		case *constant:
			return truthText(o.node, !isTrue(inner.text))
		case *inversion:
			if inner.operator == opNot {
				return truthOf(o.node, inner.operand)
			}
		}
		return &folded
	}
	if c, known := folded.operand.(*constant); known {
		if _, isNumber := value.ParseNumber(c.text); isNumber {
			a := value.Text(c.text)
			if result, err := value.Neg(&a); err == nil {
				return &constant{o.node, result.String()}
			}
		}
	}
	return &folded
}

// foldJoined joins neighbouring literals, drops empty ones, and a chain of which
// one part is left is that part: a number and its text are the same value.
func foldJoined(o *joined) operand {
	folded := &joined{node: o.node, place: o.place, parts: make([]operand, 0, len(o.parts))}
	for _, p := range o.parts {
		p = fold(p)
		c, known := p.(*constant)
		if !known {
			folded.parts = append(folded.parts, p)
			continue
		}
		if n := len(folded.parts); n > 0 {
			if before, ok := folded.parts[n-1].(*constant); ok {
				at := node{before.span.To(c.span)}
				folded.parts[n-1] = &constant{at, before.text + c.text}
				continue
			}
		}
		folded.parts = append(folded.parts, c)
	}
	kept := folded.parts[:0]
	for _, p := range folded.parts {
		if !isEmptyText(p) {
			kept = append(kept, p)
		}
	}
	switch len(kept) {
	case 0:
		return &constant{o.node, ""}
	case 1:
		return kept[0]
	}
	folded.parts = kept
	return folded
}
