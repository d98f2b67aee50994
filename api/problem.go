package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"
)

// problem is an error as RFC 9457 wants it, with a code for programs.
type problem struct {
	Type       string `json:"type"`
	Title      string `json:"title"`
	Status     int    `json:"status"`
	Detail     string `json:"detail,omitempty"`
	Code       string `json:"code"`
	RetryAfter int    `json:"retry_after,omitempty"` // seconds
	Errors     any    `json:"errors,omitempty"`      // what is wrong with the content, by field
}

// refuse answers a request with an error. What a client cannot have caused is logged here, once;
// the answer never holds an error's own text.
func refuse(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	f := faultOf(err)
	if f.code == "internal" && r.Context().Err() == nil {
		log.Error("request not answered", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	if _, given := bearer(r); given && f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	p := problemOf(f)
	if content, ok := errors.AsType[*rejected](err); ok {
		p.Errors = content.fields
	}
	p.write(w)
}

func writeProblem(w http.ResponseWriter, f fault) { problemOf(f).write(w) }

func problemOf(f fault) problem {
	return problem{
		Type:       "about:blank",
		Title:      http.StatusText(f.status),
		Status:     f.status,
		Detail:     f.message,
		Code:       f.code,
		RetryAfter: seconds(f.after),
	}
}

func (p problem) write(w http.ResponseWriter) {
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	writeBody(w, p.Status, p)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	writeBody(w, status, body)
}

// writeBody sends a body that no cache may keep: all of them depend on who asks. An error of the
// encoder would be a defect of ours, one of the writer means that the client has gone.
func writeBody(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// seconds rounds up, so that nobody comes back too early.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
