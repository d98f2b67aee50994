package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"rowcall/config/rules"
)

// JWTOptions say which bearer tokens are accepted: none without Key and JWKSURL.
type JWTOptions struct {
	Key        string        // of HS256, 32 bytes or more
	JWKSURL    string        // of the public keys of the other algorithms: https, or http on this machine
	Algorithms []string      // that may sign; HS256 with Key, and RS256, PS256, ES256 and EdDSA with JWKSURL
	Issuer     string        // what iss must be; needed
	Audience   string        // what aud must name; needed
	StaffClaim string        // the claim that is true for staff; none: no bearer is
	Leeway     time.Duration // that clocks may differ by, at most a minute; none
}

const (
	leastKey   = 32 // bytes of an HS256 key, as RFC 7518 asks
	mostLeeway = time.Minute
	hs256      = "HS256"
)

// tokens checks bearer tokens: JWTs that are signed, made by the one issuer for this audience, and
// run out. It keeps nothing of a token, and nothing in a token chooses where its key comes from:
// the algorithm says of which kind the key must be, and kid is a name among those of that kind.
type tokens struct {
	parser     *jwt.Parser
	key        []byte  // of HS256; nil: it may not sign
	keys       *keySet // of the other algorithms; nil: they may not sign
	staffClaim string
	leeway     time.Duration
	now        func() time.Time
}

// newTokens returns nil where no tokens are accepted. The key set is read when it is first needed.
func newTokens(o JWTOptions, log *slog.Logger) (*tokens, error) {
	if o.Key == "" && o.JWKSURL == "" {
		return nil, nil
	}
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("preparing to read bearer tokens: %w", err)
	}
	t := &tokens{staffClaim: o.StaffClaim, leeway: o.Leeway, now: time.Now}
	var algorithms []string
	if o.Key != "" && (len(o.Algorithms) == 0 || slices.Contains(o.Algorithms, hs256)) {
		t.key = []byte(o.Key)
		algorithms = append(algorithms, hs256)
	}
	if o.JWKSURL != "" {
		t.keys = newKeySet(o.JWKSURL, log)
		algorithms = append(algorithms, o.public()...)
	}
	if len(algorithms) == 0 { // which jwt would take for all of them
		return nil, errors.New("preparing to read bearer tokens: auth.jwt.algorithms leaves none that has a key")
	}
	t.parser = jwt.NewParser(
		jwt.WithValidMethods(algorithms), jwt.WithIssuer(o.Issuer), jwt.WithAudience(o.Audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(o.Leeway),
		jwt.WithTimeFunc(func() time.Time { return t.now() }), jwt.WithStrictDecoding(),
	)
	return t, nil
}

// refresh reads the keys again when they are due.
func (t *tokens) refresh(ctx context.Context) {
	if t != nil && t.keys != nil {
		t.keys.refresh(ctx)
	}
}

// check refuses what would accept tokens that were made for others, or by anybody.
func (o JWTOptions) check() error {
	switch {
	case o.Issuer == "" || o.Audience == "":
		return errors.New("auth.jwt.issuer and auth.jwt.audience are needed")
	case o.Key != "" && len(o.Key) < leastKey:
		return errors.New("auth.jwt.key is too short")
	case o.JWKSURL != "" && rules.CheckKeyAddress(o.JWKSURL) != nil:
		return fmt.Errorf("auth.jwt.jwks_url: %w", rules.CheckKeyAddress(o.JWKSURL))
	case o.Leeway < 0 || o.Leeway > mostLeeway:
		return errors.New("auth.jwt.leeway is not within a minute")
	}
	for _, name := range o.Algorithms {
		if name != hs256 && keyKind(name) == "" {
			return fmt.Errorf("auth.jwt.algorithms: %q is none", name)
		}
	}
	return nil
}

// public are the algorithms whose keys are in the key set.
func (o JWTOptions) public() []string {
	if len(o.Algorithms) == 0 {
		return []string{"RS256", "PS256", "ES256", "EdDSA"}
	}
	return slices.DeleteFunc(slices.Clone(o.Algorithms), func(name string) bool { return name == hs256 })
}
