package identity

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"

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
	keepClaims bool
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
	JSON    string    // of all claims; empty unless they are kept
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
	known, err := t.read(said)
	if err == nil && t.keepClaims {
		known.JSON, err = claimsJSON(text)
	}
	if err != nil {
		return claims{}, err
	}
	return known, nil
}

// badToken returns an error for a token that is not valid. The client learns what is wrong with the
// claims, since jwt looks at them only when the signature is good. Of a token that is malformed or has
// no good signature the client learns nothing more, which would help an attacker; the log says it.
func badToken(why error) error {
	detail := "the token is not valid"
	for _, entry := range []struct {
		err  error
		text string
	}{
		{jwt.ErrTokenExpired, "it has expired"},
		{jwt.ErrTokenNotValidYet, "its time has not come yet (nbf)"},
		{jwt.ErrTokenUsedBeforeIssued, "it was issued in the future (iat); compare the clocks"},
		{jwt.ErrTokenInvalidAudience, "it is for another audience (aud)"},
		{jwt.ErrTokenInvalidIssuer, "it is of another issuer (iss)"},
		{jwt.ErrTokenRequiredClaimMissing, "a claim is missing: exp, iss, aud and sub must be there"},
		{errNoSubject, errNoSubject.Error()},
		{errNoTime, errNoTime.Error()},
		{errClaimsTooLong, errClaimsTooLong.Error()},
		{errClaimsUnsound, errClaimsUnsound.Error()},
	} {
		if errors.Is(why, entry.err) {
			detail += ": " + entry.text
			break
		}
	}
	return problem.Explain(fmt.Errorf("reading a bearer token: %w: %w", problem.ErrUnauthorized, why), detail)
}

// The errors of claims that jwt accepts.
var (
	errNoSubject = errors.New("sub is no user id")
	errNoTime    = errors.New("exp, nbf and iat must be seconds since 1970")
)

// plausible refuses times of a token that are not numbers or lie outside of any calendar: those
// would overflow when they are compared.
func (t *tokenReader) plausible(said jwt.MapClaims) error {
	latest := float64(t.now().Add(maxLifetime).Unix())
	for _, name := range []string{"exp", "nbf", "iat"} {
		value, there := said[name]
		if seconds, ok := value.(float64); there && (!ok || seconds < 0 || seconds > latest) {
			return fmt.Errorf("%s: %w", name, errNoTime)
		}
	}
	return nil
}

func (t *tokenReader) read(said jwt.MapClaims) (claims, error) {
	subject, err := said.GetSubject()
	if err != nil || subject == "" || len(subject) > maxSubjectBytes {
		return claims{}, badToken(errNoSubject)
	}
	expires, err := said.GetExpirationTime()
	if err != nil || expires == nil {
		return claims{}, badToken(jwt.ErrTokenRequiredClaimMissing)
	}
	staff, _ := said[t.staffClaim].(bool) // every value but true means no
	return claims{Subject: subject, Staff: staff && t.staffClaim != "", Until: expires.Add(t.leeway)}, nil
}

// bearerSubprotocol is the prefix of a token that a page offers as a subprotocol, because browsers
// cannot set a header on a WebSocket handshake. The server never selects it, so the answer does not
// contain it.
const bearerSubprotocol = "rowcall.bearer."

// maxSubprotocolBytes is the length of a subprotocol beyond which it counts as a credential: names of
// subprotocols are short.
const maxSubprotocolBytes = 64

// OfferedSubprotocols returns the subprotocols that the page of a handshake offers, in their order,
// without those that are or may be credentials. An answer may repeat each of them. Credentials are the
// tokens of Rowcall's own form, and texts that look like a JWT or are too long for a name: pages that
// were written for other servers offer their tokens as they are.
func OfferedSubprotocols(r *http.Request) []string {
	var names []string
	for offered := range subprotocolsOf(r) {
		folded := strings.ToLower(offered)
		credential := strings.HasPrefix(folded, bearerSubprotocol) || strings.HasPrefix(offered, "eyJ") || len(offered) > maxSubprotocolBytes
		if !credential && isHTTPToken(offered) {
			names = append(names, offered)
		}
	}
	return names
}

// OffersSubprotocols reports whether the page of a handshake offers any subprotocol.
func OffersSubprotocols(r *http.Request) bool {
	for range subprotocolsOf(r) {
		return true
	}
	return false
}

// subprotocolsOf yields the entries of all lines of the header Sec-WebSocket-Protocol.
func subprotocolsOf(r *http.Request) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
			for offered := range strings.SplitSeq(line, ",") {
				if offered = strings.TrimSpace(offered); offered != "" && !yield(offered) {
					return
				}
			}
		}
	}
}

// isHTTPToken reports whether a text is a token of RFC 9110, as subprotocols must be.
func isHTTPToken(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	})
}

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
	for offered := range subprotocolsOf(r) {
		if encoded, is := strings.CutPrefix(offered, bearerSubprotocol); is {
			token, _ := base64.RawURLEncoding.Strict().DecodeString(encoded) // a text that is not base64 is a bad token
			tokens = append(tokens, string(token))
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
	if errors.Is(err, problem.ErrUnauthorized) {
		err = problem.Explain(fmt.Errorf("%w: the user of the bearer token", err), "the token is not valid: its sub is no active user")
		a.refusals.log(a.log, err)
	}
	if err != nil {
		return nil, Identity{}, problem.Challenge(err)
	}
	who.Staff = said.Staff
	return who, Identity{User: who.ID, Name: who.Username, Staff: said.Staff, Subject: said.Subject, Until: said.Until, Claims: said.JSON}, nil
}

// claims checks a token. The log says why it is not valid.
func (a *Accounts) claims(ctx context.Context, token string) (claims, error) {
	if a.tokens == nil {
		return claims{}, problem.Explain(fmt.Errorf("reading a bearer token: none are accepted: %w", problem.ErrUnauthorized), "this server takes no tokens")
	}
	said, err := a.tokens.verify(ctx, token)
	if err != nil {
		a.refusals.log(a.log, err)
	}
	return said, err
}

// tokenRefusals logs refused tokens at level info, so that an operator sees why without a restart. Anybody
// can send bad tokens, so lines are limited: those left out are counted, and go to level debug.
type tokenRefusals struct {
	lines  *rate.Limiter
	unsaid atomic.Int64 // since the last line of level info
}

// newTokenRefusals allows five lines at once, and one more every ten seconds.
func newTokenRefusals() *tokenRefusals {
	return &tokenRefusals{lines: rate.NewLimiter(rate.Every(10*time.Second), 5)}
}

func (t *tokenRefusals) log(log *slog.Logger, err error) {
	if !t.lines.Allow() {
		t.unsaid.Add(1)
		log.Debug("bearer token refused", "err", err)
		return
	}
	log.Info("bearer token refused", "err", err, "unlogged", t.unsaid.Swap(0))
}

// Renew checks a bearer token that replaces the token of an open socket's identity, and returns
// when the new token expires. Both tokens must have the same subject and the same staff claim,
// because the topics that the socket follows were granted for these. The error is problem.ErrRightsChanged for a
// token with other claims, where rules read claims: the socket must end, so that the client opens another one.
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
	case !sameClaims(said.JSON, who.Claims):
		return time.Time{}, fmt.Errorf("renewing a bearer token: its claims differ: %w", problem.ErrRightsChanged)
	}
	return said.Until, nil
}
