package api

import (
	"encoding/json"
	"io"
	"log/slog"
	"testing"

	"rowcall/api/problem"
	"rowcall/api/resource"
)

// dcrfFrames are the golden frames of sockets that serve resources.
func dcrfFrames(t *testing.T) map[string][]byte {
	patients := patientsResource(t)
	bare, named := &servedResource{resource: patients}, &servedResource{"patients", patients}
	socket := &dcrf{session: &session{log: slog.New(slog.NewTextHandler(io.Discard, nil)), limits: Limits{}.withDefaults()}}
	row := json.RawMessage(`{"id":7,"first_name":"Ana","last_name":"Ek","admission_date":"2021-06-01T10:00:00Z","dismissal_date":null,"created_at":"2021-06-01T10:00:00.250000Z","updated_at":"2021-06-01T10:00:00.250000Z"}`)
	changed := func(action string) []byte {
		return []byte(`{"id" : 7, "first_name" : "Ana", "last_name" : "Ek", "admission_date" : "2021-06-01T10:00:00Z", "dismissal_date" : null, "updated_at" : "2021-06-01T10:00:00.250000Z", "created_at" : "2021-06-01T10:00:00.250000Z", "action" : "` + action + `"}`)
	}
	update := event(47, "patients/7", "patient.change", string(changed("update")))
	remove := event(48, "patients/7", "patient.change", string(changed("delete")))
	asked := func(action, id string) dcrfRequest {
		return dcrfRequest{fields: map[string]json.RawMessage{"action": quoted(action), "request_id": json.RawMessage(id)}}
	}
	multiplexed := asked("create", `5`)
	multiplexed.named = quoted("patients")
	watched := func(e string) *dcrfStream {
		return &dcrfStream{servedResource: bare, watchers: map[string][]watcher{"7": {{id: `"` + e + `"`}}}}
	}
	return map[string][]byte{
		"dcrf-created":        encodeReply(asked("create", `5`), outcome{status: 201, data: row}),
		"dcrf-created-stream": encodeReply(multiplexed, outcome{status: 201, data: row}),
		"dcrf-deleted":        encodeReply(asked("delete", `"d7a8"`), outcome{status: 204}),
		"dcrf-invalid":        encodeReply(asked("create", `5`), socket.failed(problem.Invalid(resource.FieldErrors{"last_name": {"This field is required."}}))),
		"dcrf-denied":         encodeReply(asked("list", `5`), socket.failed(problem.ErrDenied)),
		"dcrf-missing":        encodeReply(asked("retrieve", `5`), socket.failed(problem.ErrNoRow)),
		"dcrf-observed":       bare.encode(update),
		"dcrf-stream":         named.encode(update),
		"dcrf-updated-row":    socket.instanceFrames(watched("d7a8"), update)[0],
		"dcrf-deleted-row":    socket.instanceFrames(watched("d7a8"), remove)[0],
	}
}
