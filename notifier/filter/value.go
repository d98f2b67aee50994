package filter

import (
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// value is a value of a column in a form that can be compared.
type value struct {
	text    string  // of texts, uuids and enums
	trimmed string  // of char(n): the text without the blanks at its end
	number  int64   // of integers, booleans, dates and times
	float   float64 // of floats
	decimal decimal // of numeric
}

// readers read the values of each kind. text is the text of a JSON string, or the JSON of a number or boolean; quoted
// tells the two apart.
var readers = map[Kind]func(text string, quoted bool) (value, bool){
	KindInt2:        integerReader(16),
	KindInt4:        integerReader(32),
	KindInt8:        integerReader(64),
	KindNumeric:     readNumeric,
	KindFloat4:      floatReader(32),
	KindFloat8:      floatReader(64),
	KindBool:        readBool,
	KindText:        readText,
	KindChar:        readChar,
	KindEnum:        readText,
	KindUUID:        readUUID,
	KindDate:        func(text string, quoted bool) (value, bool) { return ifQuoted(quoted)(parseDate(text)) },
	KindTimestamp:   func(text string, quoted bool) (value, bool) { return ifQuoted(quoted)(parseTime(text, false)) },
	KindTimestampTZ: func(text string, quoted bool) (value, bool) { return ifQuoted(quoted)(parseTime(text, true)) },
}

// ifQuoted makes a value of a number that was read from a text.
func ifQuoted(quoted bool) func(number int64, ok bool) (value, bool) {
	return func(number int64, ok bool) (value, bool) { return value{number: number}, ok && quoted }
}

// integerReader reads whole numbers, also as strings: so they are filed where numbers are texts.
func integerReader(bits int) func(string, bool) (value, bool) {
	return func(text string, _ bool) (value, bool) {
		if !isNumber(text) || strings.ContainsAny(text, ".eE") {
			return value{}, false
		}
		n, err := strconv.ParseInt(text, 10, bits)
		return value{number: n}, err == nil
	}
}

// readNumeric reads numbers, also as strings. NaN and the infinities are strings.
func readNumeric(text string, quoted bool) (value, bool) {
	d, ok := parseDecimal(text)
	return value{decimal: d}, ok && (quoted || d.class == finite)
}

// floatReader reads floats. It refuses a number that is too large for the type, and one that is too small to differ
// from 0: so does PostgreSQL.
func floatReader(bits int) func(string, bool) (value, bool) {
	return func(text string, quoted bool) (value, bool) {
		if class, special := specialNumbers[text]; special {
			return value{float: specialFloat(class)}, quoted
		}
		if !isNumber(text) {
			return value{}, false
		}
		f, err := strconv.ParseFloat(text, bits)
		mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
		vanished := f == 0 && strings.ContainsAny(mantissa, "123456789")
		return value{float: f}, err == nil && !vanished
	}
}

func specialFloat(class decimalClass) float64 {
	if class == notANumber {
		return math.NaN()
	}
	return math.Inf(int(class))
}

func readBool(text string, quoted bool) (value, bool) {
	switch {
	case quoted:
		return value{}, false
	case text == "true":
		return value{number: 1}, true
	}
	return value{}, text == "false"
}

func readText(text string, quoted bool) (value, bool) {
	return value{text: text}, quoted && !strings.Contains(text, "\x00")
}

// readChar reads a value of char(n), whose blanks at the end do not count where values are compared.
func readChar(text string, quoted bool) (value, bool) {
	v, ok := readText(text, quoted)
	v.trimmed = strings.TrimRight(v.text, " ")
	return v, ok
}

// readUUID reads a uuid in the form 8-4-4-4-12, in small or capital letters.
func readUUID(text string, quoted bool) (value, bool) {
	text = strings.ToLower(text)
	const form = "00000000-0000-0000-0000-000000000000"
	if !quoted || len(text) != len(form) {
		return value{}, false
	}
	for i := range len(text) {
		c := text[i]
		isHex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
		if (form[i] == '-') != (c == '-') || form[i] == '0' && !isHex {
			return value{}, false
		}
	}
	return value{text: text}, true
}

// read reads a value of the column from JSON, which is no null.
func (c *Column) read(given json.RawMessage) (value, bool) {
	reader := readers[c.Kind]
	if reader == nil {
		return value{}, false
	}
	if !begins(given, '"') {
		return reader(strings.TrimSpace(string(given)), false)
	}
	text, ok := unquote(given)
	if !ok {
		return value{}, false
	}
	return reader(text, true)
}

// unquote returns the text of a JSON string.
func unquote(given json.RawMessage) (text string, ok bool) {
	err := json.Unmarshal(given, &text)
	return text, err == nil && utf8.ValidString(text)
}

// compare orders two values as PostgreSQL does: texts bytewise, NaN of floats above all others.
func (c *Column) compare(a, b value) int {
	switch c.Kind {
	case KindNumeric:
		return a.decimal.compare(b.decimal)
	case KindFloat4, KindFloat8:
		return compareFloats(a.float, b.float)
	case KindChar:
		return strings.Compare(a.trimmed, b.trimmed)
	case KindText, KindUUID, KindEnum:
		return strings.Compare(a.text, b.text)
	}
	return cmp.Compare(a.number, b.number)
}

func compareFloats(a, b float64) int {
	switch aIsNaN, bIsNaN := math.IsNaN(a), math.IsNaN(b); {
	case aIsNaN && bIsNaN:
		return 0
	case aIsNaN:
		return 1
	case bIsNaN:
		return -1
	}
	return cmp.Compare(a, b)
}

// write is the one spelling of a value. PostgreSQL reads it whatever its settings are.
func (c *Column) write(v value) string {
	switch c.Kind {
	case KindNumeric:
		return v.decimal.String()
	case KindFloat4:
		return floatText(v.float, 32)
	case KindFloat8:
		return floatText(v.float, 64)
	case KindBool:
		return strconv.FormatBool(v.number != 0)
	case KindChar:
		return v.trimmed
	case KindText, KindUUID, KindEnum:
		return v.text
	case KindDate:
		return dateText(v.number)
	case KindTimestamp:
		return timeText(v.number, "")
	case KindTimestampTZ:
		return timeText(v.number, "+00")
	}
	return strconv.FormatInt(v.number, 10)
}

func floatText(f float64, bits int) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f == 0:
		return "0" // -0 equals it
	}
	return strconv.FormatFloat(f, 'g', -1, bits)
}
