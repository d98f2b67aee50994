package api

import (
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// described returns the metrics that a server registers, with the names of their labels.
func described(t *testing.T, m *Metrics) map[string][]string {
	t.Helper()
	descs := make(chan *prometheus.Desc, 1000)
	m.registry.Describe(descs)
	close(descs)
	found := map[string][]string{}
	line := regexp.MustCompile(`fqName: "([^"]*)".*variableLabels: \{([^}]*)\}`)
	for d := range descs {
		parts := line.FindStringSubmatch(d.String())
		if parts == nil {
			t.Fatalf("cannot read %s", d)
		}
		found[parts[1]] = strings.FieldsFunc(parts[2], func(r rune) bool { return r == ',' || r == ' ' })
	}
	return found
}

// nodeMetrics are the metrics of a node: of a server and of a pool.
func nodeMetrics(t *testing.T) *Metrics {
	t.Helper()
	st := openFakeFeedServer(t, Options{})
	st.metrics.ObservePool(nil)
	st.metrics.ObserveSettings(nil)
	return st.metrics
}

// A label whose values clients choose would let them create metrics without end.
func TestLabelsAreFromAFixedList(t *testing.T) {
	t.Parallel()
	allowed := []string{"kind", "result", "code", "route", "status", "connection", "state", "from", "reason"}
	for name, labels := range described(t, nodeMetrics(t)) {
		for _, label := range labels {
			if !slices.Contains(allowed, label) {
				t.Errorf("%s has the label %q: one that nobody outside can choose values of belongs into the list", name, label)
			}
		}
	}
}

// TestOperationsNameEveryMetric compares the section Metrics of docs/operations.md with the metrics.
func TestOperationsNameEveryMetric(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n## Metrics\n")
	if !found {
		t.Fatal("docs/operations.md has no section Metrics")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	told := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(rowcall_[a-z_]+)(?:\\{([a-z, ]*)\\})?` \\|").FindAllStringSubmatch(section, -1) {
		told[row[1]+"{"+strings.ReplaceAll(row[2], " ", "")+"}"] = true
	}
	there := map[string]bool{}
	for name, labels := range described(t, nodeMetrics(t)) {
		if strings.HasPrefix(name, "rowcall_") {
			there[name+"{"+strings.Join(labels, ",")+"}"] = true
		}
	}
	for name := range there {
		if !told[name] {
			t.Errorf("docs/operations.md does not explain %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(told)) {
		if !there[name] {
			t.Errorf("docs/operations.md explains %s, which there is not", name)
		}
	}
}

// A client may close with any code, which must not become a label.
func TestCloseCodesOfClientsAreNoLabels(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	for code := range 5000 {
		m.countClose(sessionNative, code)
	}
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "rowcall_closes_total" && len(f.GetMetric()) > 60 {
			t.Errorf("%d codes are labels", len(f.GetMetric()))
		}
	}
}

// metric returns the present value of a line of the metrics; 0 without one.
func metric(t *testing.T, address, line string) float64 {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d %v", address, answer.StatusCode, err)
	}
	for found := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(found), line+" "); ok {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	return 0
}

// reaches waits until a metric has a value at least.
func reaches(t *testing.T, address, line string, least float64) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	late := time.After(patience)
	for metric(t, address, line) < least {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("%s is %v, want %v", line, metric(t, address, line), least)
		}
	}
}
