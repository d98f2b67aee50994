package config

import (
	"slices"
	"time"

	"rowcall/config/rules"
)

// JWT says which bearer tokens are accepted. With neither Key nor JWKSURL none is.
type JWT struct {
	Key        Secret        `mapstructure:"key"`        // of HS256: this text itself, 32 bytes or more
	JWKSURL    string        `mapstructure:"jwks_url"`   // where the public keys of the other algorithms are; https
	Algorithms []string      `mapstructure:"algorithms"` // that may sign; none: what is usual with the keys there are
	Issuer     string        `mapstructure:"issuer"`     // iss of every token
	Audience   string        `mapstructure:"audience"`   // one of every token's aud
	StaffClaim string        `mapstructure:"staff_claim"`
	Leeway     time.Duration `mapstructure:"leeway"` // that clocks may differ by, and that a socket outlasts its token by
}

// On reports whether bearer tokens are accepted at all.
func (j JWT) On() bool { return j.Key != "" || j.JWKSURL != "" }

const (
	leastKey   = 32 // bytes: what RFC 7518 asks of a key for HS256
	mostLeeway = time.Minute
	hs256      = "HS256"
)

// publicAlgorithms are those whose keys a JWKS holds.
func publicAlgorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

func (j JWT) check(p *rules.Problems) {
	p.Require(j.Key == "" || len(j.Key) >= leastKey, "auth.jwt.key",
		"is too short to sign with: give %d bytes or more, such as openssl rand -base64 48 makes", leastKey)
	if j.JWKSURL != "" {
		p.AddError("auth.jwt.jwks_url", rules.CheckKeyAddress(j.JWKSURL))
	}
	p.Require(0 <= j.Leeway && j.Leeway <= mostLeeway, "auth.jwt.leeway",
		"%s is out of range: give 0s to %s", j.Leeway, mostLeeway)
	j.checkAlgorithms(p)
	for _, claim := range []struct{ key, value string }{{"issuer", j.Issuer}, {"audience", j.Audience}} {
		key := "auth.jwt." + claim.key
		p.Require(!j.On() || claim.value != "", key, "is missing: tokens that were made for others must not be accepted here")
		p.Require(j.On() || claim.value == "", key, "is of no use without auth.jwt.key or auth.jwt.jwks_url")
	}
}

// checkAlgorithms requires that each algorithm has its keys, and that no keys are without algorithm.
func (j JWT) checkAlgorithms(p *rules.Problems) {
	public := false
	for i, name := range j.Algorithms {
		key := rules.Entry("auth.jwt.algorithms", i)
		p.RequireOneOf(key, name, append([]string{hs256}, publicAlgorithms()...)...)
		public = public || name != hs256
		p.Require(name != hs256 || j.Key != "", key, "%s needs auth.jwt.key", name)
		p.Require(name == hs256 || j.JWKSURL != "", key, "%s needs auth.jwt.jwks_url", name)
	}
	if len(j.Algorithms) == 0 {
		return
	}
	p.Require(j.Key == "" || slices.Contains(j.Algorithms, hs256), "auth.jwt.key", "is of no use: auth.jwt.algorithms leaves HS256 out")
	p.Require(j.JWKSURL == "" || public, "auth.jwt.jwks_url", "is of no use: auth.jwt.algorithms has HS256 alone")
}
