package rules

import (
	"errors"
	"fmt"
	"strings"
)

// ParseName returns the parts of the name of a table or function as SQL takes it: parts stand between
// dots, a part in double quotes is taken as it is written, and every other part in small letters. A
// quote within quotes is doubled.
func ParseName(text string) ([]string, error) { return splitName(text, strings.ToLower) }

// MissingName returns the error for a name that the database does not have. Where SQL would fold capital
// letters, it says how the name is written to keep them.
func MissingName(kind, text string) error {
	folded, err := ParseName(text)
	if err != nil {
		return err
	}
	exact, _ := splitName(text, func(part string) string { return part })
	wanted := WriteName(exact)
	if WriteName(folded) == wanted {
		return fmt.Errorf("there is no %s %s", kind, text)
	}
	return fmt.Errorf("there is no %s %s: as in SQL, a name without quotes is taken in small letters; if the name has capitals, write %s", kind, text, wanted)
}

// splitName splits a name. It passes parts without quotes to fold.
func splitName(text string, fold func(string) string) ([]string, error) {
	var parts []string
	for rest := text; ; {
		part, behind, err := nextPart(rest, fold)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		parts = append(parts, part)
		if behind == "" {
			return parts, nil
		}
		if behind[0] != '.' {
			return nil, fmt.Errorf("%s: put quotes around a whole part of the name, and a dot between parts, as in \"a\".\"b\"", text)
		}
		rest = behind[1:]
	}
}

// nextPart reads the first part of a name, and returns what stands behind it.
func nextPart(text string, fold func(string) string) (part, behind string, err error) {
	quoted, isQuoted := strings.CutPrefix(text, `"`)
	if !isQuoted {
		end := strings.IndexAny(text, `."`)
		if end < 0 {
			end = len(text)
		}
		part, behind = fold(strings.TrimSpace(text[:end])), text[end:]
		return part, behind, nonEmpty(part)
	}
	for at := 0; at < len(quoted); at++ {
		switch {
		case quoted[at] != '"':
		case strings.HasPrefix(quoted[at:], `""`):
			at++
		default:
			part = strings.ReplaceAll(quoted[:at], `""`, `"`)
			return part, quoted[at+1:], nonEmpty(part)
		}
	}
	return "", "", errors.New("a double quote is not closed")
}

func nonEmpty(part string) error {
	if part == "" {
		return errors.New("a part of the name is empty")
	}
	return nil
}

// WriteName writes a name for the configuration, with the quotes that its parts need.
func WriteName(parts []string) string {
	written := make([]string, len(parts))
	for i, part := range parts {
		written[i] = part
		plain := strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789_$") == "" && strings.Trim(part[:1], "0123456789$") != ""
		if !plain {
			written[i] = `"` + strings.ReplaceAll(part, `"`, `""`) + `"`
		}
	}
	return strings.Join(written, ".")
}

// QuotedName returns a name as SQL text in which every part is quoted. A text that ParseName refuses is one
// part.
func QuotedName(text string) string {
	parts, err := ParseName(text)
	if err != nil {
		parts = []string{text}
	}
	for i, part := range parts {
		parts[i] = `"` + strings.ReplaceAll(part, `"`, `""`) + `"`
	}
	return strings.Join(parts, ".")
}

// ColumnName returns the name of a column: the text as it is, or what is in its double quotes.
func ColumnName(text string) string {
	if len(text) > 2 && strings.HasPrefix(text, `"`) && strings.HasSuffix(text, `"`) {
		return strings.ReplaceAll(text[1:len(text)-1], `""`, `"`)
	}
	return text
}
