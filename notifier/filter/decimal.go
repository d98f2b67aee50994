package filter

import (
	"cmp"
	"strconv"
	"strings"
)

// decimal is a number with any number of digits: 0.digits times 10 to the power of exponent. It is compared without
// being written out, so that a number such as 1e131071 is as cheap as 1.
type decimal struct {
	class    decimalClass
	negative bool
	digits   string // without zeros at either end; empty for 0
	exponent int
}

// decimalClass orders what numeric has besides numbers.
type decimalClass int

const (
	minusInfinity decimalClass = iota - 1
	finite
	plusInfinity
	notANumber
)

// specialNumbers are the texts of PostgreSQL for values that are no numbers of JSON.
var specialNumbers = map[string]decimalClass{"-Infinity": minusInfinity, "Infinity": plusInfinity, "NaN": notANumber}

// The numbers of type numeric have at most so many digits before and behind the decimal point.
const (
	maxWhole    = 131072
	maxFraction = 16383
)

// parseDecimal reads a number in the form of JSON, or a special one. It refuses numbers that numeric does not have.
func parseDecimal(text string) (decimal, bool) {
	if class, ok := specialNumbers[text]; ok {
		return decimal{class: class}, true
	}
	if !isNumber(text) {
		return decimal{}, false
	}
	mantissa, power, _ := strings.Cut(strings.ToLower(text), "e")
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	shift := 0
	if power != "" {
		var err error
		if shift, err = strconv.Atoi(power); err != nil || shift > maxWhole || shift < -maxWhole {
			return decimal{}, false
		}
	}
	digits := whole + fraction
	significant := strings.TrimLeft(digits, "0")
	d := decimal{negative: negative, exponent: len(whole) + shift - (len(digits) - len(significant)), digits: strings.TrimRight(significant, "0")}
	if d.digits == "" {
		return decimal{}, true
	}
	return d, d.exponent <= maxWhole && len(d.digits)-d.exponent <= maxFraction
}

// isNumber reports whether a text is a number of JSON.
func isNumber(text string) bool {
	rest := strings.TrimPrefix(text, "-")
	whole := leadingDigits(rest)
	if whole == 0 || whole > 1 && rest[0] == '0' {
		return false
	}
	rest = rest[whole:]
	if fraction, ok := strings.CutPrefix(rest, "."); ok {
		n := leadingDigits(fraction)
		if n == 0 {
			return false
		}
		rest = fraction[n:]
	}
	if rest == "" {
		return true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return false
	}
	rest = rest[1:]
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	return rest != "" && leadingDigits(rest) == len(rest)
}

func leadingDigits(text string) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}

// compare orders numbers as PostgreSQL orders numeric: NaN equals itself and is greater than all others.
func (d decimal) compare(other decimal) int {
	switch {
	case d.class != other.class || d.class != finite:
		return cmp.Compare(d.class, other.class)
	case d.sign() != other.sign():
		return cmp.Compare(d.sign(), other.sign())
	}
	return d.sign() * cmp.Or(cmp.Compare(d.exponent, other.exponent), strings.Compare(d.digits, other.digits))
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// String is the one spelling of a number, which PostgreSQL reads too.
func (d decimal) String() string {
	for text, class := range specialNumbers {
		if d.class == class {
			return text
		}
	}
	if d.digits == "" {
		return "0"
	}
	text := d.digits
	switch behind := len(d.digits) - d.exponent; {
	case behind == 0:
	case behind > 0 && d.exponent > 0:
		text = d.digits[:d.exponent] + "." + d.digits[d.exponent:]
	default:
		text += "e" + strconv.Itoa(-behind)
	}
	if d.negative {
		return "-" + text
	}
	return text
}
