package identity

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"rowcall/api/problem"
	"rowcall/config/rules"
)

// tokenReader checks bearer tokens: JWTs that are signed, that the configured issuer made for the
// configured audience, and that expire. It keeps nothing of a token, and nothing in a token chooses
// where its key comes from: the algorithm determines the kind of key, and kid selects among the
// keys of that kind.
type tokenReader struct {
	parser     *jwt.Parser
	key        []byte  // of HS256; nil: HS256 is not accepted
	keys       *keySet // of the other algorithms; nil: they are not accepted
	staffClaim string
	leeway     time.Duration
	now        func() time.Time
}

// newTokenReader returns nil if no tokens are accepted. The key set is read when it is first
// needed. The error is a rules.Problems.
func newTokenReader(o rules.JWT, log *slog.Logger) (*tokenReader, error) {
	if !o.On() {
		return nil, nil
	}
	var wrong rules.Problems
	if o.Check(&wrong); len(wrong) > 0 {
		return nil, wrong
	}
	t := &tokenReader{staffClaim: o.StaffClaim, leeway: o.Leeway, now: time.Now}
	algorithms := o.KeySetAlgorithms()
	if o.UsesSecret() {
		t.key = []byte(o.Key)
		algorithms = append(algorithms, rules.HS256)
	}
	if o.JWKSURL != "" {
		t.keys = newKeySet(o.JWKSURL, log)
	}
	t.parser = jwt.NewParser(
		jwt.WithValidMethods(algorithms), jwt.WithIssuer(o.Issuer), jwt.WithAudience(o.Audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(o.Leeway),
		jwt.WithTimeFunc(func() time.Time { return t.now() }), jwt.WithStrictDecoding(),
	)
	return t, nil
}

// refresh reads the keys again when they are due.
func (t *tokenReader) refresh(ctx context.Context) {
	if t != nil && t.keys != nil {
		t.keys.refreshIfDue(ctx)
	}
}

const (
	maxTokenBytes   = 8 << 10 // a longer token is refused unread
	maxSubjectBytes = 255
	maxLifetime     = 100 * 365 * 24 * time.Hour // a later expiry is not meant as a time
)

// claims are the parts of a token that are used.
type claims struct {
	Subject string
	Staff   bool
	Until   time.Time // the expiry plus the leeway
}

// verify reads and checks a token. The error is problem.ErrUnauthorized for a token that is not
// valid, and problem.ErrUnavailable while no keys are known. Neither the error nor a log line
// repeats the token.
func (t *tokenReader) verify(ctx context.Context, text string) (claims, error) {
	if len(text) > maxTokenBytes {
		return claims{}, badToken(errors.New("it is too long"))
	}
	said := jwt.MapClaims{} // jwt's own struct would accept "1700000000" as a time
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

// badToken returns an error for a token that is not valid. The client does not learn why, which
// would help an attacker.
func badToken(why error) error {
	return problem.Explain(fmt.Errorf("reading a bearer token: %w: %w", problem.ErrUnauthorized, why), "the token is not valid")
}

// plausible refuses times of a token that are not numbers or lie outside of any calendar: those
// would overflow when they are compared.
func (t *tokenReader) plausible(said jwt.MapClaims) error {
	latest := float64(t.now().Add(maxLifetime).Unix())
	for _, name := range []string{"exp", "nbf", "iat"} {
		value, there := said[name]
		if seconds, ok := value.(float64); there && (!ok || seconds < 0 || seconds > latest) {
			return fmt.Errorf("%s is no time", name)
		}
	}
	return nil
}

func (t *tokenReader) read(said jwt.MapClaims) (claims, error) {
	subject, err := said.GetSubject()
	if err != nil || subject == "" || len(subject) > maxSubjectBytes {
		return claims{}, badToken(errors.New("sub is no user id"))
	}
	expires, err := said.GetExpirationTime()
	if err != nil || expires == nil {
		return claims{}, badToken(errors.New("exp is missing"))
	}
	staff, _ := said[t.staffClaim].(bool) // every value but true means no
	return claims{Subject: subject, Staff: staff && t.staffClaim != "", Until: expires.Add(t.leeway)}, nil
}

// bearerSubprotocol is the prefix of a token that a page offers as a subprotocol, because browsers
// cannot set a header on a WebSocket handshake. The server never selects it, so the answer does not
// contain it.
const bearerSubprotocol = "rowcall.bearer."

// bearerToken returns the bearer token of a request, and whether the request has one. The header
// takes precedence over subprotocols. Two tokens count as one that is not valid.
func bearerToken(r *http.Request) (token string, given bool) {
	var tokens []string
	for _, value := range r.Header.Values("Authorization") {
		if scheme, rest, _ := strings.Cut(value, " "); strings.EqualFold(scheme, "Bearer") {
			tokens = append(tokens, strings.TrimSpace(rest))
		}
	}
	if len(tokens) == 0 {
		tokens = offeredTokens(r)
	}
	if len(tokens) > 1 {
		return "", true
	}
	return strings.Join(tokens, ""), len(tokens) > 0
}

// offeredTokens returns the tokens among the subprotocols of a handshake.
func offeredTokens(r *http.Request) []string {
	var tokens []string
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for offered := range strings.SplitSeq(line, ",") {
			if encoded, is := strings.CutPrefix(strings.TrimSpace(offered), bearerSubprotocol); is {
				token, _ := base64.RawURLEncoding.Strict().DecodeString(encoded) // a text that is not base64 is a bad token
				tokens = append(tokens, string(token))
			}
		}
	}
	return tokens
}

// byToken returns the active account that a bearer token names. The token's staff claim counts, and
// not the account's flag.
func (a *Accounts) byToken(ctx context.Context, token string) (*account, Identity, error) {
	said, err := a.claims(ctx, token)
	if err != nil {
		return nil, Identity{}, problem.Challenge(err)
	}
	who, err := a.users.byID(ctx, said.Subject)
	if err != nil {
		return nil, Identity{}, problem.Challenge(err)
	}
	who.Staff = said.Staff
	return who, Identity{User: who.ID, Name: who.Username, Staff: said.Staff, Subject: said.Subject, Until: said.Until}, nil
}

// claims checks a token. The log says why it is not valid, at level debug.
func (a *Accounts) claims(ctx context.Context, token string) (claims, error) {
	if a.tokens == nil {
		return claims{}, fmt.Errorf("reading a bearer token: none are accepted: %w", problem.ErrUnauthorized)
	}
	said, err := a.tokens.verify(ctx, token)
	if err != nil {
		a.log.Debug("bearer token refused", "err", err)
	}
	return said, err
}

// Renew checks a bearer token that replaces the token of an open socket's identity, and returns
// when the new token expires. Both tokens must have the same subject and the same staff claim,
// because the topics that the socket follows were granted for these.
func (a *Accounts) Renew(ctx context.Context, who Identity, token string) (until time.Time, err error) {
	switch {
	case a.tokens == nil:
		return time.Time{}, problem.Explain(problem.ErrBadRequest, "this server takes no tokens")
	case who.Subject == "":
		return time.Time{}, problem.Explain(problem.ErrBadRequest, "this socket was not opened with a token")
	}
	said, err := a.claims(ctx, token)
	switch {
	case err != nil:
		return time.Time{}, err
	case said.Subject != who.Subject:
		return time.Time{}, problem.Explain(problem.ErrForbidden, "the token is of another user; the one before it still counts")
	case said.Staff != who.Staff:
		return time.Time{}, problem.Explain(problem.ErrForbidden, "the token gives other rights; open another socket with it")
	}
	return said.Until, nil
}
