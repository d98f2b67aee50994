package api

import (
	"net/http"
	"strings"

	"rowcall/api/problem"
)

// requests answers a plain HTTP request, unless its address has asked too often. What reads the database counts; pages
// do not: they come out of memory, many at once for one visit. Neither do /healthz and /readyz, which somebody asks
// most urgently when too much is going on. A stream counts as a handshake, and who asks for too many hears it there:
// a status that says so would end EventSource for good.
func (s *Server) requests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if countsAsRequest(r.URL.Path) {
			if err := s.door.AdmitRequest(r); err != nil {
				problem.Refuse(w, r, s.log, err)
				return
			}
		}
		s.deadlines.begin(w, r)
		next.ServeHTTP(w, r)
	})
}

func countsAsRequest(path string) bool {
	switch path {
	case streamPath, tailPath:
		return false
	}
	return strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/v1/")
}
