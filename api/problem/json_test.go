package problem

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestSoundRefusesWhatNoFrameCanHold nests data as deep as the parser allows. The frame around it
// would be deeper.
func TestSoundRefusesWhatNoFrameCanHold(t *testing.T) {
	deep := json.RawMessage(strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000))
	if !json.Valid(deep) {
		t.Fatal("the test's data is no JSON")
	}
	if got := SoundJSON(deep); string(got) != "null" {
		t.Errorf("data of depth 10,000 is passed on as %d bytes", len(got))
	}
	flat := json.RawMessage(`["` + strings.Repeat(`[\"\\`, 20_000) + `",{"a":[1]}]`)
	if got := SoundJSON(flat); !bytes.Equal(got, flat) {
		t.Errorf("brackets within text count as depth")
	}
}
