package identity

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"rowcall/api/identity/issuertest"
	"rowcall/api/problem"
	"rowcall/config/rules"
)

func TestTokensOfEveryKindOfKey(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	reader := readerOf(t, is, optionsOf(is))
	for name, token := range map[string]string{
		"HS256": issuertest.Sign(t, issuertest.Claims("7", "staff", true)),
		"RS256": issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7", "staff", true), nil),
		"PS256": issuertest.SignAs(t, "rsa", "PS256", issuertest.Claims("7", "staff", true), nil),
		"ES256": issuertest.SignAs(t, "p256", "ES256", issuertest.Claims("7", "staff", true), nil),
		"EdDSA": issuertest.SignAs(t, "ed", "EdDSA", issuertest.Claims("7", "staff", true), nil),
	} {
		said, err := reader.verify(t.Context(), token)
		if err != nil || said.Subject != "7" || !said.Staff {
			t.Errorf("%s: %+v, %v", name, said, err)
		}
	}
	if n := is.Asked.Load(); n != 1 {
		t.Errorf("the keys were read %d times", n)
	}
}

func TestTokensOfOtherAlgorithmsWhereTheyAreListed(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	o := optionsOf(is)
	o.Key, o.Algorithms = "", []string{"ES384", "RS512"}
	reader := readerOf(t, is, o)
	for alg, token := range map[string]string{
		"ES384": issuertest.SignAs(t, "p384", "ES384", issuertest.Claims("7"), nil),
		"RS512": issuertest.SignAs(t, "rsa", "RS512", issuertest.Claims("7"), nil),
	} {
		if _, err := reader.verify(t.Context(), token); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
	for alg, token := range map[string]string{
		"HS256": issuertest.Sign(t, issuertest.Claims("7")),
		"RS256": issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7"), nil),
		"ES256": issuertest.SignAs(t, "p256", "ES256", issuertest.Claims("7"), nil),
	} {
		if _, err := reader.verify(t.Context(), token); !errors.Is(err, problem.ErrUnauthorized) {
			t.Errorf("%s is not listed: %v", alg, err)
		}
	}
}

// A key of one curve can sign for the algorithm of another as far as arithmetic goes.
func TestCurvesBelongToTheirAlgorithms(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	o := optionsOf(is)
	o.Algorithms = []string{"HS256", "ES384"}
	unsigned := strings.TrimSuffix(issuertest.Join(`{"alg":"ES384","kid":"p256"}`, issuertest.Encode(t, issuertest.Claims("7")), nil), ".")
	digest := sha512.Sum384([]byte(unsigned))
	key, _ := issuertest.Signers()["p256"].(*ecdsa.PrivateKey)
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := append(r.FillBytes(make([]byte, 48)), s.FillBytes(make([]byte, 48))...)
	token := unsigned + "." + base64.RawURLEncoding.EncodeToString(signature)
	if said, err := readerOf(t, is, o).verify(t.Context(), token); !errors.Is(err, problem.ErrUnauthorized) {
		t.Errorf("%+v, %v", said, err)
	}
}

// withText replaces the text of a value by a number that Go would not write.
func withText(t testing.TB, said jwt.MapClaims, name, value string) string {
	t.Helper()
	said[name] = "here"
	changed := strings.Replace(issuertest.Encode(t, said), `"here"`, value, 1)
	signed, err := jwt.SigningMethodHS256.Sign(strings.TrimSuffix(issuertest.Join(`{"alg":"HS256"}`, changed, nil), "."), []byte(issuertest.Symmetric))
	if err != nil {
		t.Fatal(err)
	}
	return issuertest.Join(`{"alg":"HS256"}`, changed, signed)
}

// leftover returns another last letter that stands for the same bytes if the unused bits are
// ignored.
func leftover(last byte) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return letters[strings.IndexByte(letters, last)+1:][:1]
}

func TestHostileTokens(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	reader := readerOf(t, is, optionsOf(is))
	good := issuertest.Sign(t, issuertest.Claims("7"))
	head, rest, _ := strings.Cut(good, ".")
	middle, signature, _ := strings.Cut(rest, ".")
	rsa := func(header map[string]any) string {
		return issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7"), header)
	}
	hmac := func(key []byte, header map[string]any) string {
		return issuertest.SignWith(t, "HS256", key, issuertest.Claims("7"), header)
	}
	future, past := time.Now().Add(time.Hour).Unix(), time.Now().Add(-time.Hour).Unix()
	for name, token := range map[string]string{
		"nothing":              "",
		"no token":             "abc",
		"two parts":            head + "." + middle,
		"four parts":           good + ".a",
		"five parts":           "a.b.c.d.e",
		"padding":              head + "." + middle + "." + signature + "=",
		"another alphabet":     strings.NewReplacer("-", "+", "_", "/").Replace(head) + "+." + middle + "." + signature,
		"a blank":              good[:20] + " " + good[20:],
		"8 KiB and one":        issuertest.Sign(t, issuertest.Claims("7", "x", strings.Repeat("x", 8<<10))),
		"unsigned":             head + "." + middle + ".",
		"another's signature":  head + "." + middle + "." + signature[1:] + "A",
		"bits left over":       head + "." + middle + "." + signature[:len(signature)-1] + leftover(signature[len(signature)-1]),
		"none":                 issuertest.Join(`{"alg":"none"}`, issuertest.Encode(t, issuertest.Claims("7")), nil),
		"None":                 issuertest.Join(`{"alg":"None"}`, issuertest.Encode(t, issuertest.Claims("7")), nil),
		"NONE with kid":        issuertest.Join(`{"alg":"NONE","kid":"rsa"}`, issuertest.Encode(t, issuertest.Claims("7")), nil),
		"no alg":               issuertest.Join(`{"typ":"JWT"}`, issuertest.Encode(t, issuertest.Claims("7")), nil),
		"alg as a list":        issuertest.Join(`{"alg":["HS256"]}`, issuertest.Encode(t, issuertest.Claims("7")), nil),
		"alg in small letters": issuertest.Join(`{"alg":"hs256"}`, issuertest.Encode(t, issuertest.Claims("7")), nil),
		"no header":            issuertest.Join(`null`, issuertest.Encode(t, issuertest.Claims("7")), nil),
		"header of a list":     issuertest.Join(`[]`, issuertest.Encode(t, issuertest.Claims("7")), nil),
		"claims of a list":     withText(t, jwt.MapClaims{}, "a", `1}]`),

		"another key":                        hmac([]byte(issuertest.OtherSecret), nil),
		"HS256 with the RSA public key":      hmac(issuertest.PublicKey(t, "rsa"), nil),
		"HS256 with the RSA public key, kid": hmac(issuertest.PublicKey(t, "rsa"), map[string]any{"kid": "rsa"}),
		"HS384":                              issuertest.SignWith(t, "HS384", []byte(issuertest.Symmetric), issuertest.Claims("7"), nil),
		"HS512":                              issuertest.SignWith(t, "HS512", []byte(issuertest.Symmetric), issuertest.Claims("7"), nil),
		"RS256 that says ES256":              rsa(map[string]any{"alg": "ES256"}),
		"RS256 with an elliptic kid":         rsa(map[string]any{"kid": "p256"}),
		"ES256 with an RSA kid":              issuertest.SignAs(t, "p256", "ES256", issuertest.Claims("7"), map[string]any{"kid": "rsa"}),
		"ES256 of another curve":             issuertest.SignAs(t, "p256", "ES256", issuertest.Claims("7"), map[string]any{"kid": "p384"}),
		"EdDSA with an RSA kid":              issuertest.SignAs(t, "ed", "EdDSA", issuertest.Claims("7"), map[string]any{"kid": "rsa"}),
		"RS256 of 1024 bits":                 issuertest.SignAs(t, "weak", "RS256", issuertest.Claims("7"), nil),
		"RS384, which is not listed":         issuertest.SignAs(t, "rsa", "RS384", issuertest.Claims("7"), nil),

		"crit":                      hmac([]byte(issuertest.Symmetric), map[string]any{"crit": []string{"exp"}}),
		"crit of nothing":           rsa(map[string]any{"crit": []string{}}),
		"b64":                       hmac([]byte(issuertest.Symmetric), map[string]any{"crit": []string{"b64"}, "b64": false}),
		"jku":                       rsa(map[string]any{"jku": is.HTTP.URL + "/other"}),
		"x5u":                       rsa(map[string]any{"x5u": is.HTTP.URL + "/cert"}),
		"jwk":                       rsa(map[string]any{"jwk": map[string]any{"kty": "oct", "k": "AAAA"}}),
		"x5c":                       rsa(map[string]any{"x5c": []string{"AAAA"}}),
		"a jwk that signed it":      hmac([]byte(issuertest.OtherSecret), map[string]any{"jwk": map[string]any{"kty": "oct", "k": "AAAA"}}),
		"kid that is unknown":       rsa(map[string]any{"kid": "../../etc/passwd"}),
		"kid for SQL":               rsa(map[string]any{"kid": "' OR '1'='1"}),
		"kid that is a number":      rsa(map[string]any{"kid": 1}),
		"kid that is an object":     rsa(map[string]any{"kid": map[string]any{"a": 1}}),
		"kid that is not there":     rsa(map[string]any{"kid": issuertest.Absent}),
		"kid that is empty":         rsa(map[string]any{"kid": ""}),
		"RS256 with HS256's key id": issuertest.Join(`{"alg":"RS256","kid":"rsa"}`, issuertest.Encode(t, issuertest.Claims("7")), []byte("x")),

		"no exp":              issuertest.Sign(t, issuertest.Claims("7", "exp", issuertest.Absent)),
		"exp in the past":     issuertest.Sign(t, issuertest.Claims("7", "exp", past)),
		"exp now":             issuertest.Sign(t, issuertest.Claims("7", "exp", time.Now().Unix())),
		"exp of nought":       issuertest.Sign(t, issuertest.Claims("7", "exp", 0)),
		"exp below nought":    issuertest.Sign(t, issuertest.Claims("7", "exp", -future)),
		"exp as text":         issuertest.Sign(t, issuertest.Claims("7", "exp", "4102444800")),
		"exp as a list":       issuertest.Sign(t, issuertest.Claims("7", "exp", []any{future})),
		"exp as null":         issuertest.Sign(t, issuertest.Claims("7", "exp", nil)),
		"exp as true":         issuertest.Sign(t, issuertest.Claims("7", "exp", true)),
		"exp in milliseconds": issuertest.Sign(t, issuertest.Claims("7", "exp", future*1000)),
		"exp of 1e300":        withText(t, issuertest.Claims("7"), "exp", "1e300"),
		"exp of 2^63":         withText(t, issuertest.Claims("7"), "exp", "9223372036854775808"),
		"exp of 1e999":        withText(t, issuertest.Claims("7"), "exp", "1e999"),
		"exp of -1e300":       withText(t, issuertest.Claims("7"), "exp", "-1e300"),
		"nbf in the future":   issuertest.Sign(t, issuertest.Claims("7", "nbf", future)),
		"nbf as text":         issuertest.Sign(t, issuertest.Claims("7", "nbf", "0")),
		"nbf of 1e300":        withText(t, issuertest.Claims("7"), "nbf", "1e300"),
		"nbf of -1e300":       withText(t, issuertest.Claims("7"), "nbf", "-1e300"),
		"iat in the future":   issuertest.Sign(t, issuertest.Claims("7", "iat", future)),
		"iat of 1e300":        withText(t, issuertest.Claims("7"), "iat", "1e300"),
		"no iss":              issuertest.Sign(t, issuertest.Claims("7", "iss", issuertest.Absent)),
		"another iss":         issuertest.Sign(t, issuertest.Claims("7", "iss", issuertest.Name+"/")),
		"iss as a list":       issuertest.Sign(t, issuertest.Claims("7", "iss", []string{issuertest.Name})),
		"no aud":              issuertest.Sign(t, issuertest.Claims("7", "aud", issuertest.Absent)),
		"another aud":         issuertest.Sign(t, issuertest.Claims("7", "aud", "another")),
		"aud of nobody":       issuertest.Sign(t, issuertest.Claims("7", "aud", []string{})),
		"aud of numbers":      issuertest.Sign(t, issuertest.Claims("7", "aud", []any{1, issuertest.Audience})),
		"no sub":              issuertest.Sign(t, issuertest.Claims("7", "sub", issuertest.Absent)),
		"an empty sub":        issuertest.Sign(t, issuertest.Claims("")),
		"sub as a number":     issuertest.Sign(t, issuertest.Claims("7", "sub", 7)),
		"a long sub":          issuertest.Sign(t, issuertest.Claims(strings.Repeat("7", 256))),
	} {
		said, err := reader.verify(t.Context(), token)
		if !errors.Is(err, problem.ErrUnauthorized) || problem.FaultOf(err).Status != 401 || said != (claims{}) {
			t.Errorf("%s: %+v, %v", name, said, err)
		}
		if err != nil && len(token) > 40 && strings.Contains(err.Error(), token[len(token)-40:]) {
			t.Errorf("%s: the error has the token: %v", name, err)
		}
	}
	if n := is.Asked.Load(); n != 1 {
		t.Errorf("the keys were read %d times", n)
	}
}

func TestTokensThatAreALittleUnusual(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	o := optionsOf(is)
	o.Leeway = 30 * time.Second
	reader := readerOf(t, is, o)
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	for name, said := range map[string]jwt.MapClaims{
		"aud among others":       issuertest.Claims("7", "aud", []string{"another", issuertest.Audience}),
		"exp with a fraction":    issuertest.Claims("7", "exp", float64(time.Now().Unix())+3600.5),
		"within the leeway":      issuertest.Claims("7", "exp", ago(20*time.Second)),
		"a clock that is behind": issuertest.Claims("7", "nbf", ago(-20*time.Second), "iat", ago(-20*time.Second)),
		"typ and cty":            issuertest.Claims("7", "jti", "x", "scope", []string{"a"}),
		"nbf of nought":          issuertest.Claims("7", "nbf", 0),
	} {
		if _, err := reader.verify(t.Context(), issuertest.Sign(t, said)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, said := range map[string]jwt.MapClaims{
		"exp past the leeway":   issuertest.Claims("7", "exp", ago(31*time.Second)),
		"nbf beyond the leeway": issuertest.Claims("7", "nbf", ago(-35*time.Second)),
	} {
		if _, err := reader.verify(t.Context(), issuertest.Sign(t, said)); !errors.Is(err, problem.ErrUnauthorized) {
			t.Errorf("%s: %v", name, err)
		}
	}
	exp := time.Now().Add(time.Hour).Truncate(time.Second)
	said, err := reader.verify(t.Context(), issuertest.Sign(t, issuertest.Claims("7", "exp", exp.Unix())))
	if err != nil || !said.Until.Equal(exp.Add(30*time.Second)) {
		t.Errorf("a token that expires at %v counts until %v, %v", exp, said.Until, err)
	}
}

func TestStaffIsWhatTheClaimSays(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	named, unnamed := optionsOf(is), optionsOf(is)
	named.StaffClaim, unnamed.StaffClaim = "https://id.example/staff", ""
	for _, c := range []struct {
		o    rules.JWT
		said jwt.MapClaims
		want bool
	}{
		{optionsOf(is), issuertest.Claims("7", "staff", true), true},
		{optionsOf(is), issuertest.Claims("7", "staff", false), false},
		{optionsOf(is), issuertest.Claims("7", "staff", "true"), false},
		{optionsOf(is), issuertest.Claims("7", "staff", 1), false},
		{optionsOf(is), issuertest.Claims("7", "staff", nil), false},
		{optionsOf(is), issuertest.Claims("7", "is_staff", true), false},
		{optionsOf(is), issuertest.Claims("7"), false},
		{named, issuertest.Claims("7", "https://id.example/staff", true), true},
		{named, issuertest.Claims("7", "staff", true), false},
		{unnamed, issuertest.Claims("7", "staff", true, "", true), false},
	} {
		said, err := readerOf(t, is, c.o).verify(t.Context(), issuertest.Sign(t, c.said))
		if err != nil || said.Staff != c.want {
			t.Errorf("%v with claim %q: %+v, %v", c.said, c.o.StaffClaim, said, err)
		}
	}
}

func TestTokensAreAcceptedOnlyAsSafelyConfigured(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	if made, err := newTokenReader(rules.JWT{Issuer: issuertest.Name, Audience: issuertest.Audience}, slog.Default()); made != nil || err != nil {
		t.Errorf("without keys: %v, %v", made, err)
	}
	for name, change := range map[string]func(*rules.JWT){
		"no issuer":               func(o *rules.JWT) { o.Issuer = "" },
		"no audience":             func(o *rules.JWT) { o.Audience = "" },
		"a short key":             func(o *rules.JWT) { o.Key = "short" },
		"keys over http":          func(o *rules.JWT) { o.JWKSURL = "http://id.example/keys" },
		"keys from a file":        func(o *rules.JWT) { o.JWKSURL = "file:///keys" },
		"keys with a password":    func(o *rules.JWT) { o.JWKSURL = "https://user:password@id.example/keys" },
		"a leeway of two minutes": func(o *rules.JWT) { o.Leeway = 2 * time.Minute },
		"a leeway below nought":   func(o *rules.JWT) { o.Leeway = -time.Second },
		"a key without use":       func(o *rules.JWT) { o.Algorithms, o.JWKSURL = []string{"RS256"}, "" },
		"keys without use":        func(o *rules.JWT) { o.Algorithms, o.Key = []string{"HS256"}, "" },
		"a key that cannot sign":  func(o *rules.JWT) { o.Algorithms = []string{"RS256"} },
		"none as an algorithm":    func(o *rules.JWT) { o.Algorithms = []string{"none"} },
		"HS512 as an algorithm":   func(o *rules.JWT) { o.Algorithms = []string{"HS512"} },
	} {
		o := optionsOf(is)
		change(&o)
		if made, err := newTokenReader(o, slog.Default()); made != nil || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzToken tries headers and claims: signed with the symmetric key, unsigned, and signed with a
// key that an attacker has. Only a valid token that is signed with the symmetric key may be
// accepted.
func FuzzToken(f *testing.F) {
	is := issuertest.Open(f)
	reader := readerOf(f, is, optionsOf(is))
	forgery := issuertest.PublicKey(f, "rsa")
	good := issuertest.Encode(f, issuertest.Claims("7", "exp", time.Now().Add(50*365*24*time.Hour).Unix()))
	for _, header := range []string{
		`{"alg":"HS256"}`, `{"alg":"HS256","typ":"JWT","kid":"rsa"}`, `{"alg":"none"}`, `{"alg":"RS256","kid":"rsa"}`,
		`{"alg":"ES256","kid":"p384"}`, `{"alg":"HS256","crit":["b64"],"b64":false}`, `{"alg":"HS256","jwk":{}}`,
		`{"alg":"none","alg":"HS256"}`, `{"ALG":"HS256"}`, `{"alg":"HS256","Crit":[]}`, `null`, `{"alg":"HS256","kid":{}}`, "\xff",
	} {
		f.Add([]byte(header), []byte(good))
	}
	f.Add([]byte(`{"alg":"HS256"}`), []byte(`{"exp":1e400,"iss":[],"aud":{},"sub":null,"nbf":"x"}`))
	f.Fuzz(func(t *testing.T, header, said []byte) {
		unsigned := strings.TrimSuffix(issuertest.Join(string(header), string(said), nil), ".")
		for _, key := range [][]byte{nil, forgery, []byte(issuertest.Symmetric)} {
			token := unsigned + "."
			if key != nil {
				signature, _ := jwt.SigningMethodHS256.Sign(unsigned, key)
				token += base64.RawURLEncoding.EncodeToString(signature)
			}
			got, err := reader.verify(t.Context(), token)
			if err == nil {
				mustBeWhole(t, string(key) == issuertest.Symmetric, header, said, got)
			} else if !errors.Is(err, problem.ErrUnauthorized) {
				t.Errorf("%s: %v", header, err)
			}
		}
	})
}

func mustBeWhole(t *testing.T, honest bool, header, said []byte, got claims) {
	t.Helper()
	var top map[string]any
	var body map[string]any
	if json.Unmarshal(header, &top) != nil || json.Unmarshal(said, &body) != nil || !honest || top["alg"] != "HS256" {
		t.Fatalf("accepted: %s %s", header, said)
	}
	for name := range maps.Keys(top) {
		switch name {
		case "crit", "jku", "jwk", "x5u", "x5c":
			t.Errorf("accepted with %s: %s", name, header)
		}
	}
	exp, _ := body["exp"].(float64)
	if body["sub"] != got.Subject || body["iss"] != issuertest.Name || !got.Until.After(time.Now()) || exp > 1e11 {
		t.Errorf("accepted: %s", said)
	}
}

// A client learns what is wrong with the claims of a token, and nothing of a token without a good
// signature.
func TestClientsAreToldWhichClaimIsWrong(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	reader := readerOf(t, is, optionsOf(is))
	past, future := time.Now().Add(-time.Hour).Unix(), time.Now().Add(time.Hour).Unix()
	for token, want := range map[string]string{
		issuertest.Sign(t, issuertest.Claims("7", "exp", past)):                                                   "the token is not valid: it has expired",
		issuertest.Sign(t, issuertest.Claims("7", "exp", issuertest.Absent)):                                      "the token is not valid: a claim is missing: exp, iss, aud and sub must be there",
		issuertest.Sign(t, issuertest.Claims("7", "exp", future*1000)):                                            "the token is not valid: exp, nbf and iat must be seconds since 1970",
		issuertest.Sign(t, issuertest.Claims("7", "nbf", future)):                                                 "the token is not valid: its time has not come yet (nbf)",
		issuertest.Sign(t, issuertest.Claims("7", "iat", future)):                                                 "the token is not valid: it was issued in the future (iat); compare the clocks",
		issuertest.Sign(t, issuertest.Claims("7", "iss", "another")):                                              "the token is not valid: it is of another issuer (iss)",
		issuertest.Sign(t, issuertest.Claims("7", "aud", "another")):                                              "the token is not valid: it is for another audience (aud)",
		issuertest.Sign(t, issuertest.Claims("")):                                                                 "the token is not valid: sub is no user id",
		issuertest.SignWith(t, "HS256", []byte(issuertest.OtherSecret), issuertest.Claims("7", "exp", past), nil): "the token is not valid",
		issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7"), map[string]any{"kid": "unknown"}):            "the token is not valid",
		"abc": "the token is not valid",
	} {
		_, err := reader.verify(t.Context(), token)
		if got := problem.FaultOf(err).Message; got != want {
			t.Errorf("%s: told %q, want %q (%v)", token, got, want, err)
		}
	}
}

// An operator sees why tokens are refused at the default level of the log. A flood of them is counted.
func TestRefusedTokensAreLogged(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	refusals := newTokenRefusals()
	for range 100 {
		refusals.log(logger, badToken(jwt.ErrTokenExpired))
	}
	if n := strings.Count(log.String(), "bearer token refused"); n < 1 || n > 10 || !strings.Contains(log.String(), "token is expired") {
		t.Errorf("100 refusals: %d lines, want about 5 that name the reason:\n%s", n, log.String())
	}
	if n := refusals.unsaid.Load(); n < 90 {
		t.Errorf("%d refusals are counted as not logged, want about 95", n)
	}
}

// Subprotocols are chosen among the names that a page offers, and never among credentials.
func TestOfferedSubprotocols(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lines []string
		want  []string
	}{
		{nil, nil},
		{[]string{""}, nil},
		{[]string{"graphql-ws"}, []string{"graphql-ws"}},
		{[]string{" a ,b", "c"}, []string{"a", "b", "c"}},
		{[]string{"rowcall.bearer.eA, chat"}, []string{"chat"}},
		{[]string{"Rowcall.Bearer.eA, chat"}, []string{"chat"}},
		{[]string{"eyJhbGciOiJIUzI1NiJ9.e30.x, access_token"}, []string{"access_token"}},
		{[]string{strings.Repeat("x", 65) + ", v1.json"}, []string{"v1.json"}},
		{[]string{"a b, c\"d, e/f, v2"}, []string{"v2"}},
	} {
		r := httptest.NewRequest("GET", "/v1/ws", nil)
		r.Header["Sec-Websocket-Protocol"] = c.lines
		if got := OfferedSubprotocols(r); !slices.Equal(got, c.want) {
			t.Errorf("of %q: %q, want %q", c.lines, got, c.want)
		}
	}
}
