package builtins

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/sftpc/sftpc/vm/value"
)

func numberCommands() family {
	return family{
		"ROUND": (*State).round,
		"INT":   func(_ *State, a *arguments) error { return a.returnsNumber(math.Trunc(a.number(0))) },
		"MOD":   (*State).mod,
	}
}

// returnsNumber is the command's result, a number as arithmetic makes them.
func (a *arguments) returnsNumber(f float64) error {
	f, err := value.Round(f)
	if err != nil {
		return a.bad(0, "is too large: numbers end below 1e21")
	}
	a.returnsValue(value.Number(f))
	return nil
}

// mostDecimals is as many as a number of the language can have behind 0.
const mostDecimals = 20

// round is ROUND(number [, decimals]), by the digits that the number is printed with:
// 2.675 has a 5 at its end for whoever reads it, though no float64 has.
func (s *State) round(a *arguments) error {
	decimals := int64(0)
	if a.has(1) {
		var err error
		if decimals, err = a.whole(1, 0, mostDecimals); err != nil {
			return err
		}
	}
	f, err := value.Round(a.number(0))
	if err != nil {
		return a.bad(0, "is too large: numbers end below 1e21")
	}
	whole, fraction, _ := strings.Cut(value.FormatNumber(math.Abs(f)), ".")
	if int64(len(fraction)) <= decimals {
		a.returnsValue(value.Number(f))
		return nil
	}
	digits, _ := new(big.Int).SetString(whole+fraction[:decimals], 10)
	if fraction[decimals] >= '5' {
		digits.Add(digits, big.NewInt(1))
	}
	rounded, err := strconv.ParseFloat(digits.String()+"e-"+strconv.FormatInt(decimals, 10), 64)
	if err != nil {
		return a.bad(0, "cannot be rounded: %v", err)
	}
	return a.returnsNumber(math.Copysign(rounded, f))
}

// mod is MOD(number, divisor), with the sign of the number.
func (s *State) mod(a *arguments) error {
	divisor := a.number(1)
	if divisor == 0 {
		return a.bad(1, "is 0, and nothing can be divided by that")
	}
	return a.returnsNumber(math.Mod(a.number(0), divisor))
}
