package identity

import (
	"bytes"
	"compress/zlib"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // as a MAC, which is still sound: Django before 3.1 knows no other
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

const (
	djangoTextBytes = 64 << 10 // of a session in the table; a longer one is refused
	djangoDataBytes = 1 << 20  // of its content, decompressed
)

// Why a Django session is refused, other than for having no user. These errors are for operators,
// who can remove the cause.
var (
	errDjangoSignature = errors.New("it is not signed with auth.django.secret_key or one of the fallbacks")
	errDjangoPickle    = errors.New("it is pickled: SESSION_SERIALIZER has to be Django's JSONSerializer")
	errDjangoContent   = errors.New("it does not hold JSON as Django's JSONSerializer writes it")
	errDjangoSize      = errors.New("it is larger than sessions may be here")
)

// djangoSession is what a Django session says about its user. The zero djangoSession has no user.
type djangoSession struct {
	User string // the user id
	Hash string // the hash of the password, as Django stores it
}

// decodeDjango reads the column session_data. It inflates and parses nothing before the signature
// is checked, and parses nothing but JSON.
func (k djangoKeys) decodeDjango(text string) (djangoSession, error) {
	if len(text) > djangoTextBytes {
		return djangoSession{}, errDjangoSize
	}
	data, err := k.open(text)
	if err != nil {
		return djangoSession{}, err
	}
	return parseDjango(data)
}

// open returns the content of a session, signed by Django 3.1 and later, or by an older one.
func (k djangoKeys) open(text string) ([]byte, error) {
	value, ok := k.unsign(text)
	if !ok {
		return k.openBefore31(text)
	}
	at := strings.LastIndexByte(value, ':') // the time of signing follows; the column expire_date replaces it
	if at < 0 {
		return nil, errDjangoContent
	}
	packed, compressed := strings.CutPrefix(value[:at], ".")
	data, err := base64.RawURLEncoding.DecodeString(packed)
	switch {
	case err != nil:
		return nil, errDjangoContent
	case compressed:
		return inflate(data)
	}
	return data, nil
}

// openBefore31 reads base64 of a hash in hex, a colon and the content.
func (k djangoKeys) openBefore31(text string) ([]byte, error) {
	both, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errDjangoSignature
	}
	sum, data, found := strings.Cut(string(both), ":")
	if !found || !k.signedBefore31(sum, data) {
		return nil, errDjangoSignature
	}
	return []byte(data), nil
}

// inflate decompresses data, up to djangoDataBytes.
func inflate(data []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, errDjangoContent
	}
	content, err := io.ReadAll(io.LimitReader(r, djangoDataBytes+1))
	switch {
	case err != nil:
		return nil, errDjangoContent
	case len(content) > djangoDataBytes:
		return nil, errDjangoSize
	}
	return content, nil
}

// parseDjango returns the user of a session. Keys are compared exactly and the last of equal keys
// counts, as in Python; encoding/json would also fill a struct's field from a key in other letter
// case.
func parseDjango(data []byte) (djangoSession, error) {
	if len(data) > 0 && data[0] == 0x80 { // the first byte of a pickle
		return djangoSession{}, errDjangoPickle
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(data, &values); err != nil {
		return djangoSession{}, errDjangoContent
	}
	user, known := textOf(values, "_auth_user_id")
	_, through := textOf(values, "_auth_user_backend")
	hash, sealed := textOf(values, "_auth_user_hash")
	if !known || !through || !sealed {
		return djangoSession{}, nil
	}
	return djangoSession{User: user, Hash: hash}, nil
}

// textOf returns a value that is a text and not empty.
func textOf(values map[string]json.RawMessage, key string) (value string, ok bool) {
	err := json.Unmarshal(values[key], &value)
	return value, err == nil && value != ""
}

// The salts that Django mixes into its secret key, so that a signature for one purpose is useless
// for another.
const (
	djangoSessionSalt  = "django.contrib.sessions.SessionStoresigner" // of signed sessions, with the suffix that Signer adds
	djangoLegacySalt   = "django.contrib.sessionsSessionStore"        // of sessions before Django 3.1
	djangoPasswordSalt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
)

// djangoKey holds the keys that are derived from one secret key, one for each purpose, by Django's
// salted_hmac.
type djangoKey struct{ session, sessionSHA1, legacy, password, passwordSHA1 []byte }

func newDjangoKey(secret string) djangoKey {
	derive := func(algorithm func() hash.Hash, salt string) []byte {
		h := algorithm()
		h.Write([]byte(salt + secret))
		return h.Sum(nil)
	}
	return djangoKey{
		session:      derive(sha256.New, djangoSessionSalt),
		sessionSHA1:  derive(sha1.New, djangoSessionSalt),
		legacy:       derive(sha1.New, djangoLegacySalt),
		password:     derive(sha256.New, djangoPasswordSalt),
		passwordSHA1: derive(sha1.New, djangoPasswordSalt),
	}
}

// djangoKeys are the keys of the secret key and of its predecessors.
type djangoKeys []djangoKey

func newDjangoKeys(secret string, fallbacks []string) djangoKeys {
	keys := djangoKeys{newDjangoKey(secret)}
	for _, old := range fallbacks {
		keys = append(keys, newDjangoKey(old))
	}
	return keys
}

func macOf(algorithm func() hash.Hash, key []byte, value string) []byte {
	mac := hmac.New(algorithm, key)
	mac.Write([]byte(value))
	return mac.Sum(nil)
}

// unsign returns a text that django.core.signing has signed, without the signature. It reports
// false if the signature is wrong.
func (k djangoKeys) unsign(signed string) (value string, ok bool) {
	at := strings.LastIndexByte(signed, ':')
	if at < 0 {
		return "", false
	}
	value, given := signed[:at], signed[at+1:]
	for _, key := range k {
		now := base64.RawURLEncoding.EncodeToString(macOf(sha256.New, key.session, value))
		before := base64.RawURLEncoding.EncodeToString(macOf(sha1.New, key.sessionSHA1, value))
		if constantTimeEqual(given, now) || constantTimeEqual(given, before) {
			return value, true
		}
	}
	return "", false
}

// signedBefore31 reports whether a hash in hex is the one that Django before 3.1 writes before a
// session's content.
func (k djangoKeys) signedBefore31(given, data string) bool {
	for _, key := range k {
		if constantTimeEqual(given, hex.EncodeToString(macOf(sha1.New, key.legacy, data))) {
			return true
		}
	}
	return false
}

// sealed reports whether a session was opened with the password that now has this hash.
func (k djangoKeys) sealed(given, passwordHash string) bool {
	for _, key := range k {
		now := hex.EncodeToString(macOf(sha256.New, key.password, passwordHash))
		before := hex.EncodeToString(macOf(sha1.New, key.passwordSHA1, passwordHash))
		if constantTimeEqual(given, now) || constantTimeEqual(given, before) {
			return true
		}
	}
	return false
}

// constantTimeEqual compares in a time that does not depend on where two texts differ.
func constantTimeEqual(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// djangoPrefix is the prefix of the login names of Django sessions. The names of Rowcall's own
// logins are hexadecimal.
const djangoPrefix = "django:"

// djangoAlias returns the name that the trigger on Django's table gives a session, in SQL: the
// trigger does not know the user, whose id is in the signed data. The name is a hash, with which
// nobody can log in.
func djangoAlias(sessionKey string) string { return djangoPrefix + loginName(sessionKey) }

// loginNames makes login names of Django's session keys, and session keys of login names. The
// session key finds the row again. A login name is useful only to this process, and is the same for
// all sockets of a session.
type loginNames struct {
	box cipher.AEAD
	mac []byte
}

// newLoginNames makes secret keys that live as long as the process.
func newLoginNames() (*loginNames, error) {
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
	return &loginNames{box, mac}, nil
}

// seal returns the login name of a session key. The nonce depends on the session key: equal session
// keys have equal names, and different ones different nonces.
func (n *loginNames) seal(sessionKey string) string {
	mac := hmac.New(sha256.New, n.mac)
	mac.Write([]byte(sessionKey))
	nonce := mac.Sum(nil)[:n.box.NonceSize()]
	return djangoPrefix + hex.EncodeToString(n.box.Seal(nonce, nonce, []byte(sessionKey), nil))
}

// open returns the session key in a login name that seal has made. It reports false for other
// texts.
func (n *loginNames) open(name string) (sessionKey string, ok bool) {
	sealed, err := hex.DecodeString(strings.TrimPrefix(name, djangoPrefix))
	if err != nil || len(sealed) < n.box.NonceSize() {
		return "", false
	}
	nonce, rest := sealed[:n.box.NonceSize()], sealed[n.box.NonceSize():]
	opened, err := n.box.Open(nil, nonce, rest, nil)
	return string(opened), err == nil
}
