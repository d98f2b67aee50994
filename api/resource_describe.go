package api

import (
	"net/http"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier/topic"
)

// serveDescriptions answers GET /api/resources: what whoever asks may ask for, and how.
func (s *Server) serveDescriptions(mux *http.ServeMux, all *Resources) {
	answer := s.accounts.Require(func(identity.Identity) error { return nil }, all.serveDescribe)
	for _, slash := range []string{"", "/{$}"} {
		mux.HandleFunc("/api/resources"+slash, answer)
	}
}

func (r *Resources) serveDescribe(w http.ResponseWriter, q *http.Request, who identity.Identity) error {
	if q.Method != http.MethodGet && q.Method != http.MethodHead {
		return problem.NotAllowed(w, "GET, HEAD")
	}
	problem.WriteJSON(w, http.StatusOK, map[string][]description{"resources": r.describe(who)})
	return nil
}

// description tells the users of a resource what there is to see and to write. Row-level security may still
// say no to a row.
type description struct {
	Name   string             `json:"name"`
	Key    string             `json:"key"`
	Label  string             `json:"label"` // the field that names a row to people
	Create bool               `json:"create"`
	Update bool               `json:"update"`
	Delete bool               `json:"delete"`
	Topics []topic.Topic      `json:"topics"` // that tell of changes
	Fields []fieldDescription `json:"fields"`
}

type fieldDescription struct {
	Name       string                `json:"name"`
	Type       string                `json:"type"`
	Required   bool                  `json:"required"`  // to create a row
	ReadOnly   bool                  `json:"read_only"` // never taken
	Create     bool                  `json:"create"`    // taken when a row is made
	Update     bool                  `json:"update"`    // and when it is changed
	Nullable   bool                  `json:"nullable"`
	MaxLength  int                   `json:"max_length,omitempty"` // in characters
	Default    any                   `json:"default,omitempty"`    // where it is a constant
	Choices    []any                 `json:"choices,omitempty"`    // the only values
	References *referenceDescription `json:"references,omitempty"`
}

// referenceDescription says where the row behind a value is found, and by which field it is called.
type referenceDescription struct {
	Resource string `json:"resource"`
	Field    string `json:"field"`
	Label    string `json:"label"`
}

func (r *Resources) describe(who identity.Identity) []description {
	all := []description{}
	for _, one := range r.list {
		if one.admits(who) == nil {
			d := one.describe(who)
			d.Topics = r.topicsFor(one, who)
			all = append(all, d)
		}
	}
	return all
}

func (r *resource) describe(who identity.Identity) description {
	d := description{Name: r.name, Key: r.key.Name, Label: r.label.Name, Delete: r.deletes}
	for _, c := range r.columns {
		f := r.describeField(c, who)
		d.Create, d.Update = d.Create || f.Create, d.Update || f.Update
		d.Fields = append(d.Fields, f)
	}
	return d
}

func (r *resource) describeField(c *column, who identity.Identity) fieldDescription {
	f := fieldDescription{
		Name: c.Name, Type: c.kind.String(), Nullable: !c.Required, MaxLength: c.Length,
		Create: r.takes(c, toCreate), Update: r.takes(c, toPatch),
		Default: r.defaultOf(c), Choices: r.choicesOf(c), References: r.describeReference(c, who),
	}
	f.ReadOnly = !f.Create && !f.Update
	f.Required = f.Create && c.Required && !c.Default
	return f
}

func (r *resource) describeReference(c *column, who identity.Identity) *referenceDescription {
	for _, ref := range r.refers {
		if to := ref.target(who); ref.column == c && to != nil {
			return &referenceDescription{to.name, to.key.Name, to.label.Name}
		}
	}
	return nil
}

// String is the type's name in descriptions.
func (k valueKind) String() string {
	names := map[valueKind]string{
		valueText: "text", valueWhole: "integer", valueFloat: "number", valueNumeric: "decimal", valueBool: "boolean",
		valueInstant: "datetime", valueTimestamp: "timestamp", valueDate: "date", valueTime: "time", valueUUID: "uuid",
		valueEnum: "choice", valueJSON: "json",
	}
	if name, ok := names[k]; ok {
		return name
	}
	return "other"
}
