package watch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"rowcall/api/problem"
	"rowcall/notifier"
)

// lines prints events of declared tables, one line each, or as JSON.
type lines struct {
	out      io.Writer
	json     bool
	terminal bool // a person looks: the time of day, and colours
	colours  bool
}

// newLines prints to o.Out.
func newLines(o Options) *lines {
	terminal := isTerminal(o.Out)
	term := o.Lookup["TERM"]
	return &lines{out: o.Out, json: o.JSON, terminal: terminal, colours: terminal && o.Lookup["NO_COLOR"] == "" && term != "dumb" && term != ""}
}

// isTerminal reports whether a writer is a terminal.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// print prints what was taken. The error is an outputError.
func (l *lines) print(taken notifier.Taken) error {
	if taken.Reset != nil {
		return l.printReset(taken.Reset)
	}
	for _, e := range taken.Events {
		if err := writeLine(l.out, l.line(e)); err != nil {
			return err
		}
	}
	return nil
}

func (l *lines) printReset(r *notifier.Reset) error {
	for _, name := range r.Topics {
		line := l.columns(time.Now(), string(name), "reset", "", string(r.Reason)+": "+explainReset(r.Reason))
		if l.json {
			line = compactJSON(map[string]any{"topic": name, "reset": r.Reason})
		}
		if err := writeLine(l.out, line); err != nil {
			return err
		}
	}
	return nil
}

// explainReset says in words what a reset means.
func explainReset(reason notifier.ResetReason) string {
	switch reason {
	case notifier.ResetTruncate:
		return "the table was emptied"
	case notifier.ResetSchema:
		return "its columns or partitions have changed"
	case notifier.ResetTriggers:
		return "changes were not filed for a while"
	}
	return "changes are missing here"
}

// change is the data of an event of a declared table.
type change struct {
	Op  string          `json:"op"`
	Key json.RawMessage `json:"key"`
	New json.RawMessage `json:"new"`
	Old json.RawMessage `json:"old"`
}

func (l *lines) line(e *notifier.Event) string {
	if l.json {
		return compactJSON(map[string]any{"topic": e.Topic, "type": e.Type, "time": e.Time.UTC(), "data": problem.SoundJSON(e.Data)})
	}
	var c change
	if json.Unmarshal(e.Data, &c) != nil || c.Op == "" {
		return l.columns(e.Time, string(e.Topic), e.Type, "", printable(e.Data)) // not of a declared table
	}
	return l.columns(e.Time, string(e.Topic), c.Op, keyText(c.Key), c.detail())
}

// columns writes a line. Nothing in it can steer a terminal.
func (l *lines) columns(at time.Time, topic, op, key, detail string) string {
	when := at.UTC().Format("2006-01-02T15:04:05.000Z")
	if l.terminal {
		when = at.Local().Format("15:04:05")
	}
	word := fmt.Sprintf("%-6s", printable([]byte(op)))
	if colour := colourOf(op); l.colours && colour != "" {
		word = "\x1b[" + colour + "m" + word + "\x1b[0m"
	}
	return strings.TrimRight(strings.Join([]string{when, topic, word, key, detail}, "  "), " ")
}

// colourOf is the colour of an operation as a terminal knows it: green, yellow, red; empty for none.
func colourOf(op string) string {
	return map[string]string{"insert": "32", "enter": "32", "update": "33", "delete": "31", "leave": "31", "reset": "35"}[op]
}

// detail is the row, or what has changed in it.
func (c change) detail() string {
	switch {
	case c.New == nil:
		return printable(c.Old)
	case c.Op != "update":
		return printable(c.New)
	}
	var now map[string]json.RawMessage
	if json.Unmarshal(c.New, &now) != nil {
		return printable(c.New)
	}
	var changed []string
	for _, before := range fieldsOf(c.Old) {
		changed = append(changed, fmt.Sprintf("%s: %s -> %s", printable([]byte(before.name)), printable(before.value), printable(now[before.name])))
	}
	if changed == nil {
		return "(no column has changed)"
	}
	return strings.Join(changed, ", ")
}

// keyText writes a key as id=7.
func keyText(key json.RawMessage) string {
	var parts []string
	for _, f := range fieldsOf(key) {
		value := f.value
		var text string
		if json.Unmarshal(value, &text) == nil && text != "" && !strings.ContainsAny(text, " \t\n,=\"") {
			value = []byte(text)
		}
		parts = append(parts, printable([]byte(f.name))+"="+printable(value))
	}
	return strings.Join(parts, ",")
}

// field is a field of a JSON object.
type field struct {
	name  string
	value json.RawMessage
}

// fieldsOf returns the fields of a JSON object in their order; none of anything else.
func fieldsOf(object json.RawMessage) []field {
	read := json.NewDecoder(bytes.NewReader(object))
	if open, err := read.Token(); err != nil || open != json.Delim('{') {
		return nil
	}
	var all []field
	for read.More() {
		name, err := read.Token()
		if err != nil {
			return all
		}
		f := field{name: fmt.Sprint(name)}
		if read.Decode(&f.value) != nil {
			return all
		}
		all = append(all, f)
	}
	return all
}

// printable writes JSON or a text on one line. What a terminal would act on is written as JSON writes it, such as \u009b.
func printable(text []byte) string {
	var compact bytes.Buffer
	if json.Compact(&compact, text) == nil {
		text = compact.Bytes()
	}
	var safe strings.Builder
	for _, r := range string(text) {
		switch {
		case r == ' ' || unicode.IsPrint(r):
			safe.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&safe, "\\u%04x\\u%04x", high, low)
		default:
			fmt.Fprintf(&safe, "\\u%04x", r)
		}
	}
	return safe.String()
}

// compactJSON writes a value as JSON on one line.
func compactJSON(value any) string {
	text, err := problem.EncodeJSON(value)
	if err != nil {
		return "{}" // only sound JSON is put in
	}
	return printable(text)
}
