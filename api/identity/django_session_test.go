package identity

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// djangoVectors are sessions that Django itself has made; see testdata/django/vectors.py.
type djangoVectors struct {
	Secret      string   `json:"secret"`
	Fallback    string   `json:"fallback"`
	Password    string   `json:"password"`
	Seals       []string `json:"seals"`
	ForeignSeal string   `json:"foreign_seal"`
	Sessions    []struct {
		Name  string `json:"name"`
		Text  string `json:"text"`
		User  string `json:"user"`
		Hash  string `json:"hash"`
		Error string `json:"error"`
	} `json:"sessions"`
}

func readVectors(t testing.TB) djangoVectors {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "django", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v djangoVectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v djangoVectors) keys() djangoKeys {
	return newDjangoKeys(v.Secret, []string{"another", v.Fallback})
}

func TestDjangoSessionsAreRead(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	refusals := map[string]error{"signature": errDjangoSignature, "pickle": errDjangoPickle, "content": errDjangoContent, "size": errDjangoSize}
	for _, c := range v.Sessions {
		t.Run(c.Name, func(t *testing.T) {
			held, err := v.keys().decodeDjango(c.Text)
			if !errors.Is(err, refusals[c.Error]) || held != (djangoSession{User: c.User, Hash: c.Hash}) {
				t.Errorf("%+v, %v", held, err)
			}
		})
	}
	if len(v.Sessions) < 20 {
		t.Errorf("%d sessions", len(v.Sessions))
	}
}

// A session does not count after any change of any byte. The last letter of base64 has unused bits,
// which Django ignores too, so that letter is left alone.
func TestDjangoSessionsCannotBeTamperedWith(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	for _, c := range v.Sessions[:8] {
		end := len(strings.TrimRight(c.Text, "=")) - 1
		for at := range end {
			changed := []byte(c.Text)
			changed[at] ^= 1
			if _, err := v.keys().decodeDjango(string(changed)); err == nil {
				t.Fatalf("%s: changed at %d it still counts", c.Name, at)
			}
		}
		for _, text := range []string{c.Text[:end], c.Text[1:], c.Text + ":", c.Text + "A", ":" + c.Text, ""} {
			if _, err := v.keys().decodeDjango(text); err == nil {
				t.Errorf("%s: %q counts", c.Name, text)
			}
		}
		if _, err := newDjangoKeys("guessed", nil).decodeDjango(c.Text); !errors.Is(err, errDjangoSignature) {
			t.Errorf("%s: with another key %v", c.Name, err)
		}
	}
}

func TestDjangoSessionsAreBounded(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	long := base64.RawURLEncoding.EncodeToString([]byte(`{"x":"` + strings.Repeat("x", djangoTextBytes) + `"}`))
	if _, err := v.keys().decodeDjango(long); !errors.Is(err, errDjangoSize) {
		t.Errorf("a long one: %v", err)
	}
	if _, err := parseDjango([]byte(strings.Repeat("[", 1<<20))); !errors.Is(err, errDjangoContent) {
		t.Errorf("a deep one: %v", err)
	}
}

func TestDjangoSealsPasswords(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	for _, seal := range v.Seals {
		if !v.keys().sealed(seal, v.Password) {
			t.Errorf("seal %s is not known", seal)
		}
		if v.keys().sealed(seal, v.Password+"x") || newDjangoKeys("guessed", nil).sealed(seal, v.Password) {
			t.Errorf("seal %s is of any password or key", seal)
		}
	}
	if v.keys().sealed(v.ForeignSeal, v.Password) || v.keys().sealed("", v.Password) {
		t.Error("a seal of nobody's is known")
	}
}

// FuzzDjangoSession looks for a text that panics, or that counts without a signature; it also
// parses texts as the content of a session.
func FuzzDjangoSession(f *testing.F) {
	v := readVectors(f)
	for _, c := range v.Sessions {
		f.Add(c.Text)
		if data, err := v.keys().open(c.Text); err == nil {
			f.Add(string(data))
		}
	}
	strangers := newDjangoKeys("a key that nothing here is signed with", nil)
	f.Fuzz(func(t *testing.T, text string) {
		if held, err := strangers.decodeDjango(text); err == nil {
			t.Errorf("%q counts: %+v", text, held)
		}
		_, _ = v.keys().decodeDjango(text)
		held, err := parseDjango([]byte(text))
		if err != nil && held != (djangoSession{}) || (held.User == "") != (held.Hash == "") {
			t.Errorf("%q is %+v, %v", text, held, err)
		}
		if content, err := inflate([]byte(text)); err == nil && len(content) > djangoDataBytes {
			t.Errorf("%d bytes come of %d", len(content), len(text))
		}
	})
}
