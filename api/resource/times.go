package resource

import (
	"regexp"
	"strconv"
	"time"
)

// The forms of dates and times are those that Django takes: a T or a blank between date and time,
// seconds and zone optional. A time without a zone is in UTC.
var (
	instantForm = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,6})\d{0,6})?)?\s*(?:(Z)|([+-])(\d{2}):?(\d{2})?)?$`)
	dateForm    = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})$`)
	timeForm    = regexp.MustCompile(`^(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,6})\d{0,6})?)?$`)
)

// readTime reads a date, a time of day, or both.
func readTime(k valueKind, text string) (value, message string) {
	switch k {
	case kindDate:
		return readDate(text)
	case kindTime:
		return readTimeOfDay(text)
	}
	at, ok := parseInstant(text)
	if !ok {
		return "", messageNoInstant
	}
	if k == kindTimestamp {
		return at.Format("2006-01-02T15:04:05.999999"), ""
	}
	return at.Format("2006-01-02T15:04:05.999999Z"), ""
}

func parseInstant(text string) (time.Time, bool) {
	m := instantForm.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	day, ok1 := parseDay(m[1], m[2], m[3])
	clock, ok2 := parseTimeOfDay(m[4], m[5], m[6], m[7])
	offset, ok3 := parseZone(m[9], m[10], m[11])
	at := day.Add(clock).Add(-offset)
	return at, ok1 && ok2 && ok3 && at.Year() >= 1 && at.Year() <= 9999
}

func readDate(text string) (value, message string) {
	m := dateForm.FindStringSubmatch(text)
	if m == nil {
		return "", messageNoDate
	}
	day, ok := parseDay(m[1], m[2], m[3])
	if !ok {
		return "", messageNoDate
	}
	return day.Format(time.DateOnly), ""
}

func readTimeOfDay(text string) (value, message string) {
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

// parseDay refuses the 30th of February, which time.Date would take for a day of March.
func parseDay(year, month, day string) (time.Time, bool) {
	y, m, d := parseDigits(year), parseDigits(month), parseDigits(day)
	at := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
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
