package main

import (
	"net/http"
	"strings"
	"testing"
)

// TestServeForOperators finds numbers, profiles and health where ops.addr says, and nowhere else.
func TestServeForOperators(t *testing.T) {
	t.Parallel()
	s := openSite(t, map[string]string{"ROWCALL_OPS_ADDR": "127.0.0.1:0"})
	metrics := s.node.stdout.after(t, "Operators find", s.node.ended)
	site := strings.TrimSuffix(metrics, "metrics")
	for path, want := range map[string]int{
		"metrics": http.StatusOK, "readyz": http.StatusOK, "healthz": http.StatusOK, "debug/pprof/heap": http.StatusOK,
		"api/me": http.StatusNotFound,
	} {
		if got := status(t, site+path); got != want {
			t.Errorf("%s answers %d, want %d", path, got, want)
		}
	}
	for _, path := range []string{"metrics", "debug/pprof/heap"} {
		if got := status(t, s.pages+path); got != http.StatusNotFound {
			t.Errorf("%s of the public address answers %d", path, got)
		}
	}
	s.node.end(t)
	if response, err := http.Get(metrics); err == nil {
		response.Body.Close()
		t.Error("it still answers operators after its end")
	}
}

// TestDemoTellsOperators wants the greeting to name a port of loopback that answers.
func TestDemoTellsOperators(t *testing.T) {
	t.Parallel()
	demo, _, _ := startDemo(t, demoDir(t))
	metrics := demo.stdout.after(t, "metrics", demo.ended)
	if got := status(t, metrics); got != http.StatusOK || !strings.HasPrefix(metrics, "http://127.0.0.1:") {
		t.Errorf("%s answers %d", metrics, got)
	}
	demo.end(t)
}
