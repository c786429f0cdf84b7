package value

import (
	"errors"
	"math"
)

// ErrDateRange is the error of a date that would leave the calendar.
var ErrDateRange = errors.New("the date is outside the years 0001 to 9999")

// Operator is an arithmetic operation of two values.
type Operator uint8

const (
	OpAdd Operator = iota
	OpSub
	OpMul
	OpDiv
)

// Odd tells which operands were neither a number nor empty, and so counted as 0
// where a script's author may not have meant it.
type Odd uint8

const (
	OddLeft Odd = 1 << iota
	OddRight
)

// Arithmetic computes a op b; the readings of both are cached in place. Dates
// take part in three ways: date - date is the seconds between, date - seconds is
// a date, and so is a sum of a date and seconds; fractions of a second are cut
// off. In every other place a date is a text that is no number. The error is
// ErrDivideByZero, ErrTooLarge or ErrDateRange.
func Arithmetic(op Operator, a, b *Value) (Value, Odd, error) {
	if op <= OpSub {
		if seconds, ok := a.Date(); ok {
			if other, ok := b.Date(); ok && op == OpSub {
				return made(float64(seconds - other)), 0, nil
			} else if !ok {
				return moveDate(op, seconds, b, OddRight)
			}
		} else if seconds, ok := b.Date(); ok && op == OpAdd {
			return moveDate(op, seconds, a, OddLeft)
		}
	}
	x, oddLeft, err := operand(a)
	if err != nil {
		return Value{}, 0, err
	}
	y, oddRight, err := operand(b)
	if err != nil {
		return Value{}, 0, err
	}
	var odd Odd
	if oddLeft {
		odd |= OddLeft
	}
	if oddRight {
		odd |= OddRight
	}
	r, err := calculate(op, x, y)
	return r, odd, err
}

// Calculate is Arithmetic of two values that are Hot.
func Calculate(op Operator, a, b *Value) (Value, error) {
	return calculate(op, floatOf(a.n), floatOf(b.n))
}

func calculate(op Operator, x, y float64) (Value, error) {
	var r float64
	switch op {
	case OpAdd:
		r = x + y
	case OpSub:
		r = x - y
	case OpMul:
		r = x * y
	case OpDiv:
		if y == 0 {
			return Value{}, ErrDivideByZero
		}
		r = x / y
	}
	r, err := Round(r)
	if err != nil {
		return Value{}, err
	}
	return made(r), nil
}

// operand reads v for arithmetic: any text that is no number is 0.
func operand(v *Value) (f float64, odd bool, err error) {
	f, isNumber := v.Float()
	if !isNumber {
		return 0, !v.IsEmpty(), nil
	}
	if v.n == classHuge {
		return 0, false, ErrTooLarge
	}
	return f, false, nil
}

func moveDate(op Operator, date int64, by *Value, side Odd) (Value, Odd, error) {
	f, isOdd, err := operand(by)
	if err != nil {
		return Value{}, 0, err
	}
	var odd Odd
	if isOdd {
		odd = side
	}
	if math.Abs(f) > lastSecond {
		return Value{}, odd, ErrDateRange
	}
	if op == OpSub {
		f = -f
	}
	seconds := date + int64(f)
	text, ok := FormatDate(seconds)
	if !ok {
		return Value{}, odd, ErrDateRange
	}
	return Value{s: text, n: classDate | uint64(seconds)}, odd, nil
}

// Add is a + b; see Arithmetic.
func Add(a, b *Value) (Value, error) { return plain(OpAdd, a, b) }

// Sub is a - b; see Arithmetic.
func Sub(a, b *Value) (Value, error) { return plain(OpSub, a, b) }

// Mul is a * b; see Arithmetic.
func Mul(a, b *Value) (Value, error) { return plain(OpMul, a, b) }

// Div is a / b; see Arithmetic.
func Div(a, b *Value) (Value, error) { return plain(OpDiv, a, b) }

// Neg is -a.
func Neg(a *Value) (Value, error) {
	var zero Value
	return plain(OpSub, &zero, a)
}

func plain(op Operator, a, b *Value) (Value, error) {
	v, _, err := Arithmetic(op, a, b)
	if err != nil {
		return Value{}, err
	}
	return v, nil
}

// Join is the texts of vs, one after the other.
func Join(vs ...Value) Value {
	var buffer [128]byte
	text := buffer[:0]
	for i := range vs {
		text = vs[i].AppendTo(text)
	}
	return Text(string(text))
}
