package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func testColumns() []Column {
	return []Column{
		{Name: "status", Type: "text", Kind: KindText}, {Name: "not", Type: "text", Kind: KindText}, {Name: "code", Type: "character", Kind: KindChar},
		{Name: "n", Type: "smallint", Kind: KindInt2}, {Name: "big", Type: "bigint", Kind: KindInt8}, {Name: "total", Type: "numeric", Kind: KindNumeric},
		{Name: "ratio", Type: "real", Kind: KindFloat4}, {Name: "gift", Type: "boolean", Kind: KindBool}, {Name: "mood", Type: "public.mood", Kind: KindEnum, Labels: []string{"sad", "ok"}},
		{Name: "day", Type: "date", Kind: KindDate}, {Name: "at", Type: "timestamp with time zone", Kind: KindTimestampTZ}, {Name: "local", Type: "timestamp without time zone", Kind: KindTimestamp},
		{Name: "id", Type: "uuid", Kind: KindUUID}, {Name: "raw", Type: "bytea"}, {Name: "more", Type: "jsonb", Kind: KindJSON},
	}
}

func bindText(text string) (*Filter, error) {
	condition, err := Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	return condition.Bind(testColumns())
}

// A filter that cannot be meant is refused with a sentence that names the column.
func TestFiltersThatAreRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		``:                                 "a filter is JSON",
		`{`:                                "a filter is JSON",
		`{"n":1} `:                         "",
		`{"n":1}{}`:                        "a filter is JSON",
		"{\"status\":\"\xff\"}":            "a filter is JSON",
		`[]`:                               "[]: a filter is an object",
		`null`:                             "null: a filter is an object",
		`{"n":1,"n":2}`:                    `"n" stands there twice`,
		`{"n":{"gt":1,"gt":2}}`:            `"gt" stands there twice`,
		`{"and":[1]}`:                      "1: a filter is an object",
		`{"and":[{"n":1,"n":2}]}`:          `"n" stands there twice`,
		`{"n":null}`:                       `"n": nothing equals null: write {"is": null}`,
		`{"n":{"gt":null}}`:                `"n": nothing equals null`,
		`{"n":{"in":[1,null]}}`:            `"n": nothing equals null`,
		`{"n":[1]}`:                        `"n": for one of several values write {"in": [...]}`,
		`{"n":{"in":1}}`:                   `"n": in has a list of values`,
		`{"n":{"gt":[1]}}`:                 `"n": gt has one value`,
		`{"n":{"gt":{"n":1}}}`:             `"n": gt has one value`,
		`{"n":{}}`:                         `"n" has no test`,
		`{"n":{"between":1}}`:              `"n": there is no test "between"`,
		`{"secret":1}`:                     `"secret" is no column`,
		`{"and":"x"}`:                      `"and" is no column`,
		`{"n":"x"}`:                        `"n" is of type smallint: "x" is no value of it`,
		`{"n":32768}`:                      `"n" is of type smallint: 32768 is no value of it`,
		`{"n":1.0}`:                        `"n" is of type smallint: 1.0 is no value`,
		`{"big":1e3}`:                      `"big" is of type bigint: 1e3 is no value`,
		`{"total":"1,5"}`:                  `"total" is of type numeric`,
		`{"total":1e1000000000}`:           `"total" is of type numeric`,
		`{"ratio":1e39}`:                   `"ratio" is of type real`,
		`{"ratio":1e-60}`:                  `"ratio" is of type real`,
		`{"gift":"true"}`:                  `"gift" is of type boolean`,
		`{"gift":1}`:                       `"gift" is of type boolean`,
		`{"status":1}`:                     `"status" is of type text: 1 is no value of it`,
		`{"status":"a\u0000"}`:             `"status" is of type text`,
		`{"status":{"like":"a\\"}}`:        `"status": the pattern ends with a backslash`,
		`{"n":{"like":"1%"}}`:              `"n" is of type smallint: like is for texts`,
		`{"n":{"is":true}}`:                `"n" is of type smallint: only a boolean`,
		`{"gift":{"is":"null"}}`:           `"gift": is has the value null, true or false`,
		`{"mood":"glad"}`:                  `"mood" is of type public.mood: "glad" is no value`,
		`{"mood":{"gt":"sad"}}`:            `"mood" is an enum`,
		`{"mood":{"like":"s%"}}`:           `"mood" is of type public.mood: like is for texts`,
		`{"raw":"\\x00"}`:                  `"raw" is of type bytea, whose values filters do not compare`,
		`{"raw":{"in":[]}}`:                `"raw" is of type bytea`,
		`{"more":{"ne":1}}`:                `"more" is of type jsonb`,
		`{"day":"2026-02-29"}`:             `"day" is of type date`,
		`{"day":"2026-1-1"}`:               `"day" is of type date`,
		`{"day":"0000-01-01"}`:             `"day" is of type date`,
		`{"day":"5874898-01-01"}`:          `"day" is of type date`,
		`{"day":"4714-11-23 BC"}`:          `"day" is of type date`,
		`{"at":"2026-11-20T12:00:00"}`:     `"at" is of type timestamp with time zone`,
		`{"at":"2026-11-20T24:00:00Z"}`:    `"at" is of type timestamp with time zone`,
		`{"at":"294277-01-01T00:00:00Z"}`:  `"at" is of type timestamp with time zone`,
		`{"local":"2026-11-20T12:00:00Z"}`: `"local" is of type timestamp without time zone`,
		`{"id":"3f2504e0"}`:                `"id" is of type uuid`,
		`{"status":{"like":"` + strings.Repeat("a", maxLikeRunes+1) + `"}}`:                                                                                   `at most 256 characters`,
		`{"status":"` + strings.Repeat("a", MaxBytes) + `"}`:                                                                                                  "at most 8192 bytes",
		`{"and":[` + strings.Repeat(`{"n":1},`, MaxTerms) + `{"n":1}]}`:                                                                                       "at most 64 tests",
		`{"or":[` + strings.Repeat(`{"status":{"like":"%a%"}},{"code":{"like":"%b%"}},`, 16) + `{"status":{"like":"%c%"}}]}`:                                  "",
		`{"or":[{"n":1},{"status":{"like":"%a%"}},{"status":{"like":"%_%"}},{"code":{"like":"b%a_a%"}},{"code":{"like":"%_a%"}},{"status":{"like":"%a_%"}}]}`: "at most 16 patterns of like",
		strings.Repeat(`{"and":[`, maxDepth+1) + `{}` + strings.Repeat(`]}`, maxDepth+1):                                                                      "nested 16 times at most",
		strings.Repeat(`{"not":[`, maxDepth) + `{"status":{"in":[]}}` + strings.Repeat(`]}`, maxDepth):                                                        "",
		`{"not":[{"n":1}]}`: "", `{"not":"x"}`: "", `{"not":{"in":["x"]}}`: "", `{}`: "", `{"raw":{"is":null}}`: "", `{"big":"7"}`: "",
	}
	for text, want := range cases {
		_, err := bindText(text)
		_, ours := errors.AsType[*Error](err)
		if want == "" && err != nil || want != "" && (!ours || !strings.Contains(err.Error(), want)) {
			t.Errorf("filter %.80s: %v, want %q", text, err, want)
		}
	}
}

// Filters that mean the same in other words have one form.
func TestCanonicalForm(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{`{"n":1,"status":"a"}`, `{"status":{"eq":"a"},"n":{"eq":1}}`, `{"and":[{"status":"a"},{"n":{"in":[1,1]}}]}`, ` { "and": [ {"and":[{"n":1}]}, {"status":"a"}, {"n":1} ] } `},
		{`{"or":[{"n":1},{"n":2}]}`, `{"or":[{"n":2},{"or":[{"n":1},{"n":2}]}]}`},
		{`{"not":[{"n":1},{"n":2}]}`, `{"not":[{"or":[{"n":2},{"n":1}]}]}`},
		{`{"total":1}`, `{"total":1.00}`, `{"total":"10e-1"}`},
		{`{"total":-0}`, `{"total":0.0}`}, {`{"ratio":0}`, `{"ratio":-0.0}`},
		{`{"at":"2026-11-20T12:00:00+02:00"}`, `{"at":"2026-11-20 10:00:00.000Z"}`, `{"at":"2026-11-20T10:00:00-00"}`},
		{`{"code":"a"}`, `{"code":"a  "}`}, {`{"status":{"prefix":"a_"}}`, `{"status":{"like":"a\\_%"}}`},
		{`{"n":{"in":[2,1]}}`, `{"n":{"in":[1,2,2]}}`}, {`{"id":"3F2504E0-4F89-41D3-9A0C-0305E82C3301"}`, `{"id":"3f2504e0-4f89-41d3-9a0c-0305e82c3301"}`},
	} {
		first, err := bindText(same[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range same[1:] {
			f, err := bindText(text)
			if err != nil || f.Canonical() != first.Canonical() {
				t.Errorf("%s is %q, %v; %s is %q", text, f.Canonical(), err, same[0], first.Canonical())
			}
		}
	}
	differ := map[string]string{}
	for _, text := range []string{`{}`, `{"not":[]}`, `{"or":[]}`, `{"status":"a"}`, `{"status":"a "}`, `{"not":[{"status":"a"}]}`, `{"status":{"ne":"a"}}`, `{"not":"a"}`,
		`{"status":{"like":"a"}}`, `{"status":{"in":[]}}`, `{"status":{"in":["a","b"]}}`, `{"status":{"in":["a\",\"b"]}}`, `{"gift":true}`, `{"gift":{"is":true}}`} {
		f, err := bindText(text)
		if err != nil {
			t.Fatal(err)
		}
		if before, there := differ[f.Canonical()]; there && text != `{"not":[]}` {
			t.Errorf("%s and %s are both %q", before, text, f.Canonical())
		}
		differ[f.Canonical()] = text
	}
}

// Days are counted as package time counts them, in all years that both know.
func TestDays(t *testing.T) {
	t.Parallel()
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for number := int64(-1_000_000); number < 3_000_000; number += 1237 {
		day := start.AddDate(0, 0, int(number))
		if got := dayNumber(int64(day.Year()), int64(day.Month()), int64(day.Day())); got != number {
			t.Fatalf("day number of %v: got %d, want %d", day, got, number)
		}
		if read, ok := parseDate(dateText(number)); !ok || read != number {
			t.Fatalf("day %d is written as %s, which is read as %d, %v", number, dateText(number), read, ok)
		}
	}
	want := []string{"4714-11-24 BC", "5874897-12-31", "294276-12-31"}
	if diff := cmp.Diff(want, []string{dateText(firstDay), dateText(lastDay), dateText(lastTimesDay)}); diff != "" {
		t.Errorf("the ends of PostgreSQL's range (-want +got):\n%s", diff)
	}
}

// A follower hears of a change as the table of docs/tables.md says.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	f, err := bindText(`{"status":"open"}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		data string
		want Outcome
		told string
	}{
		{`{"op":"update","key":{"id":1},"new":{"id":1,"status":"open"},"old":{"id":2}}`, Same, ""},
		{`{"op":"update","key":{"id":1},"new":{"id":1,"status":"late","n":1.50},"old":{"status":"open"}}`, Leave, `{"op":"leave","key":{"id":1},"old":{"id":1,"status":"open","n":1.50}}`},
		{`{"op":"update","key":{"id":1},"new":{"id":1,"status":"open"},"old":{"status":"late"}}`, Enter, `{"op":"enter","key":{"id":1},"new":{"id":1,"status":"open"}}`},
		{`{"op":"update","key":{"id":1},"new":{"id":1,"status":"late"},"old":{"status":null}}`, Nothing, ""},
		{`{"op":"insert","key":{"id":1},"new":{"status":"open"}}`, Same, ""}, {`{"op":"insert","key":{"id":1},"new":{"status":null}}`, Nothing, ""},
		{`{"op":"enter","key":{"id":1},"new":{"status":"open"}}`, Same, ""}, {`{"op":"enter","key":{"id":1},"new":{"status":"late"}}`, Nothing, ""},
		{`{"op":"delete","key":{"id":1},"old":{"status":"open"}}`, Same, ""}, {`{"op":"delete","key":{"id":1},"old":{"status":"late"}}`, Nothing, ""},
		{`{"op":"leave","key":{"id":1},"old":{"status":"open"}}`, Same, ""}, {`{"op":"leave","key":{"id":1},"old":{"status":"late"}}`, Nothing, ""},
	} {
		change, err := ReadChange([]byte(c.data))
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Outcome(change)
		if err != nil || got != c.want {
			t.Errorf("%s: got %v, %v; want %v", c.data, got, err, c.want)
		}
		told := map[Outcome]string{Enter: string(change.Entered()), Leave: string(change.Left())}[got]
		if told != c.told {
			t.Errorf("%s: the follower hears %s, want %s", c.data, told, c.told)
		}
	}
	for _, row := range []string{`{"n":1}`, `{"status":7}`} {
		change, err := ReadChange([]byte(`{"op":"insert","new":` + row + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Outcome(change); !errors.Is(err, ErrOtherColumns) {
			t.Errorf("row %s: %v, want ErrOtherColumns", row, err)
		}
	}
	for _, data := range []string{`null`, `7`, `{}`, `{"op":"move"}`, `{"op":"insert"}`, `{"op":"insert","new":[]}`, `{"op":"update","new":{}}`, `{"op":"delete","old":{"a":1,"a":2}}`, `x`} {
		if _, err := ReadChange([]byte(data)); err == nil {
			t.Errorf("%s was read as a change", data)
		}
	}
}

// A change is read whatever is nested in its values, and as deep as PostgreSQL stores it.
func TestDeepRows(t *testing.T) {
	t.Parallel()
	const levels = 200_000
	deep := strings.Repeat(`[{"a":`, levels) + `"]}\\"` + strings.Repeat(`}]`, levels)
	row := ` { "more" : ` + deep + ` , "sta\u0074us" : "open\\\"" , "n" : -1.5e3, "gift":null,"raw":[ ],"text":{}} `
	change, err := ReadChange([]byte(`{"op":"update","key":{"more":` + deep + `},"new":` + row + `,"old":{"status":"late"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bindText(`{"status":"open\\\"","more":{"not":1}}`); err == nil {
		t.Fatal("there is no test not")
	}
	f, err := bindText(`{"status":"open\\\"","gift":{"is":null}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Outcome(change); err != nil || got != Enter {
		t.Errorf("got %v, %v", got, err)
	}
	want := `{"op":"enter","key":{"more":` + deep + `},"new":{"more":` + deep + `,"status":"open\\\"","n":-1.5e3,"gift":null,"raw":[ ],"text":{}}}`
	if string(change.Entered()) != want {
		t.Errorf("the event that is told is another")
	}
	for _, fault := range []string{`{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":"`, `{"a":"\`, `{"a":[}`, `{"a":1 "b":2}`, `{"a":]}`, `{,}`, `{a:1}`, `{"a":,"b":1}`} {
		if _, err := ReadRow([]byte(fault)); err == nil {
			t.Errorf("%s was read as a row", fault)
		}
	}
}

// Whatever a client sends is refused, or has one form, which never fails. Values reach SQL as arguments only.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"status":{"in":["open","late"]},"total":{"gte":100}}`, `{"not":[{"gift":{"is":null}}]}`, `{"at":{"lt":"0044-03-15T12:00:00Z BC"}}`,
		`{"status":{"like":"%a_\\%"}}`, `{"ratio":-1e-45,"total":"NaN"}`, `{"or":[{"mood":"sad"},{"day":"infinity"}]}`, `{"code":{"prefix":"'"}}`, `{"n":1,"n":2}`} {
		f.Add(seed)
	}
	row, err := ReadRow([]byte(`{"status":"ab'c","not":null,"code":"a  ","n":1,"big":"7","total":1.50,"ratio":0.1,"gift":true,"mood":"sad","day":"2026-11-20","at":"2026-11-20T12:00:00Z","local":"infinity",` +
		`"id":"3f2504e0-4f89-41d3-9a0c-0305e82c3301","raw":"\\x00","more":null}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		own, err := bindText(text)
		if err != nil {
			if _, ours := errors.AsType[*Error](err); !ours {
				t.Fatalf("the error is no sentence for the client: %v", err)
			}
			return
		}
		if _, err := own.Passes(row); err != nil {
			t.Fatalf("the row cannot be tested: %v", err)
		}
		again, err := bindText(text)
		if err != nil || again.Canonical() != own.Canonical() {
			t.Fatalf("%q has two forms: %q and %q", text, own.Canonical(), again.Canonical())
		}
		sql, args := own.Where("t", 1)
		for _, arg := range args {
			for _, value := range argTexts(arg) {
				if len(value) > 30 && strings.Contains(sql, value) {
					t.Fatalf("the value %q is text of %s", value, sql)
				}
			}
		}
	})
}

func argTexts(arg any) []string {
	if one, ok := arg.(string); ok {
		return []string{one}
	}
	return arg.([]string)
}

// The dearest filters that are allowed end soon on a long row: below 100 ms where nothing else runs. The limit stands for searches
// that take the product of the text and the pattern.
func TestLongRowsAreTestedSoon(t *testing.T) {
	t.Parallel()
	const long = 1 << 20
	digits := strings.Repeat("9", maxWhole-1) + "." + strings.Repeat("9", maxFraction)
	row, err := ReadRow([]byte(`{"status":"` + strings.Repeat("a", long) + `","not":"` + strings.Repeat(`ä\n`, long/4) + `","code":"` + strings.Repeat(" ", long) + `","total":` + digits + `}`))
	if err != nil {
		t.Fatal(err)
	}
	several := func(most int, term func(n int) string) string {
		var terms []string
		for n := 0; n < most && len(strings.Join(terms, ","))+len(term(n)) < MaxBytes-100; n++ {
			terms = append(terms, term(n))
		}
		return `{"or":[` + strings.Join(terms, ",") + `]}`
	}
	for name, text := range map[string]string{
		"literal":   several(maxSearches/4, func(n int) string { return fmt.Sprintf(`{"status":{"like":"%%%sb%d%%"}}`, strings.Repeat("a", 230), n) }),
		"short":     several(maxSearches, func(n int) string { return fmt.Sprintf(`{"status":{"like":"%%ab%d%%"}}`, n) }),
		"shorter":   several(maxSearches, func(n int) string { return fmt.Sprintf(`{"status":{"like":"%%%sb%d%%"}}`, strings.Repeat("a", 60), n) }),
		"parts":     `{"status":{"like":"%` + strings.Repeat("a%", 120) + `b%"}}`,
		"any":       several(maxSearches/4, func(n int) string { return fmt.Sprintf(`{"status":{"like":"%%%s_b%d%%"}}`, strings.Repeat("a", 60), n) }),
		"any ä":     several(maxSearches/4, func(n int) string { return fmt.Sprintf(`{"not":{"like":"%%ä_ö%d%%"}}`, n) }),
		"no ASCII":  several(maxSearches, func(n int) string { return fmt.Sprintf(`{"not":{"like":"%%ä\nö%d%%"}}`, n) }),
		"blanks":    several(MaxTerms, func(n int) string { return fmt.Sprintf(`{"code":{"in":["a%d","b","c","d"]}}`, n) }),
		"equality":  several(MaxTerms, func(n int) string { return fmt.Sprintf(`{"not":"a%d"}`, n) }),
		"ends":      several(MaxTerms, func(n int) string { return fmt.Sprintf(`{"status":{"like":"%%_a_b%d"}}`, n) }),
		"numbers":   several(MaxTerms, func(n int) string { return fmt.Sprintf(`{"total":{"lt":%d}}`, n) }),
		"long list": `{"total":{"in":[1` + strings.Repeat(`,1e131071`, 800) + `]}}`,
	} {
		f, err := bindText(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		start := time.Now()
		passes, err := f.Passes(row)
		took := time.Since(start)
		t.Logf("%s: %v", name, took)
		if passes || err != nil || took > 30*time.Second {
			t.Errorf("%s: got %v, %v after %v", name, passes, err, took)
		}
	}
}

// Parts of patterns that are looked for, and have a _ in them, take the first place where they fit.
func TestSearchedPatterns(t *testing.T) {
	t.Parallel()
	for text, rows := range map[string]map[string]bool{
		`%a_c%`:                               {"abc": true, "xa😀cx": true, "ac": false, "aabc": true, "abaxc": true, "abxc": false, "a\nc": true},
		`%ä_%`:                                {"ä": false, "aää": true, "äx": true, "xä": false},
		`%__%_a`:                              {"xya": false, "xyza": true, "äöüa": true},
		`%a_%b_%`:                             {"axby": true, "axb": false, "abby": true, "aby": false, "aabxby": true},
		`%` + strings.Repeat("_", 63) + `b%`:  {strings.Repeat("a", 62) + "bx": false, strings.Repeat("a", 64) + "bx": true, strings.Repeat("日", 63) + "b": true},
		`%_\%%`:                               {"5%": true, "%5": false},
		`%` + strings.Repeat("_", 64) + `b%`:  nil,
		`%` + strings.Repeat("b", 100) + `_`:  {strings.Repeat("b", 101): true, strings.Repeat("b", 100): false},
		`%` + strings.Repeat("b", 100) + `_%`: nil,
	} {
		f, err := bindText(`{"status":{"like":` + quoteForTest(text) + `}}`)
		if (err == nil) != (rows != nil) || err != nil && !strings.Contains(err.Error(), "at most 64 characters") {
			t.Errorf("pattern %s: %v", text, err)
		}
		for value, want := range rows {
			row, err := ReadRow([]byte(`{"status":` + quoteForTest(value) + `}`))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := f.Passes(row); got != want || err != nil {
				t.Errorf("pattern %s of %s: got %v, %v", text, value, got, err)
			}
		}
	}
}

func quoteForTest(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}
