package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"

	"rowcall/config/rules"
)

// decode fills c from the merged tree. It reports a value that does not fit, and leaves the value that
// c had before, so that everything else can still be checked.
func decode(tree map[string]any, c *Config, problems *rules.Problems) error {
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result:     c,
		DecodeHook: mapstructure.DecodeHookFuncType(convertValue),
		MatchName:  func(key, field string) bool { return key == field },
	})
	if err != nil {
		return fmt.Errorf("preparing to read settings: %w", err)
	}
	addDecodeErrors(decoder.Decode(tree), problems)
	return nil
}

// addDecodeErrors adds a problem for each error of the decoder.
func addDecodeErrors(err error, problems *rules.Problems) {
	if err == nil {
		return
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			addDecodeErrors(one, problems)
		}
		return
	}
	if place, ok := err.(*mapstructure.DecodeError); ok {
		problems.Add(place.Name(), "%v", place.Unwrap())
		return
	}
	addDecodeErrors(errors.Unwrap(err), problems)
}

// convertValue converts a value from YAML, a variable or a flag to the type of its field. Variables
// and flags are always text; a value from YAML must have the right type.
func convertValue(from, to reflect.Type, value any) (any, error) {
	if from == to {
		return value, nil
	}
	text, isText := value.(string)
	switch to {
	case reflect.TypeFor[time.Duration]():
		return toDuration(value)
	case reflect.TypeFor[Bytes]():
		return ParseBytes(fmt.Sprint(value))
	case reflect.TypeFor[netip.Prefix]():
		return toPrefix(fmt.Sprint(value))
	case reflect.TypeFor[slog.Level]():
		return toLevel(fmt.Sprint(value))
	}
	switch to.Kind() {
	case reflect.Int:
		return toInt(value)
	case reflect.Bool:
		return toBool(value)
	case reflect.String:
		return text, errorUnless(isText, "is text: put it in quotes")
	case reflect.Slice:
		if isText {
			return splitList(text), nil
		}
		return value, errorUnless(from.Kind() == reflect.Slice, "is a list: begin each entry with a dash")
	}
	return value, nil
}

// errorUnless returns an error unless ok.
func errorUnless(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// toDuration refuses a number without a unit, which readers could take for any unit.
func toDuration(value any) (time.Duration, error) {
	text := fmt.Sprint(value)
	d, err := time.ParseDuration(text)
	return d, errorUnless(err == nil, "%q is no duration: write a number with its unit, such as 500ms, 10s, 5m or 24h", text)
}

func toInt(value any) (int, error) {
	text := fmt.Sprint(value)
	n, err := strconv.Atoi(text)
	return n, errorUnless(err == nil, "%q is no whole number", text)
}

func toBool(value any) (bool, error) {
	switch fmt.Sprint(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("\"%v\" is neither true nor false", value)
}

// v4Mapped is the length of the prefix of IPv4 addresses that are written as IPv6, ::ffff:0:0/96.
const v4Mapped = 96

// toPrefix reads a network such as 10.0.0.0/8, or one address. An IPv4 network that is written as
// IPv6 becomes an IPv4 network: addresses are compared in that form.
func toPrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if prefix.Addr().Is4In6() && prefix.Bits() >= v4Mapped {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-v4Mapped)
	}
	return prefix.Masked(), errorUnless(err == nil, "%q is neither an address nor a network: write 192.0.2.7 or 10.0.0.0/8", text)
}

func toLevel(text string) (slog.Level, error) {
	var level slog.Level
	err := level.UnmarshalText([]byte(text))
	return level, errorUnless(err == nil, "%q is no level: write debug, info, warn or error", text)
}

// splitList reads a list from a variable: entries with commas between them.
func splitList(text string) []string {
	var entries []string
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}
