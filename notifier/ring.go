package notifier

import "encoding/json"

// channel is what triggers NOTIFY and nodes LISTEN on.
const channel = "rowcall"

// ring is the payload of a NOTIFY. Anybody may send one: it decides when a node looks, never what it
// finds. A ring that says nothing, or nothing that can be read, means: look.
type ring struct {
	Topic string `json:"topic"`
	Gate  int64  `json:"gate"`  // the gate was flipped to this generation
	Probe string `json:"probe"` // a node asks whether rings reach it
}

func parseRing(payload string) ring {
	var r ring
	if json.Unmarshal([]byte(payload), &r) != nil {
		return ring{}
	}
	return r
}
