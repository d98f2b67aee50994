package api

import (
	"regexp"
	"strconv"
	"time"
)

// The forms of points in time that Django takes: a T or a blank, seconds and zone optional. What has no
// zone is in UTC.
var (
	instantForm = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,6})\d{0,6})?)?\s*(?:(Z)|([+-])(\d{2}):?(\d{2})?)?$`)
	dateForm    = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})$`)
	timeForm    = regexp.MustCompile(`^(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,6})\d{0,6})?)?$`)
)

// readTime reads a date, a time of day, or both.
func readTime(k valueKind, text string) (string, string) {
	switch k {
	case valueDate:
		return readDate(text)
	case valueTime:
		return readClock(text)
	}
	at, ok := parseInstant(text)
	if !ok {
		return "", saysNoInstant
	}
	if k == valueTimestamp {
		return at.Format("2006-01-02T15:04:05.999999"), ""
	}
	return at.Format("2006-01-02T15:04:05.999999Z"), ""
}

func parseInstant(text string) (time.Time, bool) {
	m := instantForm.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	day, ok1 := calendar(m[1], m[2], m[3])
	clock, ok2 := clockTime(m[4], m[5], m[6], m[7])
	offset, ok3 := zone(m[9], m[10], m[11])
	at := day.Add(clock).Add(-offset)
	return at, ok1 && ok2 && ok3 && at.Year() >= 1 && at.Year() <= 9999
}

func readDate(text string) (string, string) {
	m := dateForm.FindStringSubmatch(text)
	if m == nil {
		return "", saysNoDate
	}
	day, ok := calendar(m[1], m[2], m[3])
	if !ok {
		return "", saysNoDate
	}
	return day.Format(time.DateOnly), ""
}

func readClock(text string) (string, string) {
	m := timeForm.FindStringSubmatch(text)
	if m == nil {
		return "", saysNoTime
	}
	clock, ok := clockTime(m[1], m[2], m[3], m[4])
	if !ok {
		return "", saysNoTime
	}
	return time.Time{}.Add(clock).Format("15:04:05.999999"), ""
}

// calendar refuses the 30th of February, which Go would take for a day of March.
func calendar(year, month, day string) (time.Time, bool) {
	y, m, d := number(year), number(month), number(day)
	at := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	return at, y >= 1 && at.Month() == time.Month(m) && at.Day() == d
}

// clockTime reads a time of day; seconds and their fraction may be empty.
func clockTime(hour, minute, second, fraction string) (time.Duration, bool) {
	h, m, s := number(hour), number(minute), number(second)
	for len(fraction) < 6 {
		fraction += "0"
	}
	clock := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
	return clock + time.Duration(number(fraction))*time.Microsecond, h < 24 && m < 60 && s < 60
}

// zone is how far a zone is ahead of UTC.
func zone(sign, hours, minutes string) (time.Duration, bool) {
	h, m := number(hours), number(minutes)
	offset := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if sign == "-" {
		offset = -offset
	}
	return offset, h < 24 && m < 60
}

// number reads digits, or nothing for 0.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
