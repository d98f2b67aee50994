// Package issuertest issues bearer tokens for tests, good and bad ones, and publishes the keys that they
// are signed with, as an identity provider does.
package issuertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// The claims and the key of good tokens, and another key, which signs bad tokens.
const (
	Name        = "https://id.example" // the claim iss
	Audience    = "rowcall"
	Symmetric   = "a key of HS256 that is long enough, and no secret"
	OtherSecret = "another key of HS256 that is long enough, no secret"
)

// Signers are the private keys of an issuer, by kid. They take a while to make.
var Signers = sync.OnceValue(func() map[string]crypto.Signer {
	strong, err1 := rsa.GenerateKey(rand.Reader, 2048)
	weak, err2 := rsa.GenerateKey(rand.Reader, 1024)
	p256, err3 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, err4 := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	_, edwards, err5 := ed25519.GenerateKey(rand.Reader)
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			panic(err)
		}
	}
	return map[string]crypto.Signer{"rsa": strong, "weak": weak, "p256": p256, "p384": p384, "ed": edwards}
})

// Issuer publishes the public keys of Signers over HTTP, as an identity provider does.
type Issuer struct {
	HTTP  *httptest.Server
	Asked atomic.Int64 // requests for the keys

	mu     sync.Mutex // guards answer
	answer http.HandlerFunc
}

// Open starts an issuer that publishes its keys over https, with a certificate of its own.
func Open(t testing.TB) *Issuer {
	t.Helper()
	is := newIssuer(t)
	is.HTTP.StartTLS()
	return is
}

// OpenPlain starts an issuer that publishes its keys over http, on the loopback interface.
func OpenPlain(t testing.TB) *Issuer {
	t.Helper()
	is := newIssuer(t)
	is.HTTP.Start()
	return is
}

func newIssuer(t testing.TB) *Issuer {
	t.Helper()
	is := &Issuer{}
	is.Publish(t, "rsa", "weak", "p256", "p384", "ed")
	is.HTTP = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		is.Asked.Add(1)
		is.mu.Lock()
		answer := is.answer
		is.mu.Unlock()
		answer(w, r)
	}))
	is.HTTP.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(func() { is.HTTP.Close() })
	return is
}

// Answer replaces the answer to requests for the keys.
func (is *Issuer) Answer(answer http.HandlerFunc) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.answer = answer
}

// Publish makes requests for the keys be answered with these.
func (is *Issuer) Publish(t testing.TB, kids ...string) {
	t.Helper()
	body := Published(t, kids...)
	is.Answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
}

// Published returns a key set with the public keys of these signers.
func Published(t testing.TB, kids ...string) []byte {
	t.Helper()
	set := jwkset.JWKSMarshal{}
	for _, kid := range kids {
		key, err := jwkset.NewJWKFromKey(Signers()[kid].Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: kid, USE: jwkset.UseSig}})
		if err != nil {
			t.Fatal(err)
		}
		set.Keys = append(set.Keys, key.Marshal())
	}
	body, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// Claims returns the claims of a good token for a user. Others, given as name, value, name, value, replace
// a claim, or remove it if the value is Absent.
func Claims(sub string, others ...any) jwt.MapClaims {
	said := jwt.MapClaims{"sub": sub, "iss": Name, "aud": Audience, "exp": time.Now().Add(time.Hour).Unix()}
	for i := 0; i < len(others); i += 2 {
		name, _ := others[i].(string)
		if said[name] = others[i+1]; others[i+1] == Absent {
			delete(said, name)
		}
	}
	return said
}

// Absent as a value removes a claim or a header.
const Absent = absence("absent")

type absence string

// Sign signs a token with the symmetric key.
func Sign(t testing.TB, said jwt.Claims) string {
	t.Helper()
	return SignWith(t, "HS256", []byte(Symmetric), said, nil)
}

// SignAs signs a token with one of the Signers.
func SignAs(t testing.TB, kid, alg string, said jwt.Claims, header map[string]any) string {
	t.Helper()
	all := map[string]any{"kid": kid}
	maps.Copy(all, header)
	return SignWith(t, alg, Signers()[kid], said, all)
}

// SignWith signs a token with any key.
func SignWith(t testing.TB, alg string, key any, said jwt.Claims, header map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.GetSigningMethod(alg), said)
	for name, value := range header {
		if token.Header[name] = value; value == Absent {
			delete(token.Header, name)
		}
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// PublicKey returns the public key of a signer in PEM.
func PublicKey(t testing.TB, kid string) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(Signers()[kid].Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// Join joins the parts of a token that no library would make.
func Join(header, said string, signature []byte) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode([]byte(said)) + "." + encode(signature)
}

// Encode returns claims as JSON.
func Encode(t testing.TB, said jwt.MapClaims) string {
	t.Helper()
	encoded, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// Offer returns the subprotocols with which a page offers a token in a handshake.
func Offer(token string) string {
	return "rowcall.v1, rowcall.bearer." + base64.RawURLEncoding.EncodeToString([]byte(token))
}
