package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// lookAtServer finds servers that Rowcall cannot work with, a clock that differs, and encodings.
func lookAtServer(ctx context.Context, e *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `
		SELECT current_user::text, current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery(),
		       current_setting('server_encoding'), clock_timestamp()`
	var release, encoding string
	var standby bool
	var theirs time.Time
	before := e.options.Now()
	if err := tx.QueryRow(ctx, query).Scan(&e.role, &e.version, &release, &standby, &encoding, &theirs); err != nil {
		return nil, err
	}
	after := e.options.Now()
	if e.version < 140000 {
		return []Finding{finding(ServerTooOld, "", "", "the server is PostgreSQL "+release+": PostgreSQL 14 or newer is needed", "upgrade the server")}, nil
	}
	var found []Finding
	if standby {
		found = append(found, finding(ServerStandby, "", "", "the server at "+e.ways[0].Address+" is a standby: its snapshots do not serve a log, so nodes do not start",
			"name the primary in "+e.ways[0].Setting))
	}
	found = append(found, judgeClock(before, theirs, after, e.options.Clock)...)
	return append(found, judgeEncoding(encoding)...), nil
}

// judgeClock compares the time of the database with the times here before and after it was asked.
func judgeClock(before, theirs, after time.Time, limit time.Duration) []Finding {
	var difference time.Duration
	switch {
	case theirs.Before(before):
		difference = theirs.Sub(before)
	case theirs.After(after):
		difference = theirs.Sub(after)
	}
	if difference.Abs() <= limit {
		return nil
	}
	return []Finding{finding(ClockDiffers, "", "",
		fmt.Sprintf("the clock of the database differs from the clock of this machine by %s. Logins and the log go by the database's clock; bearer tokens and rowcall_event_delay_seconds go by the node's", difference.Round(time.Millisecond)),
		"synchronize both clocks, for instance with chrony")}
}

func judgeEncoding(encoding string) []Finding {
	switch encoding {
	case "UTF8":
		return nil
	case "SQL_ASCII":
		return []Finding{finding(EncodingSQLASCII, "", "", "the database has the encoding SQL_ASCII: bytes that are not UTF-8 become U+FFFD in events, and snapshots and rows with such bytes are answered with 500",
			"convert the database to UTF8")}
	}
	return []Finding{finding(EncodingOther, "", "", "the database has the encoding "+encoding+": texts that it cannot hold are refused, and characters without an equivalent in Unicode become U+FFFD in events", "")}
}
