package identity

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"testing"

	"rowcall/api/identity/issuertest"
	"rowcall/config/rules"
)

// optionsOf accept the tokens of an issuer, and those of its symmetric key.
func optionsOf(is *issuertest.Issuer) rules.JWT {
	return rules.JWT{Key: issuertest.Symmetric, JWKSURL: is.HTTP.URL + "/keys", Issuer: issuertest.Name, Audience: issuertest.Audience, StaffClaim: "staff"}
}

// trust lets tokens read the keys of an issuer, whose certificate is its own.
func trust(is *issuertest.Issuer, t *tokenReader) *tokenReader {
	roots := x509.NewCertPool()
	roots.AddCert(is.HTTP.Certificate())
	t.keys.client.Transport.(boundedTransport).RoundTripper.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	return t
}

// readerOf checks tokens of an issuer.
func readerOf(t testing.TB, is *issuertest.Issuer, o rules.JWT) *tokenReader {
	t.Helper()
	made, err := newTokenReader(o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return trust(is, made)
}
