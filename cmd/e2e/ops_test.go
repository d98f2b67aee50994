package e2e

import (
	"net/http"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// TestServeForOperators checks that metrics, profiles and health are served on ops.addr, and on no
// other address.
func TestServeForOperators(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, map[string]string{"ROWCALL_OPS_ADDR": "127.0.0.1:0"})
	metrics := s.Program.After(t, "Operators find")
	site := strings.TrimSuffix(metrics, "metrics")
	for path, want := range map[string]int{
		"metrics": http.StatusOK, "readyz": http.StatusOK, "healthz": http.StatusOK, "debug/pprof/heap": http.StatusOK,
		"api/me": http.StatusNotFound,
	} {
		if got := rowcalltest.Status(t, site+path); got != want {
			t.Errorf("%s answers %d, want %d", path, got, want)
		}
	}
	for _, path := range []string{"metrics", "debug/pprof/heap"} {
		if got := rowcalltest.Status(t, s.Pages+path); got != http.StatusNotFound {
			t.Errorf("%s of the public address answers %d", path, got)
		}
	}
	s.Program.End(t)
	if response, err := http.Get(metrics); err == nil {
		response.Body.Close()
		t.Error("it still answers operators after its end")
	}
}
