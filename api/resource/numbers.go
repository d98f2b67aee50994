package resource

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

var wholeForm = regexp.MustCompile(`^([+-]?[0-9]{1,40})(\.0*)?$`)

// readWhole takes a whole number or its text.
func (c *column) readWhole(text string, f form) (value, message string) {
	match := wholeForm.FindStringSubmatch(strings.TrimSpace(text))
	if match == nil || f != formText && f != formNumber {
		return "", messageNoWhole
	}
	bits := map[string]int{"int2": 16, "int4": 32, "int8": 64}[c.Base]
	n, err := strconv.ParseInt(match[1], 10, bits)
	if err != nil {
		return "", outOfRange(n, bits)
	}
	return strconv.FormatInt(n, 10), ""
}

// outOfRange says which bound of the type was crossed. n is the nearest number within the type.
func outOfRange(n int64, bits int) (message string) {
	if n < 0 {
		return fmt.Sprintf("Ensure this value is greater than or equal to %d.", int64(math.MinInt64)>>(64-bits))
	}
	return fmt.Sprintf("Ensure this value is less than or equal to %d.", int64(math.MaxInt64)>>(64-bits))
}

// numberForm excludes forms that Go's parsers also take: hexadecimal, underscores, infinities.
var numberForm = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$`)

// isSpecialNumber reports whether a text is one of those that rows show for floats and numerics that
// are no numbers of JSON.
func isSpecialNumber(text string, f form) bool {
	return f == formText && (text == "NaN" || text == "Infinity" || text == "-Infinity")
}

// The greatest lengths of the text of a number, in bytes. A numeric without a precision has up to
// 131,072 digits before the point and 16,383 behind it.
const (
	longestNumber  = 400
	longestNumeric = 131_072 + 16_383 + 2
)

func readFloat(text string, f form) (value, message string) {
	text = strings.TrimSpace(text)
	if isSpecialNumber(text, f) {
		return text, ""
	}
	if f != formText && f != formNumber || len(text) > longestNumber || !numberForm.MatchString(text) {
		return "", messageNoNumber
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(n, 0) {
		return "", messageNoNumber
	}
	return text, ""
}

// readNumeric checks the number of digits before and behind the point against the column's type.
func (c *column) readNumeric(text string, f form) (value, message string) {
	text = strings.TrimSpace(text)
	if isSpecialNumber(text, f) && (c.Precision == 0 || text == "NaN") {
		return text, ""
	}
	longest := longestNumber
	if c.Precision == 0 {
		longest = longestNumeric
	}
	if f != formText && f != formNumber || len(text) > longest || !numberForm.MatchString(text) {
		return "", messageNoNumber
	}
	if c.Precision == 0 {
		return text, ""
	}
	number, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", messageNoNumber
	}
	return text, c.tooManyDigits(number)
}

// tooManyDigits says which digits are too many. Zeros at the end of a fraction do not count.
func (c *column) tooManyDigits(number *big.Rat) (message string) {
	if places := max(c.Scale, 0); !new(big.Rat).Mul(number, powerOfTen(places)).IsInt() {
		return fmt.Sprintf("Ensure that there are no more than %d decimal places.", places)
	}
	if new(big.Rat).Abs(number).Cmp(powerOfTen(c.Precision-c.Scale)) >= 0 {
		return fmt.Sprintf("Ensure that there are no more than %d digits before the decimal point.", max(c.Precision-c.Scale, 0))
	}
	return ""
}

func powerOfTen(n int) *big.Rat {
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n, -n))), nil)
	if n < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), power)
	}
	return new(big.Rat).SetInt(power)
}
