package topic

import (
	"slices"
	"testing"
)

func TestPatternMatch(t *testing.T) {
	tests := []struct {
		pattern, name string
		values        []string
		ok            bool
	}{
		{"dams", "dams", nil, true},
		{"dams", "dams/1", nil, false},
		{"room/{id:int}", "room/7", []string{"7"}, true},
		{"room/{id:int}", "room/007", []string{"7"}, true},
		{"room/{id:int}", "room/0", []string{"0"}, true},
		{"room/{id:int}", "room/000", []string{"0"}, true},
		{"room/{id:int}", "room/", nil, false},
		{"room/{id:int}", "room", nil, false},
		{"room/{id:int}", "room/-7", []string{"-7"}, true},
		{"room/{id:int}", "room/+7", nil, false},
		{"room/{id:int}", "room/٧", nil, false},
		{"room/{id:int}", "room/7/x", nil, false},
		{"room/{id:int}", "room/99999999999999999999", []string{"99999999999999999999"}, true},
		{"orders/{who}/{n:int}", "orders/a.b-c/01", []string{"a.b-c", "1"}, true},
		{"orders/{who}", "orders/007", []string{"007"}, true},
		{"orders/{who}", "orders/..", nil, false},
		{"orders/{who}", "orders/a b", nil, false},
		{"orders/{id:int}", "orders/-7", []string{"-7"}, true},
		{"orders/{id:int}", "orders/-007", []string{"-7"}, true},
		{"orders/{id:int}", "orders/-0", []string{"0"}, true},
		{"orders/{id:int}", "orders/-00", []string{"0"}, true},
		{"orders/{id:int}", "orders/-9223372036854775808", []string{"-9223372036854775808"}, true},
		{"orders/{id:int}", "orders/-", nil, false},
		{"orders/{id:int}", "orders/--7", nil, false},
		{"orders/{id:int}", "orders/+7", nil, false},
		{"orders/{id:int}", "orders/7-", nil, false},
		{"orders/{id:uuid}", "orders/3F2504E0-4f89-41d3-9a0c-0305E82C3301", []string{"3f2504e0-4f89-41d3-9a0c-0305e82c3301"}, true},
		{"orders/{id:uuid}", "orders/3F2504E04F8941D39A0C0305E82C3301", []string{"3f2504e0-4f89-41d3-9a0c-0305e82c3301"}, true},
		{"orders/{id:uuid}/x", "orders/3f2504e0-4f89-41d3-9a0c-0305e82c3301/x", []string{"3f2504e0-4f89-41d3-9a0c-0305e82c3301"}, true},
		{"orders/{id:uuid}", "orders/zzz", nil, false},
		{"orders/{id:uuid}", "orders/", nil, false},
		{"orders/{id:uuid}", "orders/3f2504e0-4f89-41d3-9a0c-0305e82c330", nil, false},
		{"orders/{id:uuid}", "orders/3f2504e0-4f89-41d3-9a0c-0305e82c330g", nil, false},
		{"orders/{id:uuid}", "orders/3f2504e04-f89-41d3-9a0c-0305e82c3301", nil, false},
		{"orders/{id:uuid}", "orders/3f25-04e0-4f89-41d3-9a0c-0305-e82c3301", nil, false},
		{"orders/{id:uuid}", "orders/{3f2504e0-4f89-41d3-9a0c-0305e82c3301}", nil, false},
		{"orders/{id:uuid}", "orders/Kf2504e0-4f89-41d3-9a0c-0305e82c3301", nil, false},
	}
	for _, tt := range tests {
		p, err := ParsePattern(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		values, ok := p.Match(tt.name)
		if ok != tt.ok || ok && !slices.Equal(values, tt.values) {
			t.Errorf("%s matches %s: got %v %v, want %v %v", tt.pattern, tt.name, values, ok, tt.values, tt.ok)
		}
	}
}

func TestPathsMatchWithAndWithoutTheSlash(t *testing.T) {
	for _, spelling := range []string{"/ws/room/{id:int}", "/ws/room/{id:int}/"} {
		p, err := ParsePathPattern(spelling)
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]bool{
			"/ws/room/5": true, "/ws/room/5/": true, "/ws/room/05": true,
			"/ws/room/5//": false, "//ws/room/5": false, "ws/room/5": false, "/ws/room/": false, "/ws/room/x": false,
		} {
			if _, ok := p.MatchPath(path); ok != want {
				t.Errorf("%s matches %s: got %v, want %v", spelling, path, ok, want)
			}
		}
	}
}

func TestPatternsThatAreRefused(t *testing.T) {
	for _, text := range []string{"", "/", "a//b", "a/", "a/{", "a/}", "a/{}", "a/{b}c", "a/{b-c}", "a/{b c}", "a/{1}", "a/{b:guid}", "a/{b:}", "a/{b}/{b}", "a b", "a/.."} {
		if _, err := ParsePattern(text); err == nil {
			t.Errorf("%q: got no error, want one", text)
		}
	}
}

func TestPatternsOfUnknownKinds(t *testing.T) {
	tests := []struct {
		a, b                string
		resembles, mayCover bool
	}{
		{"room/{id}", "room/{number:int}", true, true},
		{"room/{id}", "room/all", false, true},
		{"room/{id}", "user/{id}", false, false},
		{"room/{id}", "room/{id}/log", false, true},
		{"room", "room/{id}/log", false, true},
		{"room/{id}/log", "room/{id}", false, false},
		{"room/{id:int}", "room/all/log", false, false},
	}
	for _, tt := range tests {
		a, _ := ParsePattern(tt.a)
		b, _ := ParsePattern(tt.b)
		if a.Resembles(b) != tt.resembles || b.Resembles(a) != tt.resembles {
			t.Errorf("%s resembles %s: got %v and %v, want %v both ways", tt.a, tt.b, a.Resembles(b), b.Resembles(a), tt.resembles)
		}
		if a.MayCover(b) != tt.mayCover {
			t.Errorf("%s may cover %s: got %v, want %v", tt.a, tt.b, a.MayCover(b), tt.mayCover)
		}
	}
	if (Pattern{}).Resembles(Pattern{}) || (Pattern{}).MayCover(Pattern{}) {
		t.Error("the zero pattern matches nothing, so it resembles and covers nothing")
	}
}

func TestPatternsOverlap(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"room/{id:int}", "room/{name}", true},
		{"room/{id:int}", "room/7", true},
		{"room/{id:int}", "room/all", false},
		{"room/{name}", "room/all", true},
		{"room/{id:int}", "user/{id:int}", false},
		{"room/{id:int}", "room/{id:int}/log", false},
		{"{a}/x", "y/{b}", true},
		{"{a}/x", "y/z", false},
		{"room/{Größe}", "room/all", true},
	}
	for _, tt := range tests {
		a, _ := ParsePattern(tt.a)
		b, _ := ParsePattern(tt.b)
		if one, other := a.Overlaps(b), b.Overlaps(a); one != tt.want || other != tt.want {
			t.Errorf("%s overlaps %s: got %v and %v, want %v both ways", tt.a, tt.b, one, other, tt.want)
		}
	}
}
