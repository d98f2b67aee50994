package identity

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"rowcall/api/apitest"
	"rowcall/api/problem"
)

// The hashes come from other programs: the test vectors of Django and Python's hashlib for PBKDF2,
// crypt of the C library for bcrypt.
const (
	djangoHash = "pbkdf2_sha256$720000$seasalt$eDupbcisD1UuIiou3hMuMu8oe/XwnpDw45r6AA5iv0E="
	django52   = "pbkdf2_sha256$870000$seasalt$wJSpLMQRQz0Dhj/pFpbyjMj71B2gUYp6HJS5AU+32Ac="
	pythonHash = "pbkdf2_sha256$1000$salt$ywxPNz2U81aVGtIWUEt2ojxug+JXLJbRaQgSfYl2VOE="
	bcryptTail = "$05$abcdefghijklmnopqrstuu2c1e4vZoCxDVRU9N6VCSSmNg4cQa1Ve"
	bcryptLong = "$2b$04$abcdefghijklmnopqrstuuNt.0ah97gHY3F7JC1Z6EXmQc0bQBhIO" // of 72 times p
)

func TestPasswordsOfOtherProgramsFit(t *testing.T) {
	t.Parallel()
	p := newPasswordChecker("")
	for _, c := range []struct {
		hash, password string
		want           bool
	}{
		{djangoHash, "lètmein", true},
		{django52, "lètmein", true},
		{django52, "letmein", false},
		{pythonHash, strings.Repeat("p", 200), true},
		{pythonHash, strings.Repeat("p", 199), false},
		{"$2a" + bcryptTail, "lètmein", true},
		{"$2b" + bcryptTail, "lètmein", true},
		{"$2y" + bcryptTail, "lètmein", true},
		{"$2b" + bcryptTail, "lètmeim", false},
		{"$2b" + bcryptTail, "", false},
		{bcryptLong, strings.Repeat("p", 72), true},
		{bcryptLong, strings.Repeat("p", 73), false}, // bcrypt itself would not notice
		{bcryptLong, strings.Repeat("p", 5000), false},
	} {
		got, err := p.match(t.Context(), c.hash, c.password)
		if err != nil || got != c.want {
			t.Errorf("%.20s against %.10q: %v, %v; want %v", c.hash, c.password, got, err, c.want)
		}
	}
}

func TestUnusableHashesNeverFit(t *testing.T) {
	t.Parallel()
	p := newPasswordChecker(apitest.QuickHash)
	for _, hash := range []string{
		"", "!", "!dqpXlAb9", "*", "plain", "secret",
		"md5$salt$5ebe2294ecd0e0f08eab7690d2a6ee69",
		"$1$abcdefgh$9aGGJ6iXgfpDuvLjgHJVd1",
		"$2b$04$short",
		"$2b$31$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", // hours of work
		"$2b$xx$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", // no cost
		"$2b$04$!!!!!!!!!!!!!!!!!!!!!!2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", // no salt
		"pbkdf2_sha256$99999999$seasalt$wJSpLMQRQz0Dhj/pFpbyjMj71B2gUYp6HJS5AU+32Ac=",
		"pbkdf2_sha256$0$seasalt$wJSpLMQRQz0Dhj/pFpbyjMj71B2gUYp6HJS5AU+32Ac=",
		"pbkdf2_sha256$-1$seasalt$wJSpLMQRQz0Dhj/pFpbyjMj71B2gUYp6HJS5AU+32Ac=",
		"pbkdf2_sha256$1000$seasalt$",
		"pbkdf2_sha256$1000$seasalt$AAAA",
		"pbkdf2_sha256$1000$seasalt",
		"pbkdf2_sha256$",
		"pbkdf2_sha1$1000$seasalt$wJSpLMQRQz0Dhj/pFpbyjMj71B2gUYp6HJS5AU+32Ac=",
	} {
		if _, err := compare(hash, "secret"); !errors.Is(err, errUnusable) {
			t.Errorf("%q is called usable: %v", hash, err)
		}
		if ok, err := p.match(t.Context(), hash, "secret"); ok || err != nil {
			t.Errorf("%q fits: %v, %v", hash, ok, err)
		}
	}
}

func TestDecoyCostsWhatAccountsCost(t *testing.T) {
	t.Parallel()
	for sample, begin := range map[string]string{
		"":                      "$2a$10$",
		"!":                     "$2a$10$",
		"$2b" + bcryptTail:      "$2a$05$",
		djangoHash:              "pbkdf2_sha256$720000$",
		"pbkdf2_sha256$broken$": "$2a$10$",
		"$2b$31$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW": "$2a$10$",
	} {
		decoy := decoyOf(sample)
		if !strings.HasPrefix(decoy, begin) {
			t.Errorf("decoy of %q is %q", sample, decoy)
		}
		if ok, err := compare(decoy, ""); ok || err != nil {
			t.Errorf("decoy %q does not do the work: %v, %v", decoy, ok, err)
		}
	}
}

func TestComparisonsTakeTurns(t *testing.T) {
	t.Parallel()
	p := newPasswordChecker(apitest.QuickHash)
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := p.match(ctx, apitest.QuickHash, "secret"); !errors.Is(err, problem.ErrUnavailable) {
		t.Errorf("no turn was free: %v", err)
	}
	<-p.slots
	if ok, err := p.match(t.Context(), apitest.QuickHash, "secret"); !ok || err != nil {
		t.Errorf("a turn was free: %v, %v", ok, err)
	}
	if len(p.slots) != cap(p.slots)-1 {
		t.Errorf("%d turns are taken", len(p.slots))
	}
}
