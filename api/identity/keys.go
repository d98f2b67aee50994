package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"

	"rowcall/api/problem"
	"rowcall/config/rules"
)

const (
	keysRefresh  = 10 * time.Minute // the age at which keys are read again
	keysMaxAge   = 24 * time.Hour   // the age at which keys that cannot be read again expire
	fetchPause   = time.Minute      // between two reads for tokens that name unknown keys
	fetchWait    = 5 * time.Second  // for the whole answer
	maxKeysBytes = 1 << 20          // of an answer, decompressed
	maxRedirects = 3                // within the same host
)

// keySet holds the issuer's public keys, read from its JWKS address. jwkset reads them, and keyfunc
// selects the key of a token by kid; keySet decides when to read them. While the address does not
// answer, keys remain valid for a day, and tokens that name other keys are refused.
type keySet struct {
	jwkset.Storage // always empty: for the methods that keyfunc does not call
	address        string
	client         *http.Client
	pick           keyfunc.Keyfunc
	log            *slog.Logger
	now            func() time.Time

	flight singleflight.Group // the fetch that runs

	mu    sync.Mutex     // guards what follows
	keys  jwkset.Storage // from the last successful read; nil: there was none
	read  time.Time      // when that read was
	tried time.Time      // when the last fetch began
}

var _ jwkset.Storage = (*keySet)(nil)

func newKeySet(address string, log *slog.Logger) *keySet {
	k := &keySet{
		Storage: jwkset.NewMemoryStorage(),
		address: address,
		client: &http.Client{
			Transport:     boundedTransport{keysTransport()},
			CheckRedirect: sameHost,
			Timeout:       fetchWait,
		},
		log: log,
		now: time.Now,
	}
	// New returns an error only for options without a Storage. Keys for encryption sign nothing.
	k.pick, _ = keyfunc.New(keyfunc.Options{Storage: k, UseWhitelist: []jwkset.USE{jwkset.UseSig, ""}})
	return k
}

// keyOf returns the key that a token names. The error is problem.ErrUnavailable while no keys are
// known.
func (k *keySet) keyOf(ctx context.Context, token *jwt.Token) (any, error) {
	if kid, _ := token.Header[jwkset.HeaderKID].(string); kid == "" {
		return nil, errors.New("it does not say which key signed it")
	}
	return k.pick.KeyfuncCtx(ctx)(token)
}

// KeyRead returns a key by its kid, for keyfunc. An unknown key may be a new one: then the keys are
// read again, at most once a minute, and once for all who wait.
func (k *keySet) KeyRead(ctx context.Context, kid string) (jwkset.JWK, error) {
	key, err := k.knownKey(ctx, kid)
	if err == nil {
		return key, nil
	}
	k.fetchKeys(ctx, fetchPause)
	return k.knownKey(ctx, kid)
}

func (k *keySet) knownKey(ctx context.Context, kid string) (jwkset.JWK, error) {
	k.mu.Lock()
	keys, age := k.keys, k.now().Sub(k.read)
	k.mu.Unlock()
	if keys == nil || age > keysMaxAge {
		return jwkset.JWK{}, fmt.Errorf("looking for a key: %w", problem.ErrUnavailable)
	}
	return keys.KeyRead(ctx, kid)
}

// refreshIfDue reads the keys again when they are due, so that withdrawn keys disappear. It is
// called once a minute at most.
func (k *keySet) refreshIfDue(ctx context.Context) {
	k.mu.Lock()
	due := k.now().Sub(k.read) >= keysRefresh
	k.mu.Unlock()
	if due {
		k.fetchKeys(ctx, 0)
	}
}

// fetchKeys reads the keys, unless the last attempt began less than a pause ago. A call during an
// attempt waits for the result of that attempt.
func (k *keySet) fetchKeys(ctx context.Context, pause time.Duration) {
	_, _, _ = k.flight.Do("", func() (any, error) {
		if !k.startFetch(pause) {
			return nil, nil
		}
		// A client that disconnects must not fail the attempt for the others who wait.
		keys, err := k.loadKeys(context.WithoutCancel(ctx))
		if err != nil {
			k.log.Warn("keys of bearer tokens cannot be read", "err", err)
			return nil, nil
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.keys, k.read = keys, k.now()
		return nil, nil
	})
}

func (k *keySet) startFetch(pause time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if now.Sub(k.tried) < pause {
		return false
	}
	k.tried = now
	return true
}

// loadKeys requests the keys. An answer without keys is refused: it is more likely a mistake than
// the wish to lock everybody out.
func (k *keySet) loadKeys(ctx context.Context) (jwkset.Storage, error) {
	keys, err := jwkset.NewStorageFromHTTP(k.address, jwkset.HTTPClientStorageOptions{Client: k.client, Ctx: ctx, HTTPTimeout: fetchWait})
	if err != nil {
		return nil, err
	}
	if all, err := keys.KeyReadAll(ctx); err != nil || len(all) == 0 {
		return nil, errors.New("the answer has no keys")
	}
	return keys, nil
}

// keysTransport keeps no connection open, since minutes pass between two requests.
func keysTransport() http.RoundTripper {
	usual, _ := http.DefaultTransport.(*http.Transport)
	transport := usual.Clone()
	transport.DisableKeepAlives = true
	return transport
}

// boundedTransport limits the size of the answers of another transport.
type boundedTransport struct{ http.RoundTripper }

func (b boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxKeysBytes)
	}
	return answer, err
}

// sameHost refuses redirects to another host or scheme.
func sameHost(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	if next.URL.Host != first.Host || next.URL.Scheme != first.Scheme || len(via) > maxRedirects {
		return errors.New("keys are not looked for at another address")
	}
	return nil
}

// minRSABits is the least length of an RSA key.
const minRSABits = 2048

// keyFor returns the key that a token must be signed with. The parser calls it before it checks the
// signature.
func (t *tokenReader) keyFor(ctx context.Context, token *jwt.Token) (any, error) {
	// Critical extensions are not understood here. A key that the token contains or names by
	// address could be the key of any attacker.
	for _, name := range []string{"crit", "jwk", "jku", "x5c", "x5u"} {
		if _, there := token.Header[name]; there {
			return nil, fmt.Errorf("its header has %s", name)
		}
	}
	alg := token.Method.Alg()
	switch {
	case alg == rules.HS256 && t.key != nil:
		return t.key, nil
	case t.keys == nil:
		return nil, fmt.Errorf("there is no key for %s", alg)
	}
	key, err := t.keys.keyOf(ctx, token)
	if err != nil {
		return nil, err
	}
	if !keyFits(alg, key) {
		return nil, fmt.Errorf("the key is not for %s", alg)
	}
	return key, nil
}

// keyKind returns the kind of key that an algorithm needs; empty for an algorithm without public
// keys.
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

// keyFits reports whether a key is of the kind that an algorithm needs, and strong enough.
func keyFits(alg string, key any) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return keyKind(alg) == "RSA" && k.N.BitLen() >= minRSABits
	case *ecdsa.PublicKey:
		return strings.HasPrefix(alg, "ES") && keyKind(alg) == k.Curve.Params().Name
	case ed25519.PublicKey:
		return keyKind(alg) == "Ed25519"
	}
	return false
}
