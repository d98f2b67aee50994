package rowcalltest

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// ChatMessageFrame returns the frame of a chat message, in the format of /ws/room/.
func ChatMessageFrame(id int, message string) string {
	return fmt.Sprintf(`{"type":"chat_message_created","kwargs":{"id":"%d","message":"%s"}}`, id, message)
}

// JoinRequestFrame returns the frame of a change of a join request that shows no user.
func JoinRequestFrame(id int, action string) string {
	return fmt.Sprintf(`{"type":"did_alter_join_request","kwargs":{"id":"%d","action":"%s","requesting_user":null}}`, id, action)
}

// GoldenFrame returns a frame of api/testdata/frames, which the tests of the clients read too.
func GoldenFrame(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(RepositoryPath(t, "api", "testdata", "frames", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(text), "\n")
}

// MaskFrame replaces the parts of a frame that differ from run to run.
func MaskFrame(frame string) string {
	changing := regexp.MustCompile(`"(cursor|time|session)":"[^"]+"`)
	return changing.ReplaceAllString(frame, `"$1":"…"`)
}
