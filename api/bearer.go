package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"rowcall/api/problem"
)

// bearerProtocol is in front of a token that a page offers as a subprotocol, since browsers cannot
// set a header on a WebSocket handshake. It is never chosen, so it is not in the answer.
const bearerProtocol = "rowcall.bearer."

// bearer is the token that a request brings, and whether it brings one at all. A header counts
// before a subprotocol. Whoever brings two is not sure who they are: that is a bad token.
func bearer(r *http.Request) (token string, given bool) {
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

// offeredTokens are the tokens among the subprotocols of a handshake.
func offeredTokens(r *http.Request) []string {
	var tokens []string
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for offered := range strings.SplitSeq(line, ",") {
			if encoded, is := strings.CutPrefix(strings.TrimSpace(offered), bearerProtocol); is {
				token, _ := base64.RawURLEncoding.Strict().DecodeString(encoded) // what is broken is a bad token
				tokens = append(tokens, string(token))
			}
		}
	}
	return tokens
}

// byToken finds the active account that a bearer token names. What the token says of staff counts,
// not what the account says.
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

// claims checks a token. The client learns only that it is not valid; why is for the operator who
// asks for it.
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

// renewed checks a token that takes the place of the one an identity rests on. It must be of the
// same subject, and say the same of staff: what is followed already was granted by the old one.
func (a *Accounts) renewed(ctx context.Context, who Identity, token string) (claims, error) {
	switch {
	case a.tokens == nil:
		return claims{}, problem.Explain(problem.ErrBadRequest, "this server takes no tokens")
	case who.Subject == "":
		return claims{}, problem.Explain(problem.ErrBadRequest, "this socket was not opened with a token")
	}
	said, err := a.claims(ctx, token)
	switch {
	case err != nil:
		return claims{}, err
	case said.Subject != who.Subject:
		return claims{}, problem.Explain(problem.ErrForbidden, "the token is of another user; the one before it still counts")
	case said.Staff != who.Staff:
		return claims{}, problem.Explain(problem.ErrForbidden, "the token gives other rights; open another socket with it")
	}
	return said, nil
}
