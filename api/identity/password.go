package identity

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"rowcall/api/problem"
)

const (
	// bcryptBytes is what bcrypt reads of a password. What is longer is refused: the rest would
	// not be looked at.
	bcryptBytes = 72
	// The most work that a stored hash may ask of us; a second or two.
	maxBcryptCost = 15
	maxIterations = 5_000_000
	// passwordWait is how long a login waits for its turn.
	passwordWait = 5 * time.Second
)

// errUnusable says that a stored password is no hash of a kind we know; Django writes such for
// accounts that must not log in.
var errUnusable = errors.New("no usable password hash")

// passwordChecker compares passwords with hashes, each time with the work of a real comparison, and only
// so many at once: the work is meant to be slow, and must not starve the sockets.
type passwordChecker struct {
	decoy string        // a hash of the kind the accounts have, which no password fits
	slots chan struct{} // holds one value for each comparison under way
}

// newPasswordChecker takes a sample of the hashes in use, or nothing.
func newPasswordChecker(sample string) *passwordChecker {
	return &passwordChecker{
		decoy: decoyOf(sample),
		slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
	}
}

// match reports whether the password fits the hash. An account without a usable hash, or no
// account at all (an empty hash), takes as long as any other and never matches. The error is
// problem.ErrUnavailable when too many others are waiting.
func (p *passwordChecker) match(ctx context.Context, hash, password string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, passwordWait)
	defer cancel()
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return false, fmt.Errorf("waiting to check a password: %w", problem.ErrUnavailable)
	}
	defer func() { <-p.slots }()

	ok, err := compare(hash, password)
	if err != nil {
		_, _ = compare(p.decoy, password)
	}
	return ok && err == nil, nil
}

// compare does the slow work of a usable hash, and is quick with errUnusable for any other.
func compare(hash, password string) (bool, error) {
	if rest, ok := strings.CutPrefix(hash, "pbkdf2_sha256$"); ok {
		return comparePBKDF2(rest, password)
	}
	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil || cost > maxBcryptCost {
		return false, errUnusable
	}
	err = bcrypt.CompareHashAndPassword([]byte(hash), []byte(password))
	if err != nil && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, errUnusable
	}
	return err == nil && len(password) <= bcryptBytes, nil
}

// comparePBKDF2 takes what Django writes after the name of the algorithm: iterations$salt$key,
// the key in base64.
func comparePBKDF2(hash, password string) (bool, error) {
	iterations, salt, want, err := parsePBKDF2(hash)
	if err != nil {
		return false, err
	}
	key, err := pbkdf2.Key(sha256.New, password, []byte(salt), iterations, len(want))
	if err != nil {
		return false, fmt.Errorf("%w: %w", errUnusable, err)
	}
	return subtle.ConstantTimeCompare(key, want) == 1, nil
}

func parsePBKDF2(hash string) (iterations int, salt string, key []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 3 {
		return 0, "", nil, errUnusable
	}
	iterations, err = strconv.Atoi(parts[0])
	if err != nil || iterations < 1 || iterations > maxIterations {
		return 0, "", nil, errUnusable
	}
	key, err = base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != sha256.Size {
		return 0, "", nil, errUnusable
	}
	return iterations, parts[1], key, nil
}

// decoyOf makes a hash that costs as much as the sample and that nobody knows a password for.
func decoyOf(sample string) string {
	if rest, ok := strings.CutPrefix(sample, "pbkdf2_sha256$"); ok {
		if iterations, _, _, err := parsePBKDF2(rest); err == nil {
			return fmt.Sprintf("pbkdf2_sha256$%d$%s$%s", iterations, "decoy",
				base64.StdEncoding.EncodeToString(make([]byte, sha256.Size)))
		}
	}
	cost, err := bcrypt.Cost([]byte(sample))
	if err != nil || cost > maxBcryptCost {
		cost = bcrypt.DefaultCost
	}
	return fmt.Sprintf("$2a$%02d$%s", cost, strings.Repeat(".", 22+31))
}
