package problem

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Document is an error in the form of RFC 9457, with a code for programs.
type Document struct {
	Type       string `json:"type"`
	Title      string `json:"title"`
	Status     int    `json:"status"`
	Detail     string `json:"detail,omitempty"`
	Code       string `json:"code"`
	RetryAfter int    `json:"retry_after,omitempty"` // seconds
	Errors     any    `json:"errors,omitempty"`      // what is wrong with the content, by field
}

// Refuse answers a request with an error. It logs an error that no client can have caused. The
// answer never holds an error's own text.
func Refuse(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	f := FaultOf(err)
	if f.Code == Internal && r.Context().Err() == nil {
		log.Error("request not answered", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	Write(w, err)
}

// Write answers with an error and logs nothing.
func Write(w http.ResponseWriter, err error) {
	document := DocumentOf(err)
	if _, ok := errors.AsType[*challenged](err); ok && document.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+headerText(document.Detail)+`"`)
	}
	if document.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(document.RetryAfter))
	}
	WriteDocument(w, document.Status, document)
}

// headerText returns a sentence without the characters that error_description of RFC 6750 may not have.
func headerText(sentence string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return '\''
		}
		return c
	}, sentence)
}

// WriteDocument sends a Document, or a struct that embeds a Document and adds fields.
func WriteDocument(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/problem+json")
	writeBody(w, status, document)
}

// DocumentOf returns the document of an error.
func DocumentOf(err error) Document {
	f := FaultOf(err)
	document := Document{
		Type:       "about:blank",
		Title:      http.StatusText(f.Status),
		Status:     f.Status,
		Detail:     f.Message,
		Code:       f.Code,
		RetryAfter: Seconds(f.After),
	}
	if content, ok := errors.AsType[*Rejected](err); ok {
		document.Errors = content.Fields
	}
	return document
}

// Seconds returns a duration in whole seconds, rounded up so that no client comes back too early.
func Seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// NotAllowed returns ErrMethod and names the methods that the address has in the Allow header.
func NotAllowed(w http.ResponseWriter, methods string) error {
	w.Header().Set("Allow", methods)
	return ErrMethod
}
