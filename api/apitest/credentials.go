package apitest

import "encoding/json"

// QuickHash is a hash of the password "secret" that is quick to check: bcrypt at its lowest cost.
const QuickHash = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"

// Credentials returns the body of POST /api/login.
func Credentials(username, password string) string {
	text, _ := json.Marshal(map[string]string{"username": username, "password": password})
	return string(text)
}
