package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/alexedwards/scs/v2"
)

// What a session holds. There is nothing else in it.
const (
	sessionUser = "user" // user id in decimal
	sessionSeal = "seal" // of the password it was opened with, see sealOf
)

// sealOf makes, in hex, what a session keeps of a password's hash, so that it ends when the password
// changes. The statements that read sessions compute the same bytes in SQL.
func sealOf(passwordHash string) string {
	sum := sha256.Sum256([]byte(passwordHash))
	return hex.EncodeToString(sum[:])
}

// sealedWith reports whether a session was opened with the password that has this seal.
func (d sessionData) sealedWith(seal []byte) bool {
	opened, err := hex.DecodeString(d.Values[sessionSeal])
	return err == nil && len(opened) > 0 && bytes.Equal(opened, seal)
}

// sessionData is what the data column holds, as JSON.
type sessionData struct {
	Deadline time.Time         `json:"deadline"`
	Values   map[string]string `json:"values"`
}

func decodeSession(data []byte) (sessionData, error) {
	var held sessionData
	if err := json.Unmarshal(data, &held); err != nil {
		return held, errors.New("reading a session: its data is not ours")
	}
	return held, nil
}

// sessionCodec writes sessions as JSON, which a DBA can read and gob is not.
type sessionCodec struct{}

var _ scs.Codec = sessionCodec{}

// Encode takes values that are strings; ours all are.
func (sessionCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	held := sessionData{Deadline: deadline, Values: map[string]string{}}
	for key, value := range values {
		held.Values[key], _ = value.(string)
	}
	return json.Marshal(held)
}

// Decode is the reverse of Encode.
func (sessionCodec) Decode(data []byte) (time.Time, map[string]any, error) {
	held, err := decodeSession(data)
	values := make(map[string]any, len(held.Values))
	for key, value := range held.Values {
		values[key] = value
	}
	return held.Deadline, values, err
}
