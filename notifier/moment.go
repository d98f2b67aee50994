package notifier

// Moment is a moment in the history of the database: some transactions had committed by then, and none will be found
// later to have done so. The zero Moment is before all events.
type Moment struct{ seen snapshot }

// ParseMoment reads what pg_current_snapshot() was at that moment, as text.
func ParseMoment(text string) (Moment, error) {
	seen, err := parseSnapshot(text)
	return Moment{seen}, err
}

// Sees reports whether the event had been committed then. It is for events of the epoch that the moment is of: a
// subscription brings no others without a Reset before them.
func (m Moment) Sees(e *Event) bool { return m.seen.sees(e.xid) }
