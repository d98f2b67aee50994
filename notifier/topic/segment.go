package topic

import (
	"strings"
	"unicode/utf8"
)

// A part of a topic can stand for any text: bytes of UTF-8 that a topic cannot have are written as %
// and two digits, as in tags/caf%C3%A9. Every text has one spelling, so that equal topics are equal
// texts. rowcall.segment in SQL and the tag topic of the npm package write the same.

const hexDigits = "0123456789ABCDEF"

// Segment writes a text as one part of a topic. No part stands for the empty text.
func Segment(text string) string {
	switch {
	case isPlain(text):
		return text
	case text == "." || text == "..":
		return strings.ReplaceAll(text, ".", "%2E")
	}
	var part strings.Builder
	for i := range len(text) {
		if validByte(text[i]) {
			part.WriteByte(text[i])
			continue
		}
		part.Write([]byte{'%', hexDigits[text[i]>>4], hexDigits[text[i]&0xF]})
	}
	return part.String()
}

// isPlain reports whether a text is a part of a topic as it stands. "." and ".." are not, because a path
// library between here and the reader would resolve them.
func isPlain(text string) bool {
	for i := range len(text) {
		if !validByte(text[i]) {
			return false
		}
	}
	return text != "" && text != "." && text != ".."
}

func validByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("_:.-~!'()*", c) >= 0
}

// SegmentText is the text that a part of a topic stands for. It reports false for a part that is not
// the one spelling of any text.
func SegmentText(part string) (string, bool) {
	if isPlain(part) {
		return part, true
	}
	var text []byte
	for i := 0; i < len(part); i++ {
		if part[i] != '%' {
			text = append(text, part[i])
			continue
		}
		if i+2 >= len(part) {
			return "", false
		}
		high, low := strings.IndexByte(hexDigits, part[i+1]), strings.IndexByte(hexDigits, part[i+2])
		text = append(text, byte(high<<4|low)) // a digit that is none makes another spelling
		i += 2
	}
	found := string(text)
	return found, found != "" && utf8.Valid(text) && strings.IndexByte(found, 0) < 0 && Segment(found) == part
}
