package triggers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	const text = `-- a comment; with a semicolon
CREATE FUNCTION f() AS $$
BEGIN
    RETURN 1;  -- not the end
END $$;

-- another
CREATE OR REPLACE TRIGGER "0_rowcall"
    AFTER INSERT ON t
    FOR EACH ROW EXECUTE FUNCTION f('a;b');
ALTER TABLE t ENABLE ALWAYS TRIGGER "0_rowcall";
`
	want := []string{
		"CREATE FUNCTION f() AS $$\nBEGIN\n    RETURN 1;  -- not the end\nEND $$;",
		"CREATE OR REPLACE TRIGGER \"0_rowcall\"\n    AFTER INSERT ON t\n    FOR EACH ROW EXECUTE FUNCTION f('a;b');",
		`ALTER TABLE t ENABLE ALWAYS TRIGGER "0_rowcall";`,
	}
	if diff := cmp.Diff(want, split(text)); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
}

func TestScript(t *testing.T) {
	var s script
	if err := s.add(`ALTER TABLE t ENABLE ALWAYS TRIGGER x;`); err == nil {
		t.Error("an ALTER TABLE without a trigger before it is taken")
	}
	for _, statement := range []string{"SELECT 1;", "CREATE OR REPLACE TRIGGER x\n  AFTER INSERT ON t\n  EXECUTE FUNCTION f();"} {
		if err := s.add(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.add(`ALTER TABLE t DROP COLUMN x;`); err == nil {
		t.Error("an ALTER TABLE that enables no trigger is taken")
	}
	if len(s.functions) != 1 || s.triggers[0].definition != "CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION f()" || s.triggers[0].mode() != "O" {
		t.Errorf("read as %+v", s)
	}
	if err := s.add(`ALTER TABLE t ENABLE ALWAYS TRIGGER x;`); err != nil || s.triggers[0].mode() != "A" {
		t.Errorf("ENABLE ALWAYS: %v, %+v", err, s.triggers)
	}
}
