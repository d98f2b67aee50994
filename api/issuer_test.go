package api

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
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

const (
	issuerName  = "https://id.example"
	audience    = "rowcall"
	symmetric   = "a key of HS256 that is long enough, and no secret"
	otherSecret = "another key of HS256 that is long enough, no secret"
)

// signers are the private keys of an issuer, by kid. They take a while to make.
var signers = sync.OnceValue(func() map[string]crypto.Signer {
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

// issuer is somebody's identity provider: it publishes keys over https, and signs tokens.
type issuer struct {
	http  *httptest.Server
	asked atomic.Int64 // times for its keys

	mu     sync.Mutex // guards answer
	answer http.HandlerFunc
}

func openIssuer(t testing.TB) *issuer {
	t.Helper()
	is := &issuer{}
	is.publish(t, "rsa", "weak", "p256", "p384", "ed")
	is.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		is.asked.Add(1)
		is.mu.Lock()
		answer := is.answer
		is.mu.Unlock()
		answer(w, r)
	}))
	is.http.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	is.http.StartTLS()
	t.Cleanup(is.http.Close)
	return is
}

// answers replaces what the address of the keys answers.
func (is *issuer) answers(answer http.HandlerFunc) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.answer = answer
}

// publish makes these the keys that the address answers with.
func (is *issuer) publish(t testing.TB, kids ...string) {
	t.Helper()
	body := published(t, kids...)
	is.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
}

func published(t testing.TB, kids ...string) []byte {
	t.Helper()
	set := jwkset.JWKSMarshal{}
	for _, kid := range kids {
		key, err := jwkset.NewJWKFromKey(signers()[kid].Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: kid, USE: jwkset.UseSig}})
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

// options accept the issuer's tokens, and those of the symmetric key.
func (is *issuer) options() JWTOptions {
	return JWTOptions{Key: symmetric, JWKSURL: is.http.URL + "/keys", Issuer: issuerName, Audience: audience, StaffClaim: "staff"}
}

// trust lets tokens read the issuer's keys, whose certificate is a test's.
func (is *issuer) trust(t *tokens) *tokens {
	roots := x509.NewCertPool()
	roots.AddCert(is.http.Certificate())
	t.keys.client.Transport.(bounded).RoundTripper.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	return t
}

// reader checks tokens of the issuer.
func (is *issuer) reader(t testing.TB, o JWTOptions) *tokens {
	t.Helper()
	made, err := newTokens(o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return is.trust(made)
}

// saying are the claims of a good token for a user, with others in place of some or taken away.
func saying(sub string, others ...any) jwt.MapClaims {
	said := jwt.MapClaims{"sub": sub, "iss": issuerName, "aud": audience, "exp": time.Now().Add(time.Hour).Unix()}
	for i := 0; i < len(others); i += 2 {
		name, _ := others[i].(string)
		if said[name] = others[i+1]; others[i+1] == absent {
			delete(said, name)
		}
	}
	return said
}

// absent takes a claim or a header away.
const absent = absence("absent")

type absence string

// sign makes a token with the symmetric key.
func sign(t testing.TB, said jwt.Claims) string {
	t.Helper()
	return signWith(t, "HS256", []byte(symmetric), said, nil)
}

// signAs makes a token with one of the issuer's keys.
func signAs(t testing.TB, kid, alg string, said jwt.Claims, header map[string]any) string {
	t.Helper()
	all := map[string]any{"kid": kid}
	maps.Copy(all, header)
	return signWith(t, alg, signers()[kid], said, all)
}

func signWith(t testing.TB, alg string, key any, said jwt.Claims, header map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.GetSigningMethod(alg), said)
	for name, value := range header {
		if token.Header[name] = value; value == absent {
			delete(token.Header, name)
		}
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// publicText is a public key as everybody may have it.
func publicText(t testing.TB, kid string) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(signers()[kid].Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}
