package resource

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier/topic"
)

// description tells the users of a resource what they may read and write. Row-level security may
// still refuse a row.
type description struct {
	Name   string             `json:"name"`
	Key    string             `json:"key"`
	Label  string             `json:"label"` // the field that names a row to people
	Create bool               `json:"create"`
	Update bool               `json:"update"`
	Delete bool               `json:"delete"`
	Topics []topic.Topic      `json:"topics"` // that announce changes
	Fields []fieldDescription `json:"fields"`
}

type fieldDescription struct {
	Name       string                `json:"name"`
	Type       string                `json:"type"`
	Required   bool                  `json:"required"`  // to create a row
	ReadOnly   bool                  `json:"read_only"` // never taken from a user
	Create     bool                  `json:"create"`    // taken when a row is created
	Update     bool                  `json:"update"`    // taken when a row is changed
	Nullable   bool                  `json:"nullable"`
	MaxLength  int                   `json:"max_length,omitempty"` // in characters
	Default    any                   `json:"default,omitempty"`    // if it is a constant
	Choices    []any                 `json:"choices,omitempty"`    // the only values
	References *referenceDescription `json:"references,omitempty"`
}

// referenceDescription says where the row behind a value is found, and which field names the row.
type referenceDescription struct {
	Resource string `json:"resource"`
	Field    string `json:"field"`
	Label    string `json:"label"`
}

// serveDescriptions answers GET /api/resources: the resources that the user may ask for.
func (r *Resources) serveDescriptions(w http.ResponseWriter, q *http.Request, who identity.Identity) error {
	if q.Method != http.MethodGet && q.Method != http.MethodHead {
		return problem.NotAllowed(w, "GET, HEAD")
	}
	problem.WriteJSON(w, http.StatusOK, map[string][]description{"resources": r.describe(who)})
	return nil
}

func (r *Resources) describe(who identity.Identity) []description {
	all := []description{}
	for _, one := range r.current() {
		if one.Admits(who) == nil {
			d := one.describe(who)
			d.Topics = r.topicsFor(one, who)
			all = append(all, d)
		}
	}
	return all
}

func (r *Resource) describe(who identity.Identity) description {
	d := description{Name: r.name, Key: r.key.Name, Label: r.label.Name, Delete: r.table.Deletable}
	for _, c := range r.columns {
		f := r.describeField(c, who)
		d.Create, d.Update = d.Create || f.Create, d.Update || f.Update
		d.Fields = append(d.Fields, f)
	}
	return d
}

func (r *Resource) describeField(c *column, who identity.Identity) fieldDescription {
	f := fieldDescription{
		Name: c.Name, Type: c.kind.String(), Nullable: !c.Required, MaxLength: c.Length,
		Create: r.accepts(c, ToCreate), Update: r.accepts(c, ToPatch),
		Default: c.constantDefault(), Choices: c.choices(), References: r.describeReference(c, who),
	}
	f.ReadOnly = !f.Create && !f.Update
	f.Required = f.Create && c.Required && !c.Default
	return f
}

func (r *Resource) describeReference(c *column, who identity.Identity) *referenceDescription {
	for _, ref := range r.references {
		if to := ref.target(who); ref.column == c && to != nil {
			return &referenceDescription{to.name, to.key.Name, to.label.Name}
		}
	}
	return nil
}

// PostgreSQL keeps defaults and checks as expressions, and writes them in one way: a constant with
// casts and parentheses around it, and a list of values as column = ANY (ARRAY[...]). An expression of
// any other form is not understood, and the description says nothing of it.

const constantForm = `(?:'(?:[^']|'')*'|-?[0-9]+(?:\.[0-9]+)?|true|false)`

var (
	constantAlone  = regexp.MustCompile(`^\(*(` + constantForm + `)\)*(?:::[a-z ]+(?:\([0-9, ]+\))?\)*)*$`)
	constantInList = regexp.MustCompile(`^\(?(` + constantForm + `)\)?(?:::[a-z ]+(?:\([0-9, ]+\))?)?(?:, |$)`)
	comparedColumn = regexp.MustCompile(`^\(*(.+?)\)*(?:::[a-z ]+\)*)?$`)
	listOfValues   = regexp.MustCompile(`^\(+ARRAY\[(.*?)\](?:\)|::[a-z ]+\[\])*$`)
)

// constantDefault returns a default that is a constant, for a form to begin with; nil if there is
// none, or none that is understood.
func (c *column) constantDefault() any {
	if found := constantAlone.FindStringSubmatch(c.DefaultSQL); found != nil {
		return c.parseConstant(found[1])
	}
	return nil
}

// choices returns the only values that a column may have: the labels of an enum, or the values that a
// check lists; nil if any value may be.
func (c *column) choices() []any {
	var choices []any
	for _, label := range c.Labels {
		choices = append(choices, label)
	}
	for _, check := range c.Checks {
		if choices == nil {
			choices = c.parseListCheck(check)
		}
	}
	return choices
}

// parseListCheck reads a check that lists the values of the column and says nothing else.
func (c *column) parseListCheck(check string) []any {
	left, right, ok := strings.Cut(check, " = ANY ")
	compared, list := comparedColumn.FindStringSubmatch(left), listOfValues.FindStringSubmatch(right)
	if !ok || compared == nil || list == nil || !slices.Contains([]string{c.Ident, "VALUE"}, compared[1]) {
		return nil
	}
	var values []any
	for rest := list[1]; rest != ""; {
		found := constantInList.FindStringSubmatch(rest)
		if found == nil {
			return nil
		}
		value := c.parseConstant(found[1])
		if value == nil {
			return nil
		}
		values, rest = append(values, value), rest[len(found[0]):]
	}
	return values
}

// parseConstant returns a literal of SQL as rows have such values; nil if that is not known.
func (c *column) parseConstant(literal string) any {
	text, quoted := strings.CutPrefix(literal, "'")
	if quoted {
		text = strings.ReplaceAll(strings.TrimSuffix(text, "'"), "''", "'")
	}
	switch c.kind {
	case kindText, kindEnum, kindUUID:
		if quoted {
			return text
		}
	case kindBool:
		if text == "true" || text == "false" {
			return text == "true"
		}
	case kindWhole, kindFloat, kindNumeric:
		if json.Valid([]byte(text)) && strings.Trim(text, "-.0123456789") == "" {
			return json.Number(text)
		}
	}
	return nil
}
