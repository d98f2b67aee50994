package api

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"errors"
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
		return unpack(data)
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

// unpack inflates up to a bound.
func unpack(data []byte) ([]byte, error) {
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
