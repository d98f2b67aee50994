package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"rowcall/api/problem"
)

const (
	maxToken    = 8 << 10                    // bytes; a longer one is not even looked into
	maxSubject  = 255                        // bytes
	maxLifetime = 100 * 365 * 24 * time.Hour // what runs out later was not meant as a time
)

// claims are what a token says that is of interest here.
type claims struct {
	Subject string
	Staff   bool
	Until   time.Time // what rests on the token ends then: when it expires, and the leeway after
}

// verify reads a token. The error is problem.ErrUnauthorized for one that is of no use, and
// problem.ErrUnavailable while there are no keys to tell. Neither it nor anything else repeats
// the token.
func (t *tokens) verify(ctx context.Context, text string) (claims, error) {
	if len(text) > maxToken {
		return claims{}, badToken(errors.New("it is too long"))
	}
	said := jwt.MapClaims{} // and not jwt's own struct, which takes "1700000000" for a time
	_, err := t.parser.ParseWithClaims(text, said, func(token *jwt.Token) (any, error) { return t.keyFor(ctx, token) })
	if errors.Is(err, problem.ErrUnavailable) {
		return claims{}, fmt.Errorf("reading a bearer token: %w", err)
	}
	if err == nil {
		err = t.plausible(said)
	}
	if err != nil {
		return claims{}, badToken(err)
	}
	return t.read(said)
}

// badToken says that a token is of no use. Why that is must not help whoever tries some out.
func badToken(why error) error {
	return problem.Explain(fmt.Errorf("reading a bearer token: %w: %w", problem.ErrUnauthorized, why), "the token is not valid")
}

// plausible reports whether the times of a token are times. Those that no calendar has would
// overflow when they are compared.
func (t *tokens) plausible(said jwt.MapClaims) error {
	latest := float64(t.now().Add(maxLifetime).Unix())
	for _, name := range []string{"exp", "nbf", "iat"} {
		value, there := said[name]
		if seconds, ok := value.(float64); there && (!ok || seconds < 0 || seconds > latest) {
			return fmt.Errorf("%s is no time", name)
		}
	}
	return nil
}

func (t *tokens) read(said jwt.MapClaims) (claims, error) {
	subject, err := said.GetSubject()
	if err != nil || subject == "" || len(subject) > maxSubject {
		return claims{}, badToken(errors.New("sub is no user id"))
	}
	expires, err := said.GetExpirationTime()
	if err != nil || expires == nil {
		return claims{}, badToken(errors.New("exp is missing"))
	}
	staff, _ := said[t.staffClaim].(bool) // what is there and is not true means no
	return claims{Subject: subject, Staff: staff && t.staffClaim != "", Until: expires.Add(t.leeway)}, nil
}
