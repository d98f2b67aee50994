package resource

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The messages about a value, in the words that frontends of Django REST framework know.
const (
	messageRequired  = "This field is required."
	messageNull      = "This field may not be null."
	messageBlank     = "This field may not be blank."
	messageNoText    = "Not a valid string."
	messageNulByte   = "Null characters are not allowed."
	messageNoWhole   = "A valid integer is required."
	messageNoNumber  = "A valid number is required."
	messageNoBool    = "Must be a valid boolean."
	messageNoUUID    = "Must be a valid UUID."
	messageNoInstant = "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
	messageNoDate    = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
	messageNoTime    = "Time has wrong format. Use one of these formats instead: hh:mm[:ss[.uuuuuu]]."
	messageTooLong   = "Ensure this field has no more than %d characters."
)

// valueKind says how the values of a column are read and checked.
type valueKind int

const (
	kindOther valueKind = iota // left to PostgreSQL: arrays, rows, ranges, addresses and so on
	kindText
	kindWhole
	kindFloat
	kindNumeric
	kindBool
	kindInstant   // a date and time with a zone
	kindTimestamp // a date and time without a zone
	kindDate
	kindTime
	kindUUID
	kindEnum
	kindJSON
)

// kindOf returns the kind of the type behind all domains.
func kindOf(c *column) valueKind {
	if c.Class == "e" {
		return kindEnum
	}
	switch c.Base {
	case "int2", "int4", "int8":
		return kindWhole
	case "float4", "float8":
		return kindFloat
	case "numeric":
		return kindNumeric
	case "bool":
		return kindBool
	case "timestamptz":
		return kindInstant
	case "timestamp":
		return kindTimestamp
	case "date":
		return kindDate
	case "time":
		return kindTime
	case "uuid":
		return kindUUID
	case "json", "jsonb":
		return kindJSON
	}
	if c.Class == "b" && c.Category == "S" {
		return kindText
	}
	return kindOther
}

// isComparable reports whether rows can be found and ordered by such values.
func (k valueKind) isComparable() bool { return k != kindOther && k != kindJSON }

// String is the name of the kind in descriptions.
func (k valueKind) String() string {
	names := map[valueKind]string{
		kindText: "text", kindWhole: "integer", kindFloat: "number", kindNumeric: "decimal", kindBool: "boolean",
		kindInstant: "datetime", kindTimestamp: "timestamp", kindDate: "date", kindTime: "time", kindUUID: "uuid",
		kindEnum: "choice", kindJSON: "json",
	}
	if name, ok := names[k]; ok {
		return name
	}
	return "other"
}

// read turns a JSON value into the text that PostgreSQL reads it from; nil for NULL. The message says
// to the user what is wrong; it is empty if nothing is.
func (c *column) read(raw json.RawMessage) (value any, message string) {
	if string(raw) == "null" {
		if c.Required {
			return nil, messageNull
		}
		return nil, ""
	}
	switch c.kind {
	case kindJSON:
		document, message := readJSON(raw)
		if c.Base == "jsonb" { // the other type keeps the text
			document = withCharacters(document)
		}
		return document, message
	case kindOther:
		document, message := readJSON(raw)
		return fmt.Sprintf(`{"v":%s}`, withCharacters(document)), message
	}
	text, form := scalar(raw)
	return valueOrMessage(c.readScalar(text, form))
}

// readSought reads a value to look for. Text is taken as it is, and may be of any length.
func (c *column) readSought(text string) (value any, message string) {
	sought := *c
	sought.exact, sought.Length = true, 0
	return valueOrMessage(sought.readScalar(text, formText))
}

// valueOrMessage returns no value beside a message.
func valueOrMessage(text, message string) (any, string) {
	if message != "" {
		return nil, message
	}
	return text, ""
}

// form is how a JSON value is written.
type form byte

const (
	formText     form = '"'
	formNumber   form = '0'
	formBool     form = 't'
	formCompound form = '{'
)

// scalar returns the text of a string, and the literal of a number or boolean.
func scalar(raw json.RawMessage) (string, form) {
	switch raw[0] {
	case '"':
		var text string
		_ = json.Unmarshal(raw, &text) // the document was read as JSON before
		return text, formText
	case 't', 'f':
		return string(raw), formBool
	case '{', '[':
		return "", formCompound
	}
	return string(raw), formNumber
}

func (c *column) readScalar(text string, f form) (value, message string) {
	switch c.kind {
	case kindText:
		return c.readText(text, f)
	case kindWhole:
		return c.readWhole(text, f)
	case kindFloat:
		return readFloat(text, f)
	case kindNumeric:
		return c.readNumeric(text, f)
	case kindBool:
		return readBool(text)
	case kindUUID:
		return readUUID(text, f)
	case kindEnum:
		return c.readLabel(text, f)
	}
	if f != formText {
		text = ""
	}
	return readTime(c.kind, text)
}

// readText takes strings and, as they are written, numbers. It drops blanks at the ends.
func (c *column) readText(text string, f form) (value, message string) {
	if f != formText && f != formNumber {
		return "", messageNoText
	}
	if !c.exact {
		text = strings.TrimSpace(text)
	}
	switch {
	case text == "" && !c.mayBeBlank():
		return "", messageBlank
	case strings.ContainsRune(text, 0):
		return "", messageNulByte
	case c.Length > 0 && utf8.RuneCountInString(text) > c.Length:
		return "", fmt.Sprintf(messageTooLong, c.Length)
	}
	return text, ""
}

// untrimmed returns the text that came in if value is this text without blanks at its ends; else it is
// empty.
func (c *column) untrimmed(raw json.RawMessage, value any) string {
	text, f := scalar(raw)
	if c.kind != kindText || f != formText || value == nil || text == value {
		return ""
	}
	return text
}

func readBool(text string) (value, message string) {
	switch text {
	case "true", "True", "1":
		return "true", ""
	case "false", "False", "0":
		return "false", ""
	}
	return "", messageNoBool
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$`)

// readUUID brings a UUID to its one spelling.
func readUUID(text string, f form) (value, message string) {
	text = strings.ToLower(text)
	if f != formText || !uuidForm.MatchString(text) {
		return "", messageNoUUID
	}
	digits := strings.ReplaceAll(text, "-", "")
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-"), ""
}

// readLabel reads a label of an enum.
func (c *column) readLabel(text string, f form) (value, message string) {
	if f != formText || !slices.Contains(c.Labels, text) {
		return "", fmt.Sprintf("%q is not a valid choice.", text)
	}
	return text, ""
}

// readJSON compacts a document. It refuses a NUL character, escaped or not, which PostgreSQL cannot
// hold in text.
func readJSON(raw json.RawMessage) (document, message string) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil || !utf8.Valid(raw) {
		return "null", messageNoText
	}
	if slices.Contains(escapes(raw), `\u0000`) {
		return "null", messageNulByte
	}
	return compact.String(), ""
}

// escape matches an escape sequence of a JSON document; two that make one character count as one.
var escape = regexp.MustCompile(`\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u....|.)`)

// escapes returns the escape sequences of a JSON document.
func escapes(raw json.RawMessage) []string { return escape.FindAllString(string(raw), -1) }

// withCharacters returns a document with its characters above U+007F as themselves instead of escaped.
// PostgreSQL refuses to read such an escape where the encoding of the database is SQL_ASCII.
func withCharacters(document string) string {
	return escape.ReplaceAllStringFunc(document, func(sequence string) string {
		var character string
		_ = json.Unmarshal([]byte(`"`+sequence+`"`), &character) // half of a pair becomes U+FFFD
		if character < "\u0080" || character == "\ufffd" {
			return sequence
		}
		return character
	})
}
