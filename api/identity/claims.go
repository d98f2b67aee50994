package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strconv"
	"strings"
)

const (
	maxClaimsBytes = 4 << 10 // of the JSON that is kept of each open socket, and sent with each of its questions
	maxClaimsDepth = 32
	maxExponent    = 400 // of a number: PostgreSQL writes numbers out, and 1e100000 has a hundred thousand digits
)

// The errors of claims that rules cannot read.
var (
	errClaimsTooLong = errors.New("its claims are longer than 4096 bytes as JSON, or nested more than 32 deep")
	errClaimsUnsound = errors.New(`a claim holds what jsonb cannot: the character \u0000, or a number with an exponent beyond 400`)
)

// KeepsClaims reports whether tokens are accepted, and identities have their claims.
func (a *Accounts) KeepsClaims() bool { return a.tokens != nil && a.tokens.keepClaims }

// claimsJSON returns the claims of a token, which was verified before, as JSON that PostgreSQL takes as jsonb. It keeps
// the digits of numbers, and takes the last of several claims of one name, as the verification does.
func claimsJSON(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", badToken(errClaimsUnsound)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", badToken(err)
	}
	said, err := decodeClaims(string(payload))
	if err != nil {
		return "", badToken(err)
	}
	if err := checkClaim(said, 0); err != nil {
		return "", badToken(err)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(said); err != nil {
		return "", badToken(err)
	}
	if text.Len() > maxClaimsBytes {
		return "", badToken(errClaimsTooLong)
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}

func decodeClaims(text string) (said map[string]any, err error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	err = decoder.Decode(&said)
	return said, err
}

// checkClaim refuses what jsonb does not take, and what would be large in the database although its text is short.
func checkClaim(value any, depth int) error {
	if depth > maxClaimsDepth {
		return errClaimsTooLong
	}
	switch v := value.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			return errClaimsUnsound
		}
	case json.Number:
		_, exponent, _ := strings.Cut(strings.ToLower(v.String()), "e")
		if n, err := strconv.Atoi(exponent); exponent != "" && (err != nil || n > maxExponent || n < -maxExponent) {
			return errClaimsUnsound
		}
	case []any:
		for _, item := range v {
			if err := checkClaim(item, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, item := range v {
			if err := errors.Join(checkClaim(name, depth), checkClaim(item, depth+1)); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameClaims reports whether the claims of two tokens differ in nothing but what each new token has of its own: exp,
// iat, nbf and jti.
func sameClaims(one, other string) bool {
	return one == other || reflect.DeepEqual(lastingClaims(one), lastingClaims(other))
}

func lastingClaims(text string) map[string]any {
	said, _ := decodeClaims(text) // claimsJSON wrote it
	maps.DeleteFunc(said, func(name string, _ any) bool {
		return name == "exp" || name == "iat" || name == "nbf" || name == "jti"
	})
	return said
}
