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
)

const (
	keysRefresh  = 10 * time.Minute // how old keys become before they are read again
	keysMaxAge   = 24 * time.Hour   // how old keys may become while they cannot be
	fetchPause   = time.Minute      // between two attempts to read them because a token names another
	fetchWait    = 5 * time.Second  // for all of an answer
	maxKeysBytes = 1 << 20          // bytes of an answer, unpacked
	maxRedirects = 3                // within the same host
)

// keySet is the issuer's public keys, read from its JWKS address. jwkset reads them, and keyfunc
// picks one for a token by kid; when they are read is decided here. Keys that were read stay good
// while the address does not answer, for a day: a token that names another is refused meanwhile.
type keySet struct {
	jwkset.Storage // always empty: what keyfunc does not ask for
	address        string
	client         *http.Client
	pick           keyfunc.Keyfunc
	log            *slog.Logger
	now            func() time.Time

	flight singleflight.Group // the fetch under way

	mu    sync.Mutex     // guards what follows
	keys  jwkset.Storage // as read last; nil: never
	read  time.Time      // when that was
	tried time.Time      // when a fetch last began
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
	// The error is for options without a Storage. Keys for encryption sign nothing.
	k.pick, _ = keyfunc.New(keyfunc.Options{Storage: k, UseWhitelist: []jwkset.USE{jwkset.UseSig, ""}})
	return k
}

// keyOf is the key that a token names. The error is problem.ErrUnavailable while no keys are known.
func (k *keySet) keyOf(ctx context.Context, token *jwt.Token) (any, error) {
	if kid, _ := token.Header[jwkset.HeaderKID].(string); kid == "" {
		return nil, errors.New("it does not say which key signed it")
	}
	return k.pick.KeyfuncCtx(ctx)(token)
}

// KeyRead is what keyfunc asks for a key by. One that is not known may be new: the keys are read
// again, though not more than once a minute, and by one for all who wait.
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

// refreshIfDue reads the keys again when they are due, so that those that were withdrawn go. It is called
// once a minute at most.
func (k *keySet) refreshIfDue(ctx context.Context) {
	k.mu.Lock()
	due := k.now().Sub(k.read) >= keysRefresh
	k.mu.Unlock()
	if due {
		k.fetchKeys(ctx, 0)
	}
}

// fetchKeys reads the keys, unless the last attempt began less than a pause ago. Whoever comes while it
// is being done waits for it.
func (k *keySet) fetchKeys(ctx context.Context, pause time.Duration) {
	_, _, _ = k.flight.Do("", func() (any, error) {
		if !k.startFetch(pause) {
			return nil, nil
		}
		// One client's impatience must not cost the others their answer.
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

// loadKeys asks the address. An answer without any key is more likely a mistake than the wish to
// lock everybody out.
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

// keysTransport keeps no connection: minutes pass between two requests.
func keysTransport() http.RoundTripper {
	usual, _ := http.DefaultTransport.(*http.Transport)
	transport := usual.Clone()
	transport.DisableKeepAlives = true
	return transport
}

// boundedTransport limits the answers of another transport.
type boundedTransport struct{ http.RoundTripper }

func (b boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxKeysBytes)
	}
	return answer, err
}

// sameHost lets an address move only within its host, and never to http.
func sameHost(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	if next.URL.Host != first.Host || next.URL.Scheme != first.Scheme || len(via) > maxRedirects {
		return errors.New("keys are not looked for at another address")
	}
	return nil
}

// minRSABits is how long an RSA key must be, in bits.
const minRSABits = 2048

// keyFor finds the key that a token must be signed with. It is called before the signature is looked at.
func (t *tokenReader) keyFor(ctx context.Context, token *jwt.Token) (any, error) {
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
	key, err := t.keys.keyOf(ctx, token)
	if err != nil {
		return nil, err
	}
	if !keyFits(alg, key) {
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
