package problem

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"unicode/utf8"
)

// WriteJSON answers with a JSON body.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	writeBody(w, status, body)
}

// writeBody sends a body that no cache may keep: every answer depends on the user who asks. An error
// of the encoder would be a defect of this program; an error of the writer means that the client
// has disconnected.
func writeBody(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// ReadJSON reads the body of a request, one JSON object of at most most bytes, into a struct. It accepts only the content type
// application/json; errors are ErrMediaType and those of OfBody.
func ReadJSON(w http.ResponseWriter, r *http.Request, most int64, into any) error {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return ErrMediaType
	}
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	if err := body.Decode(into); err != nil {
		return OfBody(err)
	}
	if _, err := body.Token(); !errors.Is(err, io.EOF) {
		return OfBody(err)
	}
	return nil
}

// OfBody turns an error of reading a JSON body into an entry of the table: ErrTooLarge for a body
// over the limit of http.MaxBytesReader, ErrBadRequest for a body that is not JSON.
func OfBody(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return ErrTooLarge
	}
	return Explain(ErrBadRequest, "the body must be one JSON object")
}

// EncodeJSON returns v as compact JSON, with no more escapes than JSON needs.
func EncodeJSON(v any) ([]byte, error) { return AppendJSON(nil, v) }

// AppendJSON appends v as compact JSON to a slice.
func AppendJSON(to []byte, v any) ([]byte, error) {
	b := bytes.NewBuffer(to)
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// MustEncodeJSON returns v as compact JSON. All raw JSON in v must be valid: pass it through SoundJSON first.
func MustEncodeJSON(v any) []byte {
	text, err := EncodeJSON(v)
	if err != nil {
		panic("problem: an answer that is no JSON: " + err.Error())
	}
	return text
}

// SoundJSON returns JSON from the database in a form that a text frame can hold. A role that may write
// to the log can store empty or invalid data, and one bad event must not stop the events behind it:
// SoundJSON replaces such data by null.
func SoundJSON(data json.RawMessage) json.RawMessage {
	switch {
	case !json.Valid(data), tooDeep(data):
		return json.RawMessage("null")
	case !utf8.Valid(data):
		return bytes.ToValidUTF8(data, []byte("\ufffd"))
	}
	return data
}

// maxDepth is how deep data may be nested: frames add levels around it, and encoding/json refuses
// a depth of 10,000.
const maxDepth = 5000

// tooDeep reports whether valid JSON is nested deeper than maxDepth.
func tooDeep(data json.RawMessage) bool {
	if len(data) <= 2*maxDepth {
		return false
	}
	depth, text := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '[', c == '{':
			if depth++; depth > maxDepth {
				return true
			}
		case c == ']', c == '}':
			depth--
		}
	}
	return false
}
