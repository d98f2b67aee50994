package topic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// An index finds what comparing each pattern with each finds.
func TestIndexFindsTheFirstOverlap(t *testing.T) {
	words := []string{"a", "b", "7", "-7", "12345678901234567890123456789012", "0123abcd-0000-4000-8000-00000000000a",
		"{x}", "{y:int}", "{z:uuid}"}
	random := rand.New(rand.NewPCG(1, 2))
	overlaps := 0
	for range 300 {
		var index Index
		var before []Pattern
		for range 12 {
			var parts []string
			for range 1 + random.IntN(3) {
				if word := words[random.IntN(len(words))]; !slices.Contains(parts, word) {
					parts = append(parts, word)
				}
			}
			p, err := ParsePattern(strings.Join(parts, "/"))
			if err != nil {
				t.Fatal(err)
			}
			if random.IntN(10) == 0 {
				p = Pattern{} // of a text that is no pattern
			}
			want := slices.IndexFunc(before, p.Overlaps)
			if got := index.FirstOverlap(p); got != want {
				t.Fatalf("of %v, the first that overlaps %v is %d, want %d", before, p, got, want)
			}
			if want >= 0 {
				overlaps++
			}
			index.Add(p)
			before = append(before, p)
		}
	}
	if overlaps == 0 {
		t.Error("no patterns overlap: the test shows nothing")
	}
}

// The topics of a schema's tables differ in one word. Each costs no more steps than it has parts.
func TestIndexComparesFewPatterns(t *testing.T) {
	const tables = 5000
	for _, form := range []string{"%s/{id:int}", "{id:int}/%s", "live/%s/{id:uuid}", "{shop}/%s/{id:int}", "%s"} {
		var index Index
		steps, most := 0, 0
		for i := range tables {
			p, err := ParsePattern(fmt.Sprintf(form, fmt.Sprintf("t_%d", i)))
			if err != nil {
				t.Fatal(err)
			}
			index.walk(p, func(*indexNode, bool) bool { steps++; return true })
			most += len(p.parts)
			index.Add(p)
		}
		if steps > most {
			t.Errorf("%d patterns of the form %s take %d steps, want %d at most", tables, form, steps, most)
		}
	}
}
