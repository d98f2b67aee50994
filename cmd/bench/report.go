package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// table prints rows in columns.
type table struct{ *tabwriter.Writer }

func (b *bench) table(head ...string) table {
	t := table{tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)}
	t.row(head...)
	return t
}

func (t table) row(cells ...string) {
	fmt.Fprintln(t.Writer, "  "+strings.Join(cells, "\t")+"\t")
}

func (t table) end() { _ = t.Flush() }

// verdict says whether a goal was reached.
func (b *bench) verdict(what, got, goal string, reached bool) {
	word := "reached"
	if !reached {
		word = "MISSED"
	}
	b.say("  %s: %s, goal %s: %s", what, got, goal, word)
}

func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// percentile is the duration that a part of all are not longer than.
func percentile(of []time.Duration, part float64) time.Duration {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	return sorted[int(part*float64(len(sorted)-1))].Round(10 * time.Microsecond)
}

func percentiles(of []time.Duration) string {
	return fmt.Sprintf("p50 %v, p99 %v", percentile(of, 0.5), percentile(of, 0.99))
}

func whole(x float64) string { return fmt.Sprintf("%.0f", x) }

func ratio(x float64) string { return fmt.Sprintf("%.2f", x) }

func spread(of []float64) string {
	return fmt.Sprintf("%.2f..%.2f", slices.Min(of), slices.Max(of))
}
