package identity

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"rowcall/api/apitest"
	"rowcall/api/identity/issuertest"
	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/testdeadline"
)

// clock is the time of a key set.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// ageing returns a reader of tokens, and the clock of its keys.
func ageing(t testing.TB, is *issuertest.Issuer) (*tokenReader, *clock) {
	t.Helper()
	reader := readerOf(t, is, optionsOf(is))
	hours := &clock{now: time.Now()}
	reader.keys.now = hours.read
	return reader, hours
}

func fails(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }

func TestUnknownKeysAreLookedForOnceAMinute(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	is.Publish(t, "rsa")
	reader, now := ageing(t, is)
	old, fresh := issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7"), nil), issuertest.SignAs(t, "p256", "ES256", issuertest.Claims("7"), nil)
	mustRead(t, reader, old, nil)
	is.Publish(t, "rsa", "p256")
	for range 100 {
		mustRead(t, reader, fresh, problem.ErrUnauthorized) // the minute is not over
	}
	if n := is.Asked.Load(); n != 1 {
		t.Fatalf("the keys were read %d times within a minute", n)
	}
	now.pass(fetchPause)
	mustRead(t, reader, fresh, nil)
	for range 100 {
		mustRead(t, reader, issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7"), map[string]any{"kid": "nobody's"}), problem.ErrUnauthorized)
	}
	if n := is.Asked.Load(); n != 2 {
		t.Errorf("the keys were read %d times within two minutes", n)
	}
}

func mustRead(t *testing.T, reader *tokenReader, token string, want error) {
	t.Helper()
	if _, err := reader.verify(t.Context(), token); !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func TestKeysAreReadByOneForAll(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	reader, _ := ageing(t, is)
	body, gate := issuertest.Published(t, "rsa"), make(chan struct{})
	is.Answer(func(w http.ResponseWriter, _ *http.Request) {
		<-gate
		_, _ = w.Write(body)
	})
	token := issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7"), nil)
	var waiting sync.WaitGroup
	for range 50 {
		waiting.Go(func() {
			if _, err := reader.verify(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel() // whoever goes away takes nothing from the others
	waiting.Go(func() { _, _ = reader.verify(impatient, token) })
	apitest.WaitFor(t, "the first question", func() bool { return is.Asked.Load() == 1 })
	close(gate)
	waiting.Wait()
	if n := is.Asked.Load(); n != 1 {
		t.Errorf("the keys were read %d times", n)
	}
}

func TestKeysStayGoodForADayWithoutTheirIssuer(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	reader, now := ageing(t, is)
	token := issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7"), nil)
	mustRead(t, reader, token, nil)
	is.Answer(fails)
	for range 23 {
		now.pass(time.Hour)
		reader.refresh(t.Context())
		mustRead(t, reader, token, nil)
		mustRead(t, reader, issuertest.SignAs(t, "ed", "EdDSA", issuertest.Claims("7"), map[string]any{"kid": "new"}), problem.ErrUnauthorized)
	}
	now.pass(time.Hour + time.Minute)
	mustRead(t, reader, token, problem.ErrUnavailable) // nobody can tell any more
	is.Publish(t, "rsa")
	now.pass(fetchPause)
	mustRead(t, reader, token, nil)
}

func TestWithdrawnKeysGo(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	reader, now := ageing(t, is)
	token := issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7"), nil)
	mustRead(t, reader, token, nil)
	is.Publish(t, "p256")
	reader.refresh(t.Context())
	mustRead(t, reader, token, nil) // the keys are not old yet
	now.pass(keysRefresh)
	reader.refresh(t.Context())
	mustRead(t, reader, token, problem.ErrUnauthorized)
	mustRead(t, reader, issuertest.SignAs(t, "p256", "ES256", issuertest.Claims("7"), nil), nil)
}

func TestHostileKeys(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(issuertest.Published(t, "rsa"))
	}))
	t.Cleanup(elsewhere.Close)
	keys := string(issuertest.Published(t, "rsa"))
	write := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
	}
	for name, answer := range map[string]http.HandlerFunc{
		"an error":            fails,
		"nothing":             write(""),
		"a page":              write("<html>"),
		"an object of nobody": write(`{"error":"maintenance"}`),
		"no keys":             write(`{"keys":[]}`),
		"more than 1 MiB":     write(`{"x":"` + strings.Repeat("x", maxKeysBytes) + `",` + keys[1:]),
		"another host":        http.RedirectHandler(elsewhere.URL, http.StatusFound).ServeHTTP,
		"http":                http.RedirectHandler(strings.Replace(elsewhere.URL, "https", "http", 1), http.StatusFound).ServeHTTP,
		"itself":              http.RedirectHandler("/keys", http.StatusFound).ServeHTTP,
		"keys for encryption": write(strings.Replace(keys, `"use":"sig"`, `"use":"enc"`, 1)),
		"keys of another alg": write(strings.Replace(keys, `"use":"sig"`, `"alg":"RS512"`, 1)),
	} {
		is := issuertest.Open(t)
		is.Answer(answer)
		reader, _ := ageing(t, is)
		if said, err := reader.verify(t.Context(), issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7"), nil)); err == nil {
			t.Errorf("%s: %+v", name, said)
		}
	}
}

func TestKeysMayMoveWithinTheirHost(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	body := issuertest.Published(t, "rsa")
	is.Answer(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" {
			http.Redirect(w, r, "/v2/keys", http.StatusFound)
			return
		}
		_, _ = w.Write(body)
	})
	reader, _ := ageing(t, is)
	mustRead(t, reader, issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7"), nil), nil)
}

func TestKeysOfThisMachineNeedNoTLS(t *testing.T) {
	t.Parallel()
	body := issuertest.Published(t, "rsa")
	near := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	t.Cleanup(near.Close)
	reader, err := newTokenReader(rules.JWT{JWKSURL: near.URL, Issuer: issuertest.Name, Audience: issuertest.Audience}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.verify(t.Context(), issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7"), nil)); err != nil {
		t.Error(err)
	}
	for _, key := range [][]byte{nil, []byte(issuertest.Symmetric)} {
		token := issuertest.SignWith(t, "HS256", append([]byte{}, key...), issuertest.Claims("7"), map[string]any{"kid": "rsa"})
		if _, err := reader.verify(t.Context(), token); !errors.Is(err, problem.ErrUnauthorized) {
			t.Errorf("without a key of its own HS256 is accepted: %v", err)
		}
	}
}

// A secret in published keys is known to everybody.
func TestPublishedSecretsSignNothing(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	is.Answer(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"keys":[{"kty":"oct","kid":"rsa","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`))
	})
	reader, _ := ageing(t, is)
	for _, alg := range []string{"HS256", "HS512"} {
		token := issuertest.SignWith(t, alg, make([]byte, 34), issuertest.Claims("7"), map[string]any{"kid": "rsa"})
		mustRead(t, reader, token, problem.ErrUnauthorized)
	}
	mustRead(t, reader, issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7"), nil), problem.ErrUnauthorized)
}

// A slow issuer delays users with an unknown key for five seconds, and no others.
func TestASlowIssuer(t *testing.T) {
	t.Parallel()
	is := issuertest.Open(t)
	reader, now := ageing(t, is)
	known := issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7"), nil)
	mustRead(t, reader, known, nil)
	reader.keys.client.Timeout = testdeadline.Scale(time.Second)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	is.Answer(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-over:
		}
	})
	now.pass(fetchPause)
	asking := make(chan error, 1)
	go func() {
		_, err := reader.verify(t.Context(), issuertest.SignAs(t, "rsa", "RS256", issuertest.Claims("7"), map[string]any{"kid": "new"}))
		asking <- err
	}()
	apitest.WaitFor(t, "the question", func() bool { return is.Asked.Load() == 2 })
	mustRead(t, reader, known, nil)
	if err := <-asking; !errors.Is(err, problem.ErrUnauthorized) {
		t.Error(err)
	}
}
