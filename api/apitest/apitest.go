// Package apitest supports the tests of api and of the packages below it. It sends HTTP requests, with
// and without a network, as users of the samples; has the rules of the example applications and
// hostile texts; and waits for what other goroutines do.
package apitest

import (
	"net/http"
	"net/http/httptest"
)

// Request returns a request over plain HTTP. Its headers are given as name, value, name, value.
func Request(method, target string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.TLS = nil // NewRequest sets TLS from the scheme of the target; tests set it themselves
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// Answer returns the handler's answer to a request.
func Answer(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}
