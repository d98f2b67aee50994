package api

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// djangoPrefix begins the names that sessions of Django's have here; Rowcall's own are hexadecimal.
const djangoPrefix = "django:"

// djangoAlias is how the trigger on Django's table calls a session, in SQL: it does not know the user,
// whose id is within the signed data. Who knows the hash cannot log in with it.
func djangoAlias(sessionKey string) string { return djangoPrefix + nameOf(sessionKey) }

// djangoNames makes names of session keys, and keys of names. The key itself is what finds the row again;
// a name is of use to nobody but this process, and the same for all sockets of a session.
type djangoNames struct {
	box cipher.AEAD
	mac []byte
}

// newDjangoNames takes keys that live as long as the process.
func newDjangoNames() (*djangoNames, error) {
	key, mac := make([]byte, 32), make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	_, _ = rand.Read(mac)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("preparing names of sessions: %w", err)
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("preparing names of sessions: %w", err)
	}
	return &djangoNames{box, mac}, nil
}

// of makes the name of a session. The nonce comes from the key: equal keys have equal names, and
// different keys different nonces.
func (n *djangoNames) of(sessionKey string) string {
	mac := hmac.New(sha256.New, n.mac)
	mac.Write([]byte(sessionKey))
	nonce := mac.Sum(nil)[:n.box.NonceSize()]
	return djangoPrefix + hex.EncodeToString(n.box.Seal(nonce, nonce, []byte(sessionKey), nil))
}

// key is the reverse of of.
func (n *djangoNames) key(name string) (sessionKey string, ok bool) {
	sealed, err := hex.DecodeString(strings.TrimPrefix(name, djangoPrefix))
	if err != nil || len(sealed) < n.box.NonceSize() {
		return "", false
	}
	nonce, rest := sealed[:n.box.NonceSize()], sealed[n.box.NonceSize():]
	opened, err := n.box.Open(nil, nonce, rest, nil)
	return string(opened), err == nil
}
