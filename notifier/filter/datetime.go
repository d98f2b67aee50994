package filter

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Dates are counted in days from 2000-01-01, and times in microseconds from then, as PostgreSQL counts them. The two
// ends are the infinities.
const (
	beforeAll = math.MinInt64
	afterAll  = math.MaxInt64
)

const (
	secondsPerDay = 24 * 60 * 60
	microseconds  = 1_000_000 // in a second
)

// The range of PostgreSQL, in days: the first one is 4714-11-24 BC, the last ones are 5874897-12-31 for dates and
// 294276-12-31 for times.
const (
	firstDay     = -2_451_545
	lastDay      = 2_145_031_948
	lastTimesDay = 106_751_982
)

// parseDate reads a date as it is filed: 2026-11-20, 0044-03-15 BC, infinity.
func parseDate(text string) (int64, bool) {
	if end, ok := infinities[text]; ok {
		return end, true
	}
	text, bc := strings.CutSuffix(text, " BC")
	day, ok := parseDay(text, bc)
	return day, ok && day <= lastDay
}

var infinities = map[string]int64{"infinity": afterAll, "-infinity": beforeAll}

// parseDay reads year, month and day. It returns the number of the day.
func parseDay(text string, bc bool) (int64, bool) {
	part := strings.Split(text, "-")
	if len(part) != 3 || len(part[0]) < 4 || len(part[0]) > 7 || len(part[1]) != 2 || len(part[2]) != 2 {
		return 0, false
	}
	year, ok1 := digits(part[0])
	month, ok2 := digits(part[1])
	day, ok3 := digits(part[2])
	if !ok1 || !ok2 || !ok3 || year == 0 || month < 1 || month > 12 {
		return 0, false
	}
	if bc {
		year = 1 - year
	}
	if day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	n := dayNumber(year, month, day)
	return n, n >= firstDay
}

// parseTime reads a time as it is filed: 2026-11-20T12:00:00.5, with a zone 2026-11-20T12:00:00Z, and 0044-03-15T12:00:00Z BC.
// A blank may stand for the T, and an offset such as +02:00 for the Z.
func parseTime(text string, zoned bool) (int64, bool) {
	if end, ok := infinities[text]; ok {
		return end, true
	}
	text, bc := strings.CutSuffix(text, " BC")
	at := strings.IndexAny(text, "T ")
	if at < 0 {
		return 0, false
	}
	day, ok := parseDay(text[:at], bc)
	clock, offset := text[at+1:], int64(0)
	if zoned && ok {
		clock, offset, ok = cutZone(clock)
	}
	if !ok {
		return 0, false
	}
	within, ok := parseClock(clock)
	if !ok || day > lastTimesDay+1 { // the day after is for times with an offset
		return 0, false
	}
	seconds := day*secondsPerDay - offset
	if seconds > (lastTimesDay+1)*secondsPerDay || seconds < (firstDay-1)*secondsPerDay {
		return 0, false
	}
	time := seconds*microseconds + within
	return time, time >= firstDay*secondsPerDay*microseconds && time < (lastTimesDay+1)*secondsPerDay*microseconds
}

// cutZone takes the zone from the end of a time of day, and returns its offset in seconds.
func cutZone(clock string) (rest string, offset int64, ok bool) {
	if rest, ok := strings.CutSuffix(clock, "Z"); ok {
		return rest, 0, true
	}
	at := strings.LastIndexAny(clock, "+-")
	if at < 0 {
		return "", 0, false
	}
	zone := clock[at+1:]
	hours, minutes := zone, "00"
	if len(zone) == len("02:00") && zone[2] == ':' {
		hours, minutes = zone[:2], zone[3:]
	}
	h, ok1 := digits(hours)
	m, ok2 := digits(minutes)
	offset = h*3600 + m*60
	if clock[at] == '-' {
		offset = -offset
	}
	return clock[:at], offset, ok1 && ok2 && len(hours) == 2 && h <= 15 && m < 60
}

// parseClock reads a time of day, in microseconds.
func parseClock(text string) (int64, bool) {
	clock, fraction, fractional := strings.Cut(text, ".")
	part := strings.Split(clock, ":")
	if len(part) != 3 || len(part[0]) != 2 || len(part[1]) != 2 || len(part[2]) != 2 || fractional && (fraction == "" || len(fraction) > 6) {
		return 0, false
	}
	hour, ok1 := digits(part[0])
	minute, ok2 := digits(part[1])
	second, ok3 := digits(part[2])
	micro, ok4 := digits((fraction + "000000")[:6])
	ok := ok1 && ok2 && ok3 && ok4 && hour < 24 && minute < 60 && second < 60
	return ((hour*60+minute)*60+second)*microseconds + micro, ok
}

// digits reads a number of digits alone.
func digits(text string) (int64, bool) {
	if text == "" || leadingDigits(text) != len(text) {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// dayNumber counts the days from 2000-01-01 in the calendar of today, continued to all years. The year before 1 is 0.
func dayNumber(year, month, day int64) int64 {
	if month <= 2 { // so that a leap day is the last of its year
		year, month = year-1, month+12
	}
	return 365*year + floorDivide(year, 4) - floorDivide(year, 100) + floorDivide(year, 400) + (153*(month-3)+2)/5 + day - 730_426
}

func floorDivide(n, by int64) int64 {
	quotient := n / by
	if n%by < 0 {
		quotient--
	}
	return quotient
}

func daysIn(year, month int64) int64 {
	if month == 12 {
		return 31
	}
	return dayNumber(year, month+1, 1) - dayNumber(year, month, 1)
}

// dateText is the one spelling of a day, which PostgreSQL reads whatever its settings are.
func dateText(number int64) string {
	for text, end := range infinities {
		if number == end {
			return text
		}
	}
	return dayText(number) + era(number)
}

// dayText is dateText without BC.
func dayText(number int64) string {
	year := 2000 + floorDivide(number*400, 146_097) // right or one off
	for dayNumber(year, 1, 1) > number {
		year--
	}
	for dayNumber(year+1, 1, 1) <= number {
		year++
	}
	month := int64(12)
	for dayNumber(year, month, 1) > number {
		month--
	}
	day := number - dayNumber(year, month, 1) + 1
	if year < 1 {
		year = 1 - year
	}
	return fmt.Sprintf("%04d-%02d-%02d", year, month, day)
}

func era(day int64) string {
	if day < dayNumber(1, 1, 1) {
		return " BC"
	}
	return ""
}

// timeText is the one spelling of a time, in UTC, which PostgreSQL reads whatever its settings are.
func timeText(time int64, zone string) string {
	for text, end := range infinities {
		if time == end {
			return text
		}
	}
	day := floorDivide(time, secondsPerDay*microseconds)
	within := time - day*secondsPerDay*microseconds
	second := within / microseconds
	return fmt.Sprintf("%s %02d:%02d:%02d.%06d%s%s", dayText(day), second/3600, second/60%60, second%60, within%microseconds, zone, era(day))
}
