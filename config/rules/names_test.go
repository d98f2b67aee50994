package rules

import (
	"slices"
	"testing"
)

// Names of tables are taken as SQL takes them.
func TestParseName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`orders`:                {"orders"},
		`sales.orders`:          {"sales", "orders"},
		`sales.OrderItems`:      {"sales", "orderitems"},
		`sales."OrderItems"`:    {"sales", "OrderItems"},
		`"Sales"."Order.Items"`: {"Sales", "Order.Items"},
		`"a""b"`:                {`a"b`},
		`größe`:                 {"größe"},
		`"my table"`:            {"my table"},
	} {
		if got, err := ParseName(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{``, `.`, `a.`, `.a`, `a..b`, `"a`, `"a"b`, `a"b"`, `""`, `"`, `"a".`} {
		if got, err := ParseName(text); err == nil {
			t.Errorf("%s is taken as %q", text, got)
		}
	}
}

func TestMissingNameTellsTheSpelling(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`orders`:             `there is no table orders`,
		`sales."OrderItems"`: `there is no table sales."OrderItems"`,
		`sales.OrderItems`:   `there is no table sales.OrderItems: as in SQL, a name without quotes is taken in small letters; if the name has capitals, write sales."OrderItems"`,
	} {
		if got := MissingName("table", text).Error(); got != want {
			t.Errorf("%s: got %s\nwant %s", text, got, want)
		}
	}
}
