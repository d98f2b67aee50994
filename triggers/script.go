package triggers

import (
	"fmt"
	"strings"
)

// script is what the files ask for.
type script struct {
	functions []string // statements, in their order
	triggers  []trigger
}

// trigger is one trigger and the statements that make it.
type trigger struct {
	definition string // as pg_get_triggerdef writes it
	always     bool   // fires also while replication applies rows
	statements []string
}

// read adds the statements of a file.
func (s *script) read(name string) error {
	text, err := files.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	for _, statement := range split(string(text)) {
		if err := s.add(statement); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// on returns the script's triggers with the name of a table, quoted as SQL needs it, in place of a word. It comes after
// the file has been read: a name may hold anything, also what ends a statement.
func (s script) on(word, table string) []trigger {
	spell := strings.NewReplacer(word, table)
	var all []trigger
	for _, t := range s.triggers {
		named := trigger{definition: spell.Replace(t.definition), always: t.always}
		for _, statement := range t.statements {
			named.statements = append(named.statements, spell.Replace(statement))
		}
		all = append(all, named)
	}
	return all
}

func (s *script) add(statement string) error {
	switch {
	case strings.HasPrefix(statement, "CREATE OR REPLACE TRIGGER "):
		s.triggers = append(s.triggers, trigger{definition: canonical(statement), statements: []string{statement}})
	case strings.HasPrefix(statement, "ALTER TABLE "):
		if len(s.triggers) == 0 || !strings.Contains(statement, " ENABLE ALWAYS TRIGGER ") {
			return fmt.Errorf("%q does not enable the trigger before it", statement)
		}
		last := &s.triggers[len(s.triggers)-1]
		last.always = true
		last.statements = append(last.statements, statement)
	default:
		s.functions = append(s.functions, statement)
	}
	return nil
}

// canonical brings a CREATE OR REPLACE TRIGGER to the form in which PostgreSQL reports it.
func canonical(statement string) string {
	line := strings.Join(strings.Fields(statement), " ")
	line = strings.Replace(line, "CREATE OR REPLACE ", "CREATE ", 1)
	return strings.TrimSuffix(line, ";")
}

// split cuts a file into statements. One ends with a line that ends with a semicolon outside $$.
func split(text string) []string {
	var statements []string
	var current strings.Builder
	quoted := false
	for line := range strings.Lines(text) {
		if current.Len() == 0 && isComment(line) {
			continue
		}
		current.WriteString(line)
		if strings.Count(line, "$$")%2 == 1 {
			quoted = !quoted
		}
		if !quoted && strings.HasSuffix(strings.TrimSpace(line), ";") {
			statements = append(statements, strings.TrimSpace(current.String()))
			current.Reset()
		}
	}
	return statements
}

// isComment reports whether a line says nothing to the database.
func isComment(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "--")
}
