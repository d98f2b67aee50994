package problem

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// Query holds the parameters of a request's address. Its methods read them strictly: they refuse a
// misspelt value instead of taking another in its place, which a client would notice late.
type Query struct{ url.Values }

// ParseQuery reads the query of a request's address.
func ParseQuery(r *http.Request) (Query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Query{}, Explain(ErrBadRequest, "the query of the address cannot be read")
	}
	return Query{values}, nil
}

// BadParameter returns ErrBadRequest with a detail that tells the client which parameter is wrong.
func BadParameter(name, detail string) error {
	return Explain(ErrBadRequest, name+": "+detail)
}

// Text returns a parameter that may be given once; empty if it is not given.
func (q Query) Text(name string) (string, error) {
	if len(q.Values[name]) > 1 {
		return "", BadParameter(name, "it stands there more than once")
	}
	return q.Get(name), nil
}

// Number returns a parameter that is a whole number between two bounds; otherwise if it is not given.
func (q Query) Number(name string, least, most, otherwise int) (int, error) {
	text, err := q.Text(name)
	if err != nil || !q.Has(name) {
		return otherwise, err
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || int(n) < least || int(n) > most {
		return 0, BadParameter(name, fmt.Sprintf("it is a whole number from %d to %d", least, most))
	}
	return int(n), nil
}
