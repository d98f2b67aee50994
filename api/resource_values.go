package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// What is wrong with a value, in the words that frontends of Django REST framework know.
const (
	saysRequired  = "This field is required."
	saysNull      = "This field may not be null."
	saysBlank     = "This field may not be blank."
	saysNoText    = "Not a valid string."
	saysNulByte   = "Null characters are not allowed."
	saysNoWhole   = "A valid integer is required."
	saysNoNumber  = "A valid number is required."
	saysNoBool    = "Must be a valid boolean."
	saysNoUUID    = "Must be a valid UUID."
	saysNoInstant = "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
	saysNoDate    = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
	saysNoTime    = "Time has wrong format. Use one of these formats instead: hh:mm[:ss[.uuuuuu]]."
	saysLong      = "Ensure this field has no more than %d characters."
)

// read makes of a JSON value the text that PostgreSQL reads it from, or nil for NULL. The problem is
// for the user; there is none when it is empty.
func (c *column) read(raw json.RawMessage) (value any, problem string) {
	if string(raw) == "null" {
		if c.Required {
			return nil, saysNull
		}
		return nil, ""
	}
	switch c.kind {
	case valueJSON:
		return readJSON(raw)
	case valueOther:
		document, problem := readJSON(raw)
		return fmt.Sprintf(`{"v":%s}`, document), problem
	}
	text, form := scalar(raw)
	return answered(c.readScalar(text, form))
}

// answered keeps a text out of an answer that has a problem.
func answered(text, problem string) (any, string) {
	if problem != "" {
		return nil, problem
	}
	return text, ""
}

// form is what a JSON value looks like.
type form byte

const (
	formText     form = '"'
	formNumber   form = '0'
	formBool     form = 't'
	formCompound form = '{'
)

// scalar is the text of a string, and the literal of everything else.
func scalar(raw json.RawMessage) (string, form) {
	switch raw[0] {
	case '"':
		var text string
		_ = json.Unmarshal(raw, &text) // it has been read as JSON before
		return text, formText
	case 't', 'f':
		return string(raw), formBool
	case '{', '[':
		return "", formCompound
	}
	return string(raw), formNumber
}

func (c *column) readScalar(text string, f form) (string, string) {
	switch c.kind {
	case valueText:
		return c.readText(text, f)
	case valueWhole:
		return c.readWhole(text, f)
	case valueFloat:
		return readFloat(text, f)
	case valueNumeric:
		return c.readNumeric(text, f)
	case valueBool:
		return readBool(text)
	case valueUUID:
		return readUUID(text, f)
	case valueEnum:
		return c.readLabel(text, f)
	}
	if f != formText {
		text = ""
	}
	return readTime(c.kind, text)
}

// readText takes numbers too, as they are written, but not booleans. Blanks at the ends are dropped.
func (c *column) readText(text string, f form) (string, string) {
	if f != formText && f != formNumber {
		return "", saysNoText
	}
	if !c.exact {
		text = strings.TrimSpace(text)
	}
	switch {
	case text == "" && !c.blank():
		return "", saysBlank
	case strings.ContainsRune(text, 0):
		return "", saysNulByte
	case c.Length > 0 && utf8.RuneCountInString(text) > c.Length:
		return "", fmt.Sprintf(saysLong, c.Length)
	}
	return text, ""
}

func readBool(text string) (string, string) {
	switch text {
	case "true", "True", "1":
		return "true", ""
	case "false", "False", "0":
		return "false", ""
	}
	return "", saysNoBool
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$`)

// readUUID brings it to its one spelling.
func readUUID(text string, f form) (string, string) {
	text = strings.ToLower(text)
	if f != formText || !uuidForm.MatchString(text) {
		return "", saysNoUUID
	}
	digits := strings.ReplaceAll(text, "-", "")
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-"), ""
}

func (c *column) readLabel(text string, f form) (string, string) {
	if f != formText || !slices.Contains(c.Labels, text) {
		return "", fmt.Sprintf("%q is not a valid choice.", text)
	}
	return text, ""
}

// readJSON compacts a document. PostgreSQL has no NUL in text, escaped or not.
func readJSON(raw json.RawMessage) (any, string) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil || !utf8.Valid(raw) {
		return "null", saysNoText
	}
	if bytes.Contains(raw, []byte(`\u0000`)) {
		return "null", saysNulByte
	}
	return compact.String(), ""
}
