package api

import (
	"crypto/hmac"
	"crypto/sha1" // as a MAC, which it is still good for: Django before 3.1 knew no other
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"
)

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
		if equal(given, now) || equal(given, before) {
			return value, true
		}
	}
	return "", false
}

// signedBefore31 reports whether a hash in hex is the one that Django before 3.1 put before a session's data.
func (k djangoKeys) signedBefore31(given, data string) bool {
	for _, key := range k {
		if equal(given, hex.EncodeToString(macOf(sha1.New, key.legacy, data))) {
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
		if equal(given, now) || equal(given, before) {
			return true
		}
	}
	return false
}

// equal compares in a time that says nothing of where two texts differ.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
