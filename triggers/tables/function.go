package tables

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"rowcall/config/rules"
)

// formatVersion is the version of the form of generated functions.
const formatVersion = 2

// functionName is the name of the table's function in schema rowcall: that of the table, as in SQL. A longer name than
// PostgreSQL takes ends with a hash.
func (t Table) functionName() string {
	const longest = 63
	name := t.SQL()
	if len(name) <= longest {
		return name
	}
	tail := fmt.Sprintf("_%.8x", sha256.Sum256([]byte(name)))
	return strings.ToValidUTF8(name[:longest-len(tail)], "") + tail
}

// functionSQL is the function's name as SQL.
func (t Table) functionSQL() string { return quoteName("rowcall", t.functionName()) }

// createFunction is the statement that makes the function.
func (t Table) createFunction() string {
	body := t.body()
	quote := "$rowcall$"
	for i := 2; strings.Contains(body, quote); i++ {
		quote = fmt.Sprintf("$rowcall%d$", i)
	}
	set := ""
	for _, setting := range t.settings() {
		set += " SET " + strings.Replace(setting, "=", " = ", 1)
	}
	return "CREATE OR REPLACE FUNCTION " + t.functionSQL() + "()\nRETURNS trigger LANGUAGE plpgsql SECURITY DEFINER" + set +
		" AS " + quote + body + quote
}

// settings are settings of the function, as in pg_proc.proconfig: those on which the text of values depends, and which no
// expression pins. Each costs every call. A statement is filed without compiling its plan, which would take longer.
func (t Table) settings() []string {
	var all []string
	if slices.ContainsFunc(slices.Concat(t.Columns, t.Key), func(c Column) bool { return isFloat(c.Base) }) {
		all = append(all, "extra_float_digits=1")
	}
	if t.oncePerStatement() {
		all = append(all, "jit=off")
	}
	return all
}

// script builds the text of a function.
type script struct{ strings.Builder }

// line adds a line, indented by so many levels.
func (s *script) line(level int, format string, args ...any) {
	s.WriteString(strings.Repeat("    ", level))
	fmt.Fprintf(s, format, args...)
	s.WriteByte('\n')
}

// The names of a row in a trigger function, and of its variables.
const (
	oldRow = "OLD"
	newRow = "NEW"
)

// variable is the name of a variable for a row.
func variable(row, what string) string { return strings.ToLower(row) + "_" + what }

// numberedVariable is the name of a variable for a row and an entry of a list, which counts from 0.
func numberedVariable(row, what string, i int) string {
	return fmt.Sprintf("%s_%s_%d", strings.ToLower(row), what, i+1)
}

// body is the function's text in PL/pgSQL.
func (t Table) body() string {
	if t.oncePerStatement() {
		return t.statementBody()
	}
	s := &script{}
	s.line(0, "")
	s.line(0, "-- Files what happens to rows of the table, as its declaration says. Made by rowcall apply, which replaces it when the")
	s.line(0, "-- declaration changes: a change made here is lost. Names are qualified, so that search_path cannot matter.")
	t.declare(s)
	s.line(0, "BEGIN")
	s.line(1, "IF slot IS NULL THEN")
	s.line(2, "RETURN NULL;")
	s.line(1, "END IF;")
	t.truncate(s)
	s.line(1, "-- Builds the JSON that is filed. If a column was renamed, dropped or retyped since this function was made, the EXCEPTION")
	s.line(1, "-- branch builds it from the row as JSON, with null for a missing column.")
	s.line(1, "LOOP")
	s.line(2, "BEGIN")
	t.assignRows(s)
	s.line(3, "EXIT;")
	s.line(2, "EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported THEN")
	s.line(3, "CONTINUE WHEN rowcall.replan(SQLSTATE);")
	t.assignFromJSON(s)
	s.line(3, "EXIT;")
	s.line(2, "END;")
	s.line(1, "END LOOP;")
	t.file(s)
	t.ring(s)
	s.line(1, "RETURN NULL;")
	s.WriteString("END ")
	return s.String()
}

// declare adds the variables.
func (t Table) declare(s *script) {
	s.line(0, "DECLARE")
	s.line(1, "-- partition of rowcall.log to insert into; NULL: no node for log.abandon, nothing is filed")
	s.line(1, "slot pg_catalog.int2 := rowcall.writing_slot();")
	s.line(1, "fields pg_catalog.json;  -- the row as JSON, in the EXCEPTION branch")
	if len(t.Topics) > 0 {
		s.line(1, "old_key pg_catalog.text;")
		s.line(1, "new_key pg_catalog.text;")
		s.line(1, "old_row pg_catalog.text[];  -- a field of JSON for each column, for updates")
		s.line(1, "new_row pg_catalog.text[];")
		s.line(1, "data pg_catalog.text;  -- of an event")
	}
	for i, own := range t.Topics {
		s.line(1, "old_topic_%d pg_catalog.text;  -- %s", i+1, commentText(columnPattern(own.parts)))
		s.line(1, "new_topic_%d pg_catalog.text;", i+1)
	}
	for i, r := range t.Revalidate {
		s.line(1, "old_asked_%d pg_catalog.text;  -- %s", i+1, commentText(columnPattern(r.parts)))
		s.line(1, "new_asked_%d pg_catalog.text;", i+1)
		s.line(1, "old_whom_%d pg_catalog.text;  -- the user, as JSON", i+1)
		s.line(1, "new_whom_%d pg_catalog.text;", i+1)
	}
}

// commentText is a text that stays on its line.
func commentText(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' {
			return ' '
		}
		return c
	}, text)
}

// columnPattern is a topic as it is declared: its parameters are columns.
func columnPattern(parts []part) string {
	words := make([]string, len(parts))
	for i, p := range parts {
		words[i] = p.literal
		if p.column != nil {
			words[i] = "{" + p.column.Name + "}"
		}
	}
	return strings.Join(words, "/")
}

// truncate adds the branch for TRUNCATE, which names no rows.
func (t Table) truncate(s *script) {
	s.line(1, "IF TG_OP OPERATOR(pg_catalog.=) 'TRUNCATE' THEN")
	if len(t.Topics) > 0 {
		s.line(2, "PERFORM rowcall.reset(%s, 'truncate');", t.patternArray())
	}
	for _, topic := range t.askedTopics() {
		s.line(2, "PERFORM rowcall.revalidate(%s);", quoteText(topic))
	}
	s.line(2, "RETURN NULL;")
	s.line(1, "END IF;")
}

// askedTopics are the topics that stand for all of which access is asked again.
func (t Table) askedTopics() []string {
	var asked []string
	for _, r := range t.Revalidate {
		if above := literalPrefix(r.parts); !slices.Contains(asked, above) {
			asked = append(asked, above)
		}
	}
	return asked
}

// patternArray is SQL of the table's topics as they are declared.
func (t Table) patternArray() string {
	patterns := make([]string, len(t.Topics))
	for i, own := range t.Topics {
		patterns[i] = quoteText(columnPattern(own.parts))
	}
	return "ARRAY[" + strings.Join(patterns, ", ") + "]"
}

// literalPrefix is the topic above all of a pattern; empty if it begins with a parameter.
func literalPrefix(parts []part) string {
	var words []string
	for _, p := range parts {
		if p.column != nil {
			break
		}
		words = append(words, p.literal)
	}
	return strings.Join(words, "/")
}

// assignRows adds the assignments for each operation. Data is one call of concat, and the lists of fields are made for updates
// alone, which compare them: PL/pgSQL prepares every function of an expression anew in each transaction.
func (t Table) assignRows(s *script) {
	word := "IF"
	for _, o := range t.operations() {
		s.line(3, "%s TG_OP OPERATOR(pg_catalog.=) '%s' THEN", word, o)
		word = "ELSIF"
		switch o {
		case "INSERT":
			t.assignData(s, rules.OnInsert, "insert", "new", t.source(newRow))
			t.assignTopics(s, newRow, t.source(newRow))
		case "DELETE":
			t.assignData(s, rules.OnDelete, "delete", "old", t.source(oldRow))
			t.assignTopics(s, oldRow, t.source(oldRow))
		default:
			t.assignRow(s, oldRow, t.source(oldRow))
			t.assignRow(s, newRow, t.source(newRow))
		}
	}
	s.line(3, "END IF;")
}

// assignData adds the data of an event that has one of the rows.
func (t Table) assignData(s *script, change, op, part string, from rowSource) {
	if t.files(change) {
		s.line(4, "data := %s;", t.rowData(op, part, from, "\n"+strings.Repeat("    ", 5)))
	}
}

// rowData is SQL of the data of an event that has one of the rows, which is called new or old there.
func (t Table) rowData(op, part string, from rowSource, newLine string) string {
	var terms []string
	literal := `{"op":"` + op + `","key":{`
	for _, c := range t.Key {
		literal += quoteJSON(c.Name) + ":"
		terms = append(terms, quoteText(literal), "coalesce("+from.keyValue(c)+", 'null')")
		literal = ","
	}
	literal = `},"` + part + `":{`
	for _, c := range t.Columns {
		literal += quoteJSON(c.Name) + ":"
		terms = append(terms, newLine+quoteText(literal), "coalesce("+from.value(c)+", 'null')")
		literal = ","
	}
	return concatSQL(append(terms, "'}}'"))
}

// concatSQL is SQL of the texts of terms, one behind the other. PostgreSQL takes 100 of them in one call.
func concatSQL(terms []string) string {
	const most = 90
	if len(terms) <= most {
		return "pg_catalog.concat(" + strings.ReplaceAll(strings.Join(terms, ", "), ", \n", ",\n") + ")"
	}
	var calls []string
	for part := range slices.Chunk(terms, most) {
		calls = append(calls, concatSQL(part))
	}
	return concatSQL(calls)
}

// source is the row of a name.
func (t Table) source(row string) rowSource {
	return rowSource{
		value:    func(c Column) string { return t.value(c, row) },
		keyValue: func(c Column) string { return t.keyValue(c, row) },
		segment:  func(c Column) string { return segment(c, row) },
		asked:    func(r Revalidate) string { return topicSQL(r.parts, func(c Column) string { return segment(c, row) }) },
		whom:     func(c Column) string { return whomData(text(c, row)) },
	}
}

// assignFromJSON adds the assignments from what is left of the rows.
func (t Table) assignFromJSON(s *script) {
	left := rowSource{
		value:    func(c Column) string { return t.jsonValue(c, t.NumbersAsText() && isExact(c.Base)) },
		keyValue: func(c Column) string { return t.jsonValue(c, isExact(c.Base)) },
		segment:  jsonSegment,
		asked:    jsonAsked,
		whom: func(c Column) string {
			return "CASE WHEN " + isGone(c) + " THEN '{}' ELSE " + whomData(jsonText(c)) + " END"
		},
	}
	for _, row := range []string{oldRow, newRow} {
		without := map[string]string{oldRow: "INSERT", newRow: "DELETE"}[row]
		s.line(3, "IF TG_OP OPERATOR(pg_catalog.<>) '%s' THEN", without)
		s.line(4, "fields := rowcall.readable(rowcall.json_of_fields(%s, %s));", row, t.nameArray())
		t.assignRow(s, row, left)
		s.line(3, "END IF;")
	}
	if t.files(rules.OnInsert) || t.files(rules.OnDelete) {
		s.line(3, "data := CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN %s", fmt.Sprintf(insertData, "insert"))
		s.line(4, "ELSE %s END;", fmt.Sprintf(deleteData, "delete"))
	}
}

// nameArray is SQL of the names of all columns that the function reads.
func (t Table) nameArray() string {
	var names []string
	add := func(c *Column) {
		if c != nil && !slices.Contains(names, quoteText(c.Name)) {
			names = append(names, quoteText(c.Name))
		}
	}
	for _, c := range slices.Concat(t.Key, t.Columns) {
		add(&c)
	}
	var parts []part
	for _, own := range t.Topics {
		parts = append(parts, own.parts...)
	}
	for _, r := range t.Revalidate {
		parts = append(parts, r.parts...)
		add(r.User)
	}
	for _, p := range parts {
		add(p.column)
	}
	return "ARRAY[" + strings.Join(names, ", ") + "]"
}

// rowSource has SQL of what is filed of a row.
type rowSource struct {
	value, keyValue, segment func(Column) string
	asked                    func(Revalidate) string // the topic of an access event
	whom                     func(Column) string     // its data
}

// assignRow adds the assignments for one row.
func (t Table) assignRow(s *script, row string, from rowSource) {
	if len(t.Topics) > 0 {
		s.line(4, "%s := %s;", variable(row, "key"), t.keySQL(from))
		s.line(4, "%s := ARRAY[", variable(row, "row"))
		for i, c := range t.Columns {
			comma := ","
			if i == len(t.Columns)-1 {
				comma = "];"
			}
			s.line(5, "%s%s", field(c.Name, from.value(c)), comma)
		}
	}
	t.assignTopics(s, row, from)
}

// assignTopics adds the assignments of the topics of one row.
func (t Table) assignTopics(s *script, row string, from rowSource) {
	for i, own := range t.Topics {
		s.line(4, "%s := %s;", numberedVariable(row, "topic", i), topicSQL(own.parts, from.segment))
	}
	for i, r := range t.Revalidate {
		s.line(4, "%s := %s;", numberedVariable(row, "asked", i), from.asked(r))
		if r.User != nil {
			s.line(4, "%s := %s;", numberedVariable(row, "whom", i), from.whom(*r.User))
		}
	}
}

// keySQL is SQL of a row's key as JSON.
func (t Table) keySQL(from rowSource) string {
	const and = " OPERATOR(pg_catalog.||) "
	var key []string
	for i, c := range t.Key {
		begin := ","
		if i == 0 {
			begin = "{"
		}
		key = append(key, quoteText(begin+quoteJSON(c.Name)+":")+and+"coalesce("+from.keyValue(c)+"::pg_catalog.text, 'null')")
	}
	return strings.Join(key, and) + and + "'}'"
}

// topicSQL is SQL of a row's topic; NULL where a column is.
func topicSQL(parts []part, segment func(Column) string) string {
	var terms []string
	literal := ""
	for i, p := range parts {
		if i > 0 {
			literal += "/"
		}
		if p.column == nil {
			literal += p.literal
			continue
		}
		if literal != "" {
			terms = append(terms, quoteText(literal))
			literal = ""
		}
		terms = append(terms, segment(*p.column))
	}
	if literal != "" {
		terms = append(terms, quoteText(literal))
	}
	return strings.Join(terms, " OPERATOR(pg_catalog.||) ")
}

// files reports whether changes of a kind are filed.
func (t Table) files(change string) bool { return len(t.Topics) > 0 && t.declaration.Files(change) }

// operations are what the row trigger fires on, in the order in which PostgreSQL writes them.
func (t Table) operations() []string {
	var all []string
	for _, o := range []struct{ change, word string }{{rules.OnInsert, "INSERT"}, {rules.OnDelete, "DELETE"}, {rules.OnUpdate, "UPDATE"}} {
		if len(t.Revalidate) > 0 || t.files(o.change) {
			all = append(all, o.word)
		}
	}
	return all
}
