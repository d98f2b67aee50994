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
	socket := &dcrfFlow{session: &session{log: slog.New(slog.NewTextHandler(io.Discard, nil)), limits: Limits{}.withDefaults()}}
	row := json.RawMessage(`{"id":7,"first_name":"Ana","last_name":"Ek","admission_date":"2021-06-01T10:00:00Z","dismissal_date":null,"created_at":"2021-06-01T10:00:00.250000Z","updated_at":"2021-06-01T10:00:00.250000Z"}`)
	changed := func(action string) []byte {
		return []byte(`{"id" : 7, "first_name" : "Ana", "last_name" : "Ek", "admission_date" : "2021-06-01T10:00:00Z", "dismissal_date" : null, "updated_at" : "2021-06-01T10:00:00.250000Z", "created_at" : "2021-06-01T10:00:00.250000Z", "action" : "` + action + `"}`)
	}
	update := event(47, "patients/7", "patient.change", string(changed("update")))
	remove := event(48, "patients/7", "patient.change", string(changed("delete")))
	asked := func(action, id string) dcrfRequest {
		return dcrfRequest{fields: map[string]json.RawMessage{"action": quoteWord(action), "request_id": json.RawMessage(id)}}
	}
	multiplexed := asked("create", `5`)
	multiplexed.named = quoteWord("patients")
	watched := func(e string) *dcrfStream {
		return &dcrfStream{servedResource: bare, rows: map[string][]rowSubscription{"7": {{requestID: `"` + e + `"`}}}}
	}
	return map[string][]byte{
		"dcrf-created":        encodeReply(asked("create", `5`), dcrfOutcome{status: 201, data: row}),
		"dcrf-created-stream": encodeReply(multiplexed, dcrfOutcome{status: 201, data: row}),
		"dcrf-deleted":        encodeReply(asked("delete", `"d7a8"`), dcrfOutcome{status: 204}),
		"dcrf-invalid":        encodeReply(asked("create", `5`), socket.failureOf(problem.Invalid(resource.FieldErrors{"last_name": {"This field is required."}}))),
		"dcrf-denied":         encodeReply(asked("list", `5`), socket.failureOf(problem.ErrDenied)),
		"dcrf-missing":        encodeReply(asked("retrieve", `5`), socket.failureOf(problem.ErrNoRow)),
		"dcrf-observed":       bare.encodeObserved(update),
		"dcrf-stream":         named.encodeObserved(update),
		"dcrf-updated-row":    socket.rowFrames(watched("d7a8"), update)[0],
		"dcrf-deleted-row":    socket.rowFrames(watched("d7a8"), remove)[0],
	}
}
