package config

// Secret is text that nobody may see. Printing it in any way shows that it is there and no more;
// convert it to string to use it.
type Secret string

// String masks the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(secret)"
}

// GoString masks the secret, for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText masks the secret, for encoders such as those of slog and JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
