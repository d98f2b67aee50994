package resource

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// The forms of dates and times are those that Django takes: a T or a blank between date and time,
// seconds and zone optional. A time without a zone is in UTC. Beyond these, everything is taken that
// rows show: years of more than four digits, BC at the end, infinity and -infinity.
var (
	instantForm = regexp.MustCompile(`^(\d{4,6})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,6})\d{0,6})?)?\s*(?:(Z)|([+-])(\d{2}):?(\d{2})?)?( BC)?$`)
	dateForm    = regexp.MustCompile(`^(\d{4,7})-(\d{1,2})-(\d{1,2})( BC)?$`)
	timeForm    = regexp.MustCompile(`^(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,6})\d{0,6})?)?$`)
)

// readTime reads a date, a time of day, or both.
func readTime(k valueKind, text string) (value, message string) {
	switch {
	case k == kindTime:
		return readTimeOfDay(text)
	case text == "infinity" || text == "-infinity":
		return text, ""
	case k == kindDate:
		return readDate(text)
	}
	at, ok := parseInstant(text)
	if !ok {
		return "", messageNoInstant
	}
	if k == kindTimestamp {
		return formatEra(at, "T15:04:05.999999"), ""
	}
	return formatEra(at, "T15:04:05.999999Z"), ""
}

// formatEra writes a date and, in a layout of package time, a time of day. PostgreSQL has no year 0:
// the year before 1 is 0001 BC.
func formatEra(at time.Time, clock string) string {
	year, era := at.Year(), ""
	if year < 1 {
		year, era = 1-year, " BC"
	}
	return fmt.Sprintf("%04d-%02d-%02d%s%s", year, at.Month(), at.Day(), at.Format(clock), era)
}

// parseInstant refuses a year of four digits that the zone moves out of 1 to 9999, as Django does.
func parseInstant(text string) (time.Time, bool) {
	m := instantForm.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	day, ok1 := parseDay(m[1], m[2], m[3], m[12])
	clock, ok2 := parseTimeOfDay(m[4], m[5], m[6], m[7])
	offset, ok3 := parseZone(m[9], m[10], m[11])
	at := day.Add(clock).Add(-offset)
	beyond := m[12] != "" || len(m[1]) > 4
	return at, ok1 && ok2 && ok3 && (beyond || at.Year() >= 1 && at.Year() <= 9999)
}

func readDate(text string) (value, message string) {
	m := dateForm.FindStringSubmatch(text)
	if m == nil {
		return "", messageNoDate
	}
	day, ok := parseDay(m[1], m[2], m[3], m[4])
	if !ok {
		return "", messageNoDate
	}
	return formatEra(day, ""), ""
}

// endOfDay is how rows show the end of a day. Django has no such time.
const endOfDay = "24:00:00"

func readTimeOfDay(text string) (value, message string) {
	if text == endOfDay {
		return text, ""
	}
	m := timeForm.FindStringSubmatch(text)
	if m == nil {
		return "", messageNoTime
	}
	clock, ok := parseTimeOfDay(m[1], m[2], m[3], m[4])
	if !ok {
		return "", messageNoTime
	}
	return time.Time{}.Add(clock).Format("15:04:05.999999"), ""
}

// parseDay refuses the 30th of February, which time.Date would take for a day of March. The era is
// empty or BC.
func parseDay(year, month, day, era string) (time.Time, bool) {
	y, m, d := parseDigits(year), parseDigits(month), parseDigits(day)
	astronomical := y
	if era != "" {
		astronomical = 1 - y
	}
	at := time.Date(astronomical, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	return at, y >= 1 && at.Month() == time.Month(m) && at.Day() == d
}

// parseTimeOfDay returns the time since midnight. Seconds and their fraction may be empty.
func parseTimeOfDay(hour, minute, second, fraction string) (time.Duration, bool) {
	h, m, s := parseDigits(hour), parseDigits(minute), parseDigits(second)
	for len(fraction) < 6 {
		fraction += "0"
	}
	clock := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
	return clock + time.Duration(parseDigits(fraction))*time.Microsecond, h < 24 && m < 60 && s < 60
}

// parseZone returns how far a zone is ahead of UTC.
func parseZone(sign, hours, minutes string) (time.Duration, bool) {
	h, m := parseDigits(hours), parseDigits(minutes)
	offset := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if sign == "-" {
		offset = -offset
	}
	return offset, h < 24 && m < 60
}

// parseDigits returns 0 for an empty text.
func parseDigits(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
