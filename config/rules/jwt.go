package rules

import (
	"slices"
	"time"
)

// JWT says which bearer tokens are accepted. Without Key and JWKSURL no token is.
type JWT struct {
	Key        Secret        `mapstructure:"key"`        // for HS256: the bytes of this text, 32 or more
	JWKSURL    string        `mapstructure:"jwks_url"`   // the address of the public keys for the other algorithms; https
	Algorithms []string      `mapstructure:"algorithms"` // that may sign; empty: the usual ones for the keys that are given
	Issuer     string        `mapstructure:"issuer"`     // the claim iss that every token must have
	Audience   string        `mapstructure:"audience"`   // a value that the claim aud of every token must have
	StaffClaim string        `mapstructure:"staff_claim"`
	Leeway     time.Duration `mapstructure:"leeway"` // by how much clocks may differ, and how long a socket may outlast its token
}

// On reports whether bearer tokens are accepted at all.
func (j JWT) On() bool { return j.Key != "" || j.JWKSURL != "" }

// HS256 is the one algorithm whose key is a secret.
const HS256 = "HS256"

const (
	shortestJWTKey    = 32 // bytes, as RFC 7518 requires for HS256
	greatestJWTLeeway = time.Minute
)

// UsesSecret reports whether tokens signed with the secret key are accepted.
func (j JWT) UsesSecret() bool {
	return j.Key != "" && (len(j.Algorithms) == 0 || slices.Contains(j.Algorithms, HS256))
}

// KeySetAlgorithms returns the accepted algorithms whose keys are at JWKSURL.
func (j JWT) KeySetAlgorithms() []string {
	switch {
	case j.JWKSURL == "":
		return nil
	case len(j.Algorithms) == 0:
		return []string{"RS256", "PS256", "ES256", "EdDSA"}
	}
	return slices.DeleteFunc(slices.Clone(j.Algorithms), func(name string) bool { return name == HS256 })
}

// publicAlgorithms are the algorithms whose keys a JWKS document holds.
func publicAlgorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// Check checks the settings, whose key paths begin with auth.jwt. It requires what keeps tokens for
// other audiences, and tokens that anybody could make, from being accepted.
func (j JWT) Check(p *Problems) {
	p.Require(j.Key == "" || len(j.Key) >= shortestJWTKey, "auth.jwt.key",
		"is too short to sign with: give %d bytes or more, such as openssl rand -base64 48 makes", shortestJWTKey)
	if j.JWKSURL != "" {
		p.AddError("auth.jwt.jwks_url", CheckKeyAddress(j.JWKSURL))
	}
	p.Require(0 <= j.Leeway && j.Leeway <= greatestJWTLeeway, "auth.jwt.leeway",
		"%s is out of range: give 0s to %s", j.Leeway, greatestJWTLeeway)
	j.checkAlgorithms(p)
	for _, claim := range []struct{ key, value string }{{"issuer", j.Issuer}, {"audience", j.Audience}} {
		key := "auth.jwt." + claim.key
		p.Require(!j.On() || claim.value != "", key, "is missing: tokens that were made for others must not be accepted here")
		p.Require(j.On() || claim.value == "", key, "is of no use without auth.jwt.key or auth.jwt.jwks_url")
	}
}

// checkAlgorithms requires a key for each algorithm, and an algorithm for each key.
func (j JWT) checkAlgorithms(p *Problems) {
	public := false
	for i, name := range j.Algorithms {
		key := Entry("auth.jwt.algorithms", i)
		p.RequireOneOf(key, name, append([]string{HS256}, publicAlgorithms()...)...)
		public = public || name != HS256
		p.Require(name != HS256 || j.Key != "", key, "%s needs auth.jwt.key", name)
		p.Require(name == HS256 || j.JWKSURL != "", key, "%s needs auth.jwt.jwks_url", name)
	}
	if len(j.Algorithms) == 0 {
		return
	}
	p.Require(j.Key == "" || slices.Contains(j.Algorithms, HS256), "auth.jwt.key", "is of no use: auth.jwt.algorithms leaves HS256 out")
	p.Require(j.JWKSURL == "" || public, "auth.jwt.jwks_url", "is of no use: auth.jwt.algorithms has HS256 alone")
}

// Secret is text that must not be shown. Printing a Secret in any way shows only that there is one;
// convert it to string to use it.
type Secret string

// String masks the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(secret)"
}

// GoString masks the secret, for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText masks the secret, for encoders such as those of slog and JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
