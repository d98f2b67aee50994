package api

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

var wholeForm = regexp.MustCompile(`^([+-]?[0-9]{1,40})(\.0*)?$`)

// readWhole takes a number or its text.
func (c *column) readWhole(text string, f form) (string, string) {
	match := wholeForm.FindStringSubmatch(strings.TrimSpace(text))
	if match == nil || f != formText && f != formNumber {
		return "", saysNoWhole
	}
	bits := map[string]int{"int2": 16, "int4": 32, "int8": 64}[c.Base]
	n, err := strconv.ParseInt(match[1], 10, bits)
	if err != nil {
		return "", outOfRange(n, bits)
	}
	return strconv.FormatInt(n, 10), ""
}

// outOfRange says which bound was crossed; n is the nearest number within.
func outOfRange(n int64, bits int) string {
	if n < 0 {
		return fmt.Sprintf("Ensure this value is greater than or equal to %d.", int64(math.MinInt64)>>(64-bits))
	}
	return fmt.Sprintf("Ensure this value is less than or equal to %d.", int64(math.MaxInt64)>>(64-bits))
}

// numberForm leaves out what Go's parsers take besides: hexadecimal, underscores, infinities.
var numberForm = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$`)

func readFloat(text string, f form) (string, string) {
	text = strings.TrimSpace(text)
	if f != formText && f != formNumber || len(text) > 400 || !numberForm.MatchString(text) {
		return "", saysNoNumber
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(n, 0) {
		return "", saysNoNumber
	}
	return text, ""
}

// readNumeric checks the digits before and behind the point against the column's.
func (c *column) readNumeric(text string, f form) (string, string) {
	text = strings.TrimSpace(text)
	if f != formText && f != formNumber || len(text) > 400 || !numberForm.MatchString(text) {
		return "", saysNoNumber
	}
	if c.Precision == 0 {
		return text, ""
	}
	number, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", saysNoNumber
	}
	return text, c.tooMany(number)
}

// tooMany counts digits. Zeros at the end of a fraction do not count.
func (c *column) tooMany(number *big.Rat) string {
	if places := max(c.Scale, 0); !new(big.Rat).Mul(number, power(places)).IsInt() {
		return fmt.Sprintf("Ensure that there are no more than %d decimal places.", places)
	}
	if new(big.Rat).Abs(number).Cmp(power(c.Precision-c.Scale)) >= 0 {
		return fmt.Sprintf("Ensure that there are no more than %d digits before the decimal point.", max(c.Precision-c.Scale, 0))
	}
	return ""
}

// power is a power of ten.
func power(n int) *big.Rat {
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n, -n))), nil)
	if n < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), ten)
	}
	return new(big.Rat).SetInt(ten)
}
