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
	djangoTextBytes = 64 << 10 // of a session as it is in the table; what is longer is not read
	djangoDataBytes = 1 << 20  // of what it holds, unpacked
)

// Why a session of Django's is refused, other than for having no user: each is for the operator, who can
// do something about it.
var (
	errDjangoSignature = errors.New("it is not signed with auth.django.secret_key or one of the fallbacks")
	errDjangoPickle    = errors.New("it is pickled: SESSION_SERIALIZER has to be Django's JSONSerializer")
	errDjangoContent   = errors.New("it does not hold JSON as Django's JSONSerializer writes it")
	errDjangoSize      = errors.New("it is larger than sessions may be here")
)

// djangoSession is what a session of Django's says of its user. The zero djangoSession is a visitor
// who has not logged in.
type djangoSession struct {
	User string // the key of the user's row
	Hash string // of the password it was opened with, as Django seals it
}

// decodeDjango reads the column session_data. Nothing is unpacked or parsed before its signature is found
// good, and nothing but JSON is ever parsed.
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

// open returns a session's content: signed as Django 3.1 and later do, or as it was done before.
func (k djangoKeys) open(text string) ([]byte, error) {
	value, ok := k.unsign(text)
	if !ok {
		return k.openBefore31(text)
	}
	at := strings.LastIndexByte(value, ':') // when it was signed, which the column expire_date makes up for
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

// inflate inflates up to a bound.
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

// parseDjango finds the user. Keys are compared exactly, as Python does, and the last of two equal ones
// counts; encoding/json would fill a struct's field from a key in other capitals too.
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

// textOf is a value that is text and not empty.
func textOf(values map[string]json.RawMessage, key string) (value string, ok bool) {
	err := json.Unmarshal(values[key], &value)
	return value, err == nil && value != ""
}

// What Django mixes into its secret key, so that what is signed for one purpose is of no use for another.
const (
	djangoSessionSalt  = "django.contrib.sessions.SessionStoresigner" // of signed sessions, and the word of Signer
	djangoLegacySalt   = "django.contrib.sessionsSessionStore"        // of sessions as they were before Django 3.1
	djangoPasswordSalt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
)

// djangoKey is what comes of one secret key: a key for each purpose, by Django's salted_hmac.
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

// djangoKeys are the secret key, and those that it took the place of.
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

// unsign takes the signature off a text that django.core.signing has signed, if it is good.
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

// signedBefore31 reports whether a hash in hex is the one that Django before 3.1 put before a session's data.
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

// constantTimeEqual compares in a time that says nothing of where two texts differ.
func constantTimeEqual(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// djangoPrefix begins the names that sessions of Django's have here; Rowcall's own are hexadecimal.
const djangoPrefix = "django:"

// djangoAlias is how the trigger on Django's table calls a session, in SQL: it does not know the user,
// whose id is within the signed data. Who knows the hash cannot log in with it.
func djangoAlias(sessionKey string) string { return djangoPrefix + loginName(sessionKey) }

// loginNames makes names of session keys, and keys of names. The key itself is what finds the row again;
// a name is of use to nobody but this process, and the same for all sockets of a session.
type loginNames struct {
	box cipher.AEAD
	mac []byte
}

// newLoginNames takes keys that live as long as the process.
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

// seal makes the name of a session. The nonce comes from the key: equal keys have equal names, and
// different keys different nonces.
func (n *loginNames) seal(sessionKey string) string {
	mac := hmac.New(sha256.New, n.mac)
	mac.Write([]byte(sessionKey))
	nonce := mac.Sum(nil)[:n.box.NonceSize()]
	return djangoPrefix + hex.EncodeToString(n.box.Seal(nonce, nonce, []byte(sessionKey), nil))
}

// open is the reverse of of.
func (n *loginNames) open(name string) (sessionKey string, ok bool) {
	sealed, err := hex.DecodeString(strings.TrimPrefix(name, djangoPrefix))
	if err != nil || len(sealed) < n.box.NonceSize() {
		return "", false
	}
	nonce, rest := sealed[:n.box.NonceSize()], sealed[n.box.NonceSize():]
	opened, err := n.box.Open(nil, nonce, rest, nil)
	return string(opened), err == nil
}
