package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Bytes is a size. It is written as a plain number or with a binary unit: 65536, 64KiB, 1MiB, 2GiB.
type Bytes int64

// The units of Bytes.
const (
	KiB Bytes = 1 << 10
	MiB Bytes = 1 << 20
	GiB Bytes = 1 << 30
)

// ParseBytes reads a size as it is written in configuration.
func ParseBytes(text string) (Bytes, error) {
	number, unit := text, Bytes(1)
	for suffix, size := range map[string]Bytes{"KiB": KiB, "MiB": MiB, "GiB": GiB} {
		if before, found := strings.CutSuffix(text, suffix); found {
			number, unit = strings.TrimSpace(before), size
		}
	}
	count, err := strconv.ParseInt(number, 10, 64)
	if err != nil || count < 0 || Bytes(count) > (1<<62)/unit {
		return 0, fmt.Errorf("%q is no size: write a number of bytes, or one with KiB, MiB or GiB behind it", text)
	}
	return Bytes(count) * unit, nil
}

// String writes a size with the largest unit that divides it.
func (b Bytes) String() string {
	for _, unit := range []struct {
		size Bytes
		name string
	}{{GiB, "GiB"}, {MiB, "MiB"}, {KiB, "KiB"}} {
		if b >= unit.size && b%unit.size == 0 {
			return strconv.FormatInt(int64(b/unit.size), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}
