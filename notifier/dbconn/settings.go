package dbconn

import (
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// setting is a server setting that every connection of ours states, so that neither the
// configuration of the server, nor of the database, nor of the role decides it.
type setting struct {
	name, value string
	since       int // the first major version that knows it; 0: every version that Rowcall works with
}

// settings is the one list of them. A role may set each to anything without asking anybody; all that
// is sent to or read from the database relies on these values.
func settings() []setting {
	return []setting{
		// Text arrives as the program wrote it, and is read as PostgreSQL holds it.
		{"client_encoding", "UTF8", 0},
		{"standard_conforming_strings", "on", 0},
		{"quote_all_identifiers", "off", 0},
		{"array_nulls", "on", 0},

		// Values have one spelling.
		{"TimeZone", "UTC", 0},
		{"DateStyle", "ISO, MDY", 0},
		{"IntervalStyle", "postgres", 0},
		{"bytea_output", "hex", 0},
		{"extra_float_digits", "1", 0},
		{"xmlbinary", "base64", 0},
		{"xmloption", "content", 0},

		// A transaction that says nothing else is one that may write and sees what has committed.
		{"default_transaction_read_only", "off", 0},
		{"default_transaction_isolation", "read committed", 0},
		{"default_transaction_deferrable", "off", 0},

		// The program bounds its statements itself. A silent LISTEN or a slow reader is no fault.
		{"statement_timeout", "0", 0},
		{"lock_timeout", "0", 0},
		{"idle_in_transaction_session_timeout", "0", 0},
		{"idle_session_timeout", "0", 0},
		{"transaction_timeout", "0", 17},
		{"exit_on_error", "off", 0},

		// Statements are short: to compile one takes longer than to run it, 10 ms and more.
		{"jit", "off", 0},

		// Policies filter rows; with off, a statement that they concern fails.
		{"row_security", "on", 0},

		// Comparisons mean what they say, and tables that migrations make can be read by place.
		{"transform_null_equals", "off", 0},
		{"default_table_access_method", "heap", 0},
	}
}

// startup adds the settings to the parameters that a connection begins with. They win over the
// option -c of the parameter options, and over the same name in another spelling.
func startup(parameters map[string]string) {
	for _, s := range settings() {
		if s.since > 0 {
			continue // an older server would refuse the connection; late settings follow
		}
		forget(parameters, s.name)
		parameters[s.name] = s.value
	}
}

// forget removes a parameter, however it is spelled.
func forget(parameters map[string]string, name string) {
	for given := range parameters {
		if strings.EqualFold(given, name) {
			delete(parameters, given)
		}
	}
}

// late is the statement that makes the settings that could not be made at the start of a connection
// to this server. It is empty where there are none.
func late(version int) string {
	return set("SET ", slices.DeleteFunc(settings(), func(s setting) bool { return s.since == 0 || s.since > version }))
}

// forSession is the statement that makes all settings for the rest of a session.
func forSession(version int) string {
	return set("SET ", knownTo(version))
}

// forTransaction is the statement that makes all settings until the end of a transaction.
func forTransaction(version int) string {
	return set("SET LOCAL ", knownTo(version))
}

func knownTo(version int) []setting {
	return slices.DeleteFunc(settings(), func(s setting) bool { return s.since > version })
}

// set writes one statement a setting. The values are constants of this package and have no quotes.
func set(how string, all []setting) string {
	var sql strings.Builder
	for _, s := range all {
		sql.WriteString(how + s.name + " = '" + s.value + "'; ")
	}
	return sql.String()
}

// majorVersion is the server's, such as 15; 0 where it does not say.
func majorVersion(conn *pgconn.PgConn) int {
	major := 0
	for _, r := range conn.ParameterStatus("server_version") {
		if r < '0' || r > '9' {
			break
		}
		major = 10*major + int(r-'0')
	}
	return major
}

// setAll makes settings of a caller's own for the rest of a session. Their values are constants too.
func setAll(more map[string]string) string {
	var all []setting
	for _, name := range slices.Sorted(maps.Keys(more)) {
		all = append(all, setting{name: name, value: more[name]})
	}
	return set("SET ", all)
}
