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
	// bcryptBytes is how many bytes of a password bcrypt reads. A longer password is refused,
	// because bcrypt would ignore the rest.
	bcryptBytes = 72
	// The most work that a stored hash may cost: a second or two.
	maxBcryptCost = 15
	maxIterations = 5_000_000
	// passwordWait is how long a login waits for a slot.
	passwordWait = 5 * time.Second
)

// errUnusable is the error for a stored password that is not a hash of a known kind. Django stores
// such values for accounts that must not log in.
var errUnusable = errors.New("no usable password hash")

// passwordChecker compares passwords with hashes. Every comparison costs the work of a real one,
// and only a few run at the same time: the work is slow on purpose, and must not starve the
// sockets.
type passwordChecker struct {
	decoy string        // a hash of the kind in use that no password fits
	slots chan struct{} // holds a value for each comparison that runs
}

// newPasswordChecker takes one of the hashes in use as a sample; it may be empty.
func newPasswordChecker(sample string) *passwordChecker {
	return &passwordChecker{
		decoy: decoyOf(sample),
		slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
	}
}

// match reports whether the password fits the hash. An account without a usable hash, and an
// unknown account (an empty hash), take as long as any other and never match. The error is
// problem.ErrUnavailable if no slot becomes free in time.
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

// compare does the slow work for a usable hash. For any other it returns errUnusable at once.
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

// comparePBKDF2 reads what Django stores after the name of the algorithm: iterations$salt$key, the
// key in base64.
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

// decoyOf returns a hash that costs as much as the sample and that no known password fits.
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
