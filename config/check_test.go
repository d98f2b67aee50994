package config

import (
	"slices"
	"strings"
	"testing"
)

func TestOpsHostsAreNames(t *testing.T) {
	t.Parallel()
	if c, err := Load(Sources{Default: []byte("ops: {hosts: [rowcall, ops.example.org]}")}); err != nil || len(c.Ops.Hosts) != 2 {
		t.Errorf("%v %v", c, err)
	}
	got := problems(t, Sources{Default: []byte("ops: {hosts: [rowcall, 'rowcall:9090', 'http://rowcall', Rowcall, '*', '']}")})
	want := []string{
		`ops.hosts[1]: "rowcall:9090" is no name`, `ops.hosts[2]: "http://rowcall" is no name`,
		`ops.hosts[3]: "Rowcall" is no name`, `ops.hosts[4]: "*" is no name`, `ops.hosts[5]: "" is no name`,
	}
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("problems %q\nwant     %q", got, want)
	}
}
