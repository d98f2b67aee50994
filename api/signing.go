package api

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// leastRSA is how long an RSA key must be, in bits.
const leastRSA = 2048

// keyFor finds the key that a token must be signed with. It is called before the signature is looked at.
func (t *tokens) keyFor(ctx context.Context, token *jwt.Token) (any, error) {
	// Extensions that must be understood are not, and a key that a token brings or names by its
	// address is its maker's, whoever that is.
	for _, name := range []string{"crit", "jwk", "jku", "x5c", "x5u"} {
		if _, there := token.Header[name]; there {
			return nil, fmt.Errorf("its header has %s", name)
		}
	}
	alg := token.Method.Alg()
	switch {
	case alg == hs256 && t.key != nil:
		return t.key, nil
	case t.keys == nil:
		return nil, fmt.Errorf("there is no key for %s", alg)
	}
	key, err := t.keys.find(ctx, token)
	if err != nil {
		return nil, err
	}
	if !suits(alg, key) {
		return nil, fmt.Errorf("the key is not for %s", alg)
	}
	return key, nil
}

// keyKind is the kind of key an algorithm needs; empty for one that has no public key.
func keyKind(alg string) string {
	switch alg {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		return "RSA"
	case "ES256":
		return "P-256"
	case "ES384":
		return "P-384"
	case "ES512":
		return "P-521"
	case "EdDSA":
		return "Ed25519"
	}
	return ""
}

// suits reports whether a key is of the kind that an algorithm needs, and strong enough.
func suits(alg string, key any) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return keyKind(alg) == "RSA" && k.N.BitLen() >= leastRSA
	case *ecdsa.PublicKey:
		return strings.HasPrefix(alg, "ES") && keyKind(alg) == k.Curve.Params().Name
	case ed25519.PublicKey:
		return keyKind(alg) == "Ed25519"
	}
	return false
}
